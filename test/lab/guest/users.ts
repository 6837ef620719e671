/** Runs in the machine igb-nvme: puts functions to use in many ways, and records who is told to use them. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";
import { openLinux } from "../../../src/kernel/linux/linux-kernel.ts";
import { type Bdf, bdf } from "../../../src/pci/bdf.ts";

const { LAB_RECORDS = "/dev/stdout" } = process.env;
const IGB = bdf("0000:01:00.0");
const NVME = bdf("0000:02:00.0");
const DEVICES = "/sys/bus/pci/devices";
const DISK = "/dev/nvme0n1";
const VFS = [0, 1, 2, 3, 4, 5, 6];
const children: ChildProcess[] = [];
const kernel = openLinux();

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
}

function end(child: ChildProcess): Promise<unknown> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  return ended;
}

function ip(command: string): void {
  run("ip", ...command.split(" "));
}

/** A process that has a file open, and does nothing. */
function hold(path: string, flags: number): ChildProcess {
  const fd = openSync(path, flags);
  const child = spawn("sleep", ["infinity"], { stdio: [fd, "ignore", "ignore"] });
  closeSync(fd);
  children.push(child);
  return child;
}

async function record(stage: string, ...functions: Bdf[]): Promise<void> {
  const used = Object.fromEntries(await kernel.usersOf(functions));
  appendFileSync(LAB_RECORDS, `${JSON.stringify({ kind: "users", stage, used })}\n`);
}

function vf(index: number): Bdf {
  return bdf(basename(readlinkSync(`${DEVICES}/${IGB}/virtfn${index}`)));
}

/** Named after its VF, so that the records say it. */
function renameNetdev(index: number): void {
  const [was = ""] = readdirSync(`${DEVICES}/${vf(index)}/net`);
  ip(`link set dev ${was} name vf${index}`);
}

try {
  for (const module of ["igb", "igbvf", "vfio-pci", "nvme", "bridge", "bonding", "macvlan", "8021q", "loop", "ext4"]) {
    run("modprobe", module);
  }
  // A VF's driver that comes while the PF is down gets no VLAN from it, which a bridge gives to its members.
  writeFileSync(`${DEVICES}/${IGB}/sriov_drivers_autoprobe`, "0");
  writeFileSync(`${DEVICES}/${IGB}/sriov_numvfs`, "7");
  writeFileSync(`${DEVICES}/${IGB}/sriov_drivers_autoprobe`, "1");
  const [pf = ""] = readdirSync(`${DEVICES}/${IGB}/net`);
  ip(`link set dev ${pf} name pf`);
  ip("link set dev pf up");
  while (readFileSync("/sys/class/net/pf/carrier", "utf8").trim() !== "1") await setTimeout(100);
  for (const index of VFS) writeFileSync("/sys/bus/pci/drivers_probe", vf(index));
  for (const index of [0, 1, 2, 3, 4, 6]) renameNetdev(index);
  await record("idle", IGB, NVME);

  ip("netns add blue");
  ip("link set dev vf0 netns blue");
  ip("-n blue addr add 10.1.0.1/24 dev vf0");
  ip("-n blue link set dev vf0 up");
  ip("addr add 10.2.0.1/24 dev vf1");
  ip("link set dev vf1 up");
  ip("route add 10.9.0.0/16 via 10.2.0.2");
  ip("link add br0 type bridge");
  ip("link set dev vf2 up");
  ip("link set dev vf2 master br0");
  ip("addr add 10.3.0.1/24 dev br0");
  ip("link add bond0 type bond");
  ip("link set dev vf3 master bond0");
  ip("link set dev vf4 up");
  ip("link add link vf4 name mac4 type macvlan");
  ip("link set dev mac4 netns blue");
  ip("link add link vf4 name vlan4 type vlan id 7");
  const guest = vf(5);
  writeFileSync(`${DEVICES}/${guest}/driver_override`, "vfio-pci");
  writeFileSync(`${DEVICES}/${guest}/driver/unbind`, guest);
  writeFileSync("/sys/bus/pci/drivers_probe", guest);
  const group = basename(readlinkSync(`${DEVICES}/${guest}/iommu_group`));
  const holder = hold(`/dev/vfio/${group}`, constants.O_RDWR);
  ip("link set dev vf6 up");
  run("busybox", "mkswap", DISK);
  run("swapon", DISK);
  await record("used", IGB, ...VFS.map(vf), NVME);

  await end(holder);
  run("swapoff", DISK);
  run("busybox", "mke2fs", DISK);
  mkdirSync("/mnt/disk", { recursive: true });
  run("mount", "-t", "ext4", DISK, "/mnt/disk");
  await record("mounted", NVME, guest);

  run("umount", "/mnt/disk");
  const reader = hold(DISK, constants.O_RDONLY);
  await record("open", NVME);
  await end(reader);
  run("losetup", "/dev/loop0", DISK);
  await record("loop", NVME);
} finally {
  for (const child of children) child.kill("SIGKILL");
}
