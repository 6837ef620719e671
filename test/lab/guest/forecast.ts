/**
 * Runs in a lab machine: asks preflight about every number of VFs of every PF, then writes each to sriov_numvfs and
 * records what the kernel made of it. Arguments name the states of the machine in which that is done, in their order; with
 * "ends" among them, only the first number and those around what the PF offers are tried.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { type HostFunction, type Inventory, physicalFunctions, readInventory } from "../../../src/host/inventory.ts";
import type { Finding } from "../../../src/host/preflight/check.ts";
import { type PreflightFacts, readHostFacts, readPreflightFacts } from "../../../src/host/preflight/facts.ts";
import { judge } from "../../../src/host/preflight/preflight.ts";
import { readinessOf } from "../../../src/host/readiness.ts";
import { openLinux } from "../../../src/kernel/linux/linux-kernel.ts";
import type { Bdf } from "../../../src/pci/bdf.ts";
import { computeIommuGroups } from "../../../src/pci/iommu-groups.ts";
import { predictVfGroups } from "../../../src/pci/predict-vf-groups.ts";
import { kernelGroups, modelOf, partition } from "../../hosts/kernel-groups.ts";
import type { ForecastRecord, GroupsRecord, LabForecast, Trial } from "../forecast-record.ts";
import { KernelLog } from "./kernel-log.ts";

const DEVICES = "/sys/bus/pci/devices";
const kernel = openLinux();
const log = new KernelLog();

/** What to do to the machine before a stage. */
const STAGES: Readonly<Record<string, (pfs: readonly HostFunction[]) => void>> = {
  "no driver": () => undefined,
  "own driver": () => execFileSync("modprobe", ["-a", "igb", "nvme", "virtio_net"]),
  "vfio-pci": (pfs) => {
    execFileSync("modprobe", ["vfio-pci"]);
    for (const { bdf } of pfs) {
      writeFileSync(`${DEVICES}/${bdf}/driver_override`, "vfio-pci");
      if (existsSync(`${DEVICES}/${bdf}/driver`)) writeFileSync(`${DEVICES}/${bdf}/driver/unbind`, bdf);
      writeFileSync("/sys/bus/pci/drivers_probe", bdf);
    }
  },
  "vfio-pci with enable_sriov": () => writeFileSync("/sys/module/vfio_pci/parameters/enable_sriov", "Y"),
};

/** A PF with all that preflight knows of it in its present state. */
interface Subject {
  readonly pf: HostFunction;
  readonly facts: PreflightFacts;
}

const stages = process.argv.slice(2).filter((arg) => arg !== "ends");
const endsOnly = process.argv.includes("ends");

for (const [index, stage] of stages.entries()) {
  const prepare = STAGES[stage];
  if (!prepare) throw new Error(`no stage ${stage}`);
  prepare(physicalFunctions(await readInventory(kernel)));
  await runStage(stage, index + 1 < stages.length);
}

/** @param another stage follows, which is to find no VFs; otherwise the machine ends. */
async function runStage(stage: string, another: boolean): Promise<void> {
  const before = await readInventory(kernel);
  const subjects = await readSubjects(before);
  // Those of different PFs side by side: most of the time the kernel waits for a device.
  const records = await Promise.all(subjects.map((subject) => tryNumbers(stage, subject)));
  const largest = records.map(({ trials }) => {
    return Math.max(0, ...trials.filter(({ outcome }) => outcome.errno === null).map(({ vfs }) => vfs));
  });

  await Promise.all(subjects.map(({ pf }, index) => largest[index] && writeNumVfs(pf.bdf, largest[index])));
  const after = await readInventory(kernel);
  record(groupsRecord(stage, before, after));
  const full = new Map((await readSubjects(after)).map((subject) => [subject.pf.bdf, subject]));
  const others = await Promise.all(
    subjects.map(async ({ pf, facts }, index) => {
      const vfs = largest[index];
      const now = full.get(pf.bdf);
      if (!vfs || !now) return {};
      const isolation = judge({ ...facts, use: "vfio" }, vfs).findings.find(({ check }) => check === "isolation");
      const trials = [await tryNumber(now, vfs, vfs)];
      if (vfs > 1) trials.push(await tryNumber(now, 1, vfs));
      const groups = [...kernelGroups(after).values()];
      const alone = now.pf.node.vfs.filter(({ bdf }) =>
        groups.some(({ length, 0: first }) => length === 1 && first === bdf),
      );
      if (another) await writeNumVfs(pf.bdf, 0);
      return {
        full: { vfs, ready: readyWord(now), isolation: isolation?.result ?? "none", alone: alone.length, trials },
      };
    }),
  );
  for (const [index, forecast] of records.entries()) record({ ...forecast, ...others[index] });
}

