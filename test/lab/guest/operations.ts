/**
 * Runs in the machine igb: operations on the real kernel, and what sysfs and ip(8) show after each. With arguments, one
 * operation that is killed:
 *
 *     operations.ts STATE RECORDS      SIGKILL when so many records are on the disk
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { applyPlan, type OperationSetting } from "../../../src/host/apply/apply-plan.ts";
import { systemClock } from "../../../src/host/apply/clock.ts";
import type { Operation } from "../../../src/host/apply/operation.ts";
import type { Planning } from "../../../src/host/apply/planning.ts";
import { recoverOperations } from "../../../src/host/apply/recover.ts";
import { desiredOf } from "../../../src/host/desired/desired-of.ts";
import type { DesiredPf } from "../../../src/host/desired/desired-pf.ts";
import { planHost } from "../../../src/host/plan/plan-host.ts";
import { runPreflights } from "../../../src/host/plan/run-preflights.ts";
import { observeHost } from "../../../src/host/state/observe-host.ts";
import { openLinux } from "../../../src/kernel/linux/linux-kernel.ts";
import { bdf } from "../../../src/pci/bdf.ts";
import { openOperationStore } from "../../../src/state/operation-store.ts";
import { openLocks } from "../../../src/state/pf-locks.ts";
import { holdFiles } from "./hold-files.ts";

const { LAB_RECORDS = "/dev/stdout" } = process.env;
const PF = bdf("0000:01:00.0");
const DEVICE = `/sys/bus/pci/devices/${PF}`;
const RECORDS = [1, 4, 7, 10, 13];
const NEVER = 1000;
const kernel = openLinux();
const planning: Planning = {
  observe: () => observeHost(kernel),
  plan: async (state, desired) => planHost({ state, desired, preflights: await runPreflights(kernel, state, desired) }),
  desiredOf,
};

function settingOf(folder: string): OperationSetting {
  return {
    kernel,
    planning,
    store: openOperationStore(join(folder, "operations")),
    locks: openLocks("/run/vfleet/locks"),
    clock: systemClock,
    pid: process.pid,
  };
}

function wish(numVfs: number, vfs: DesiredPf["vfs"]): DesiredPf[] {
  return [{ pf: PF, wantedBy: ["test"], numVfs, onShrink: "refuse", vfs }];
}

const NONE = wish(0, []);
const POOLS = wish(3, [
  { vfIndex: 0, driver: "vfio", network: { mac: "02:00:00:00:00:01", vlan: 100, qos: 3 } },
  { vfIndex: 1, driver: "default", network: { mac: "02:00:00:00:00:02", spoofCheck: false } },
  { vfIndex: 2, driver: "none", network: { mac: "02:00:00:00:00:03", trust: true } },
]);
const ONE = wish(3, [{ vfIndex: 1, network: { vlan: 300 } }]);

/** Not by what vfleet reads. */
function shown(): unknown {
  const text = (path: string) => readFileSync(join(DEVICE, path), "utf8").trim();
  const [netdev = ""] = readdirSync(join(DEVICE, "net"));
  const [link] = JSON.parse(
    execFileSync("ip", ["-json", "-details", "link", "show", "dev", netdev], { encoding: "utf8" }),
  );
  const vfs = readdirSync(DEVICE).filter((name) => name.startsWith("virtfn"));
  return {
    numVfs: text("sriov_numvfs"),
    autoprobe: text("sriov_drivers_autoprobe"),
    drivers: vfs.sort().map((vf) => {
      try {
        return basename(readlinkSync(join(DEVICE, vf, "driver")));
      } catch {
        return null;
      }
    }),
    settings: link.vfinfo_list ?? [],
  };
}

function tell(stage: string, more: object): void {
  appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind: "stage", stage, ...more, shown: shown() })}\n`);
}

function ended({ state, failure, events }: Operation): object {
  const times = events.map(({ at }) => Date.parse(at));
  return { state, failure, records: events.length, ms: Math.max(...times) - Math.min(...times) };
}

async function apply(desired: readonly DesiredPf[], folder: string, die = NEVER): Promise<Operation> {
  let left = die;
  return applyPlan({
    ...settingOf(folder),
    plan: await planning.plan(await planning.observe(), desired),
    kind: "apply",
    title: "test",
    onEvent: ({ kind }) => {
      if (kind === "event" && left-- <= 0) process.kill(process.pid, "SIGKILL");
    },
  });
}

async function all(): Promise<void> {
  for (const module of ["igb", "igbvf", "vfio-pci"]) await kernel.loadModule(module);
  // What udev does with the interfaces is not to fall into the first look.
  await delay(1000);
  tell("before", {});
  tell("made", ended(await apply(POOLS, "/run/all")));
  tell("one changed", ended(await apply(ONE, "/run/all")));

  const files = holdFiles();
  const group = basename(readlinkSync(join(DEVICE, "virtfn0/iommu_group")));
  await files.hold(`/dev/vfio/${group}`);
  const refusals = (await planning.plan(await planning.observe(), NONE)).pfs.flatMap((pf) => pf.refusals);
  tell("held", { refusals: refusals.map(({ code, summary }) => ({ code, summary })) });
  await files.letGo();
  tell("released", ended(await apply(NONE, "/run/all")));

  for (const records of RECORDS) {
    const folder = `/run/killed-${records}`;
    const script = process.argv[1] ?? "";
    const child = spawn(process.execPath, [script, folder, String(records)], { stdio: "inherit" });
    const [, signal] = (await once(child, "close")) as [number | null, string | null];
    await recoverOperations(settingOf(folder));
    const [operation] = await openOperationStore(join(folder, "operations")).list();
    tell("killed", { signal, ...(operation ? ended(operation) : {}) });
    if (operation?.state === "settled") await apply(NONE, "/run/all");
  }
}

const [, , folder, records] = process.argv;
if (folder === undefined) await all();
else await apply(POOLS, folder, Number(records));
