/**
 * Runs in the machine igb-nvme: the life of policies on a real kernel, by vfleet's own commands. After each, what `ip`, lspci,
 * nvme and sysfs say is recorded; test/lab/provision.test.ts judges.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const { LAB_RECORDS = "/dev/stdout" } = process.env;
const DEVICES = "/sys/bus/pci/devices";
const POLICIES = "/script/vfleet/examples/policies";
const PF = "0000:01:00.0";
const PFS = [PF, "0000:01:00.1", "0000:02:00.0", "0000:03:00.0"];
/** Of a process that is killed in the middle of an operation. */
const KILL_AFTER_MS = [3000, 5500, 7500];

const record = (kind: string, facts: object) => appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind, ...facts })}\n`);

function text(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

function linkName(path: string): string | null {
  try {
    return basename(readlinkSync(path));
  } catch {
    return null;
  }
}

function names(path: string): string[] {
  return existsSync(path) ? readdirSync(path).sort() : [];
}

const VFLEET = ["--disable-warning=ExperimentalWarning", "/script/vfleet/bin/vfleet.js"];

/** One command of vfleet, as a person gives it. */
function vfleet(stage: string, ...args: string[]): void {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [...VFLEET, ...args], {
    encoding: "utf8",
    maxBuffer: 64 * 2 ** 20,
  });
  const tookMs = Math.round(performance.now() - began);
  record("command", { stage, command: args.join(" "), status, stdout, stderr, tookMs });
  observe(stage);
}

/** The host as the kernel's own tools tell it. */
function observe(stage: string): void {
  const pfs = PFS.map((pf) => {
    const folder = `${DEVICES}/${pf}`;
    const virtio = names(folder).filter((name) => /^virtio\d+$/.test(name));
    const [netdev] = [...names(`${folder}/net`), ...virtio.flatMap((name) => names(`${folder}/${name}/net`))];
    const link = netdev === undefined ? undefined : ipLink(netdev);
    const vfs = Array.from({ length: Number(text(`${folder}/sriov_numvfs`)) }, (_, index) =>
      observeVf(linkName(`${folder}/virtfn${index}`) ?? ""),
    );
    return { pf, autoprobe: text(`${folder}/sriov_drivers_autoprobe`), settings: link?.vfinfo_list ?? [], vfs };
  });
  const { stdout } = spawnSync("nvme", ["list-secondary", "/dev/nvme0", "--output-format=json"], { encoding: "utf8" });
  const lspci = execFileSync("lspci", ["-D", "-n"], { encoding: "utf8" });
  record("host", { stage, pfs, secondaries: JSON.parse(stdout), functions: lspci.trim().split("\n").length });
}

function ipLink(netdev: string): { readonly vfinfo_list?: readonly unknown[] } {
  const printed = execFileSync("ip", ["-json", "-details", "link", "show", "dev", netdev], { encoding: "utf8" });
  return JSON.parse(printed)[0];
}

function observeVf(bdf: string) {
  const folder = `${DEVICES}/${bdf}`;
  return {
    bdf,
    driver: linkName(`${folder}/driver`),
    group: linkName(`${folder}/iommu_group`),
    // Another interface, though of the same name, has another number.
    netdevs: names(`${folder}/net`).map((name) => ({
      ifindex: Number(text(`${folder}/net/${name}/ifindex`)),
      mac: text(`${folder}/net/${name}/address`),
      txPackets: Number(text(`${folder}/net/${name}/statistics/tx_packets`)),
    })),
  };
}

/** A policy of our own, for what the examples do not show. */
function policy(name: string, spec: object): string {
  const path = `/tmp/${name}.yaml`;
  const document = { apiVersion: "vfleet.dev/v1alpha1", kind: "VfPolicy", metadata: { name }, spec };
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(document));
  return path;
}

// As systemd makes it at the first boot.
writeFileSync("/etc/machine-id", "5ca1ab1e0ddba11c0ffee0facade0001\n");
execFileSync("modprobe", ["-a", "igb", "nvme", "virtio_net"]);
while (!existsSync(`${DEVICES}/0000:02:00.0/nvme/nvme0`) || text("/sys/class/nvme/nvme0/state") !== "live")
  await sleep(100);
observe("start");

const twoPools = `${POLICIES}/igb-two-pools.yaml`;
vfleet("plan", "plan", "-f", twoPools, "--json");
vfleet("apply", "apply", "-f", twoPools, "--yes", "--json");
vfleet("settled", "plan", "-f", twoPools, "--check");

// Traffic of its own, so that counters of an interface that was made anew would show.
const [shared = ""] = names(`${DEVICES}/${linkName(`${DEVICES}/${PF}/virtfn5`)}/net`);
execFileSync("ip", ["link", "set", shared, "up"]);
await sleep(1500);
observe("before-set");
vfleet("set", "set", "01:00.0", "vf", "4", "vlan=300", "--yes", "--json");
vfleet("drift", "plan", "-f", twoPools, "--check");
vfleet("again", "apply", "-f", twoPools, "--yes", "--json");
execFileSync("ip", ["link", "set", shared, "down"]);

const group = linkName(`${DEVICES}/${linkName(`${DEVICES}/${PF}/virtfn1`)}/iommu_group`);
const held = openSync(`/dev/vfio/${group}`, constants.O_RDWR);
const holder = spawn("sleep", ["infinity"], { stdio: [held, "ignore", "ignore"] });
closeSync(held);
record("holder", { pid: holder.pid });
const three = policy("three", {
  select: { bdf: PF },
  numVfs: 3,
  vfs: [{ range: "0-2", driver: "none", network: { vlan: 7 } }],
});
vfleet("refused", "apply", "-f", three, "--yes", "--json");
vfleet("reset-refused", "reset", "01:00.0", "vf", "1", "--yes", "--json");
const ended = new Promise((resolve) => holder.once("exit", resolve));
holder.kill("SIGKILL");
await ended;
vfleet("reset", "reset", "01:00.0", "vf", "1", "--yes", "--json");
vfleet("bind", "bind", "01:00.0", "vf", "1", "default", "--yes", "--json");
vfleet("three", "apply", "-f", three, "--yes", "--json");
vfleet("two-ports", "apply", "-f", `${POLICIES}/igb-two-ports.yaml`, "--yes", "--json");
vfleet("nvme", "apply", "-f", `${POLICIES}/nvme-secondaries.yaml`, "--yes", "--json");
vfleet("virtio", "apply", "-f", `${POLICIES}/virtio-net.yaml`, "--yes", "--json");
execFileSync("modprobe", ["netdevsim"]);
writeFileSync("/sys/bus/netdevsim/new_device", "10 1");
vfleet("netdevsim", "apply", "-f", `${POLICIES}/netdevsim.yaml`, "--yes", "--json");
const [simulated = ""] = names("/sys/bus/netdevsim/devices/netdevsim10/net");
record("simulated", { settings: ipLink(simulated).vfinfo_list });
vfleet("status", "status");
vfleet("claimed", "release", "--all", "--yes", "--json");
vfleet("claim", "release", "--claim", "web-bond", "--yes", "--json");
vfleet("release", "release", "--all", "--yes", "--json");

for (const afterMs of KILL_AFTER_MS) {
  const child = spawn(process.execPath, [...VFLEET, "apply", "-f", twoPools, "--yes"], { stdio: "ignore" });
  const end = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await sleep(afterMs);
  child.kill("SIGKILL");
  record("killed", { afterMs, exitCode: await end });
  vfleet(`recover-${afterMs}`, "recover", "--json");
  vfleet(`release-${afterMs}`, "release", "--all", "--yes", "--json");
}
vfleet("operations", "operations", "--json");