async function readSubjects(inventory: Inventory): Promise<Subject[]> {
  const host = await readHostFacts(kernel);
  const subjects: Subject[] = [];
  for (const pf of physicalFunctions(inventory)) {
    subjects.push({ pf, facts: await readPreflightFacts(inventory, host, pf, undefined) });
  }
  return subjects;
}

/** Every number from 1 to one more than the registers have. */
async function tryNumbers(stage: string, subject: Subject): Promise<ForecastRecord> {
  const { pf, facts } = subject;
  const totalVfs = pf.sriov?.totalVfs;
  if (typeof totalVfs !== "number") throw new Error(`${pf.bdf}: TotalVFs was not read`);
  // No driver is to come and bind them: that is another question, and takes time.
  writeFileSync(`${DEVICES}/${pf.bdf}/sriov_drivers_autoprobe`, "0");
  const trials: Trial[] = [];
  const offered = Number(readFileSync(`${DEVICES}/${pf.bdf}/sriov_totalvfs`, "utf8"));
  for (let vfs = 1; vfs <= totalVfs + 1; vfs++) {
    if (endsOnly && vfs > 1 && vfs < offered) continue;
    trials.push(await tryNumber(subject, vfs, 0));
    await writeNumVfs(pf.bdf, 0);
  }
  const now = judge(facts, undefined);
  return {
    kind: "forecast",
    stage,
    bdf: pf.bdf,
    driver: typeof pf.driver === "string" ? pf.driver : null,
    totalVfs,
    offered,
    largest: now.largest,
    ready: readyWord(subject),
    unanswered: now.findings.filter(({ result }) => result === "unknown").map(({ check }) => check),
    trials,
  };
}

async function tryNumber({ pf, facts }: Subject, vfs: number, present: number): Promise<Trial> {
  const refusals = judge(facts, vfs).findings.filter(isHostsRefusal);
  // Findings come in the kernel's order.
  const [first] = refusals.filter(({ errno }) => errno !== undefined);
  const start = log.length();
  const errno = await writeNumVfs(pf.bdf, vfs);
  const links = (await readdir(`${DEVICES}/${pf.bdf}`)).filter((name) => name.startsWith("virtfn"));
  return {
    vfs,
    present,
    forecast: { refused: refusals.length > 0, errno: first?.errno ?? null, log: first ? announcedLog(first) : null },
    outcome: { errno, vfs: links.length, log: log.since(start, pf.bdf) },
  };
}

function isHostsRefusal({ result }: Finding): boolean {
  return result === "refuse";
}

/** Words of the kernel's own in a summary. */
function announcedLog({ summary }: Finding): string | null {
  return (
    /"([^"]+)"/.exec(summary)?.[1] ?? /bus [0-9a-f]{2} out of range of \[bus [0-9a-f-]+\]/.exec(summary)?.[0] ?? null
  );
}

function readyWord({ pf, facts }: Subject): string {
  return readinessOf(pf, judge(facts, undefined)).word;
}

/** One write(2). @returns the errno's name, null where there was none */
async function writeNumVfs(bdf: Bdf, vfs: number): Promise<string | null> {
  try {
    await using file = await open(`${DEVICES}/${bdf}/sriov_numvfs`, "r+");
    await file.write(String(vfs));
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function groupsRecord(stage: string, before: Inventory, after: Inventory): GroupsRecord {
  const kernels = [...kernelGroups(after).values()];
  const vfs = physicalFunctions(before).flatMap(({ bdf }) => {
    const made = after.functions.get(bdf)?.node.vfs.map((vf) => vf.bdf) ?? [];
    return predictVfGroups(modelOf(before), bdf, made.length).vfs.map(({ bdf: vf, group }) => ({
      bdf: String(vf),
      kernel: kernels
        .filter((members) => vf !== null && members.includes(vf))
        .flatMap((members) => members.filter((member) => made.includes(member) || before.functions.has(member)))
        .sort()
        .join(" "),
      foreseen: [...(group?.members ?? [])].sort().join(" "),
    }));
  });
  const { groups } = computeIommuGroups(modelOf(after));
  return {
    kind: "groups",
    stage,
    kernel: partition(kernels),
    computed: partition(groups.map(({ members }) => members)),
    vfs,
  };
}

function record(value: LabForecast): void {
  const { LAB_RECORDS: channel } = process.env;
  if (channel === undefined) throw new Error("not in a lab machine");
  appendFileSync(channel, `${JSON.stringify(value)}\n`);
}
