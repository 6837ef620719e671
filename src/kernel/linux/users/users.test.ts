import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { requireTool } from "../../../../test/require-tool.ts";
import { bdf } from "../../../pci/bdf.ts";
import { matchUsers } from "../../port-match-users.ts";
import type { DeviceUser } from "../../port-users.ts";
import { openLinux } from "../linux-kernel.ts";
import { readMountNamespaces } from "./mount-namespaces.ts";
import { readNetNamespaces } from "./net-namespaces.ts";
import { deviceNumber } from "./open-files.ts";
import { identifyProcess } from "./process-identity.ts";
import { scanProcesses } from "./scan-processes.ts";
import { SysfsOwners } from "./sysfs-owners.ts";

/**
 * A host whose processes, mounts and namespaces are this machine's, and whose sysfs says that some of this machine's
 * devices belong to a function. No machine need have such hardware, and no device is touched.
 */
const root = mkdtempSync(join(tmpdir(), "vfleet-users-"));
const FUNCTION = bdf("0000:01:10.0");
const DEVICE = "/devices/pci0000:00/0000:00:01.0/0000:01:10.0";
symlinkSync("/proc", join(root, "proc"));
mkdirSync(`${root}/sys${DEVICE}`, { recursive: true });
mkdirSync(`${root}/sys/bus/pci/drivers/igbvf`, { recursive: true });
link("/sys/bus/pci/devices/0000:01:10.0", `../../..${DEVICE}`);
link(`/sys${DEVICE}/driver`, "../../../../bus/pci/drivers/igbvf");

const children: ChildProcess[] = [];
const undo: (() => void)[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
  for (const step of undo.reverse()) step();
  rmSync(root, { recursive: true });
});

function link(path: string, target: string): void {
  mkdirSync(dirname(root + path), { recursive: true });
  symlinkSync(target, root + path);
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** Starts a shell that says a line when it is ready, and waits for it. */
async function shell(script: string, program = ["bash", "-c"], file?: number): Promise<number> {
  const [command = "", ...args] = [...program, `${script}; echo ready; exec sleep 60`];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit", file ?? "ignore"] });
  children.push(child);
  await new Promise((ready, fail) => {
    child.stdout?.once("data", ready);
    child.once("exit", () => fail(new Error(`${script} ended`)));
  });
  return child.pid ?? assert.fail("no process");
}

async function look(): Promise<{ users: readonly DeviceUser[]; ways: string[] }> {
  const answer = (await openLinux(root).usersOf([FUNCTION])).get(FUNCTION) ?? assert.fail("no answer");
  return { users: answer.users, ways: answer.notLookedAt.map(({ way }) => way) };
}

describe("usersOf on this machine's processes", () => {
  const tun = "/dev/net/tun";

  it("finds who has a character device open, by its number", { skip: !existsSync(tun) && `no ${tun}` }, async () => {
    const number = deviceNumber(statSync(tun).rdev);
    link(`/sys/dev/char/${number}`, `../..${DEVICE}/uio/uio0`);
    const file = openSync(tun, "r");
    const pid = await shell("true", ["bash", "-c"], file);
    closeSync(file);
    const found = (await look()).users.filter(({ kind }) => kind === "deviceFile");
    assert.deepEqual(found, [
      {
        kind: "deviceFile",
        who: { pid, command: "sleep" },
        evidence: `sleep (process ${pid}) has ${tun} open (file 3, ${DEVICE}/uio/uio0)`,
      },
    ]);
  });

  it("says what another user may not look at", { skip: requireTool("root") }, async () => {
    const script = `import(${JSON.stringify(new URL("../linux-kernel.ts", import.meta.url).href)})
      .then(({ openLinux }) => openLinux().usersOf([${JSON.stringify(FUNCTION)}]))
      .then((all) => console.log(JSON.stringify([...all][0][1].notLookedAt)))`;
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], { uid: 65534, encoding: "utf8" });
    assert.equal(stderr, "");
    const gaps = JSON.parse(stdout) as { way: string; errno: string; reason: string }[];
    const files = gaps.find(({ way }) => way === "openFiles");
    assert.equal(files?.errno, "EACCES");
    assert.match(files?.reason ?? "", /^the open files of \d+ process(es)? cannot be looked at; run as root$/);
    for (const way of ["namespaces", "packetSockets", "mounts"])
      assert.ok(
        gaps.some((gap) => gap.way === way),
        way,
      );
  });
});

/** Why no loop device can be had, as in a container. */
function noLoop(): false | string {
  return (
    requireTool("root") || requireTool("mkfs.ext4") || (spawnSync("losetup", ["-f"]).status !== 0 && "no loop device")
  );
}

describe("usersOf on this machine's block devices", { skip: noLoop() }, () => {
  /** A loop device of 32 MiB, which sysfs says to be a namespace of the function. */
  function loop(name: string): string {
    run("truncate", "-s", "32M", join(root, name));
    const device = run("losetup", "--show", "-f", join(root, name));
    undo.push(() => run("losetup", "-d", device));
    const own = basename(device);
    const path = `/sys${DEVICE}/nvme/nvme0/${own}`;
    mkdirSync(root + path, { recursive: true });
    link(`${path}/dev`, `/sys/class/block/${own}/dev`);
    link(`${path}/holders`, `/sys/class/block/${own}/holders`);
    link(`/sys/class/block/${own}`, `../..${DEVICE}/nvme/nvme0/${own}`);
    link(`/sys/dev/block/${deviceNumber(statSync(device).rdev)}`, `../..${DEVICE}/nvme/nvme0/${own}`);
    return device;
  }

  it("finds a mount, a mount in another namespace, a swap and a process", async () => {
    const [mounted = "", elsewhere = "", swap = "", open = ""] = ["a", "b", "c", "d"].map(loop);
    const point = join(root, "mount point");
    mkdirSync(point);
    for (const device of [mounted, elsewhere]) run("mkfs.ext4", "-q", device);
    run("mount", mounted, point);
    undo.push(() => run("umount", point));
    const inner = join(root, "inner");
    mkdirSync(inner);
    const other = await shell(`mount ${elsewhere} ${inner}`, ["unshare", "--mount", "bash", "-c"]);
    run("mkswap", swap);
    run("swapon", swap);
    undo.push(() => run("swapoff", swap));
    const file = openSync(open, "r");
    const holder = await shell("true", ["bash", "-c"], file);
    closeSync(file);

    const { users } = await look();
    const found = users.filter(({ kind }) => ["mount", "swap", "blockOpen"].includes(kind));
    const names = [mounted, elsewhere, swap, open].map((path) => basename(path));
    assert.deepEqual(
      found.map(({ evidence }) => evidence).sort(),
      [
        `${names[0]} (ext4) is mounted at ${point}`,
        `${names[1]} (ext4) is mounted at ${inner} by sleep (process ${other})`,
        `${names[2]} is swap`,
        `sleep (process ${holder}) has ${open} open (${names[3]})`,
      ].sort(),
    );
  });
});

describe("usersOf on this machine's network namespaces", { skip: requireTool("root") || requireTool("ip") }, () => {
  it("looks into those of processes and of /run/netns, with addresses, routes and sockets", async () => {
    const name = `vfleet-${process.pid}`;
    run("ip", "netns", "add", name);
    undo.push(() => run("ip", "netns", "del", name));
    const ip = (...args: string[]) => run("ip", "-n", name, ...args);
    ip("link", "add", "a0", "type", "veth", "peer", "name", "b0");
    ip("link", "add", "br0", "type", "bridge");
    ip("link", "set", "dev", "b0", "master", "br0");
    for (const netdev of ["a0", "b0", "br0"]) ip("link", "set", "dev", netdev, "up");
    ip("address", "add", "192.0.2.1/24", "dev", "a0");
    const pid = await shell("true", ["unshare", "--net", "bash", "-c"]);
    ip("link", "add", "link", "a0", "name", "mv0", "netns", String(pid), "type", "macvlan");
    const inside = (...args: string[]) => run("nsenter", "-t", String(pid), "-n", "ip", ...args);
    inside("link", "set", "dev", "mv0", "up");
    inside("address", "add", "192.0.2.7/24", "dev", "mv0");
    inside("route", "add", "default", "via", "192.0.2.2", "table", "77");

    const scan = await scanProcesses("");
    const identify = (each: number) => identifyProcess("", each);
    const mounts = readMountNamespaces("", scan.mountNamespaces, identify);
    const owners = new SysfsOwners("");
    const { namespaces, gaps } = await readNetNamespaces("", scan, mounts, owners, new Set(), identify);
    assert.deepEqual(
      gaps.filter(({ errno }) => errno !== "ENODATA"),
      [],
    );
    const named = namespaces.find(({ label }) => label === `network namespace ${name}`) ?? assert.fail("not found");
    const a0 = named.links.find((each) => each.name === "a0");
    assert.deepEqual(
      a0?.addresses.filter(({ scope }) => scope === "global"),
      [{ address: "192.0.2.1/24", scope: "global" }],
    );
    assert.equal(named.links.find((each) => each.name === "b0")?.master, "br0");
    assert.equal(named.host, false);
    const unnamed = namespaces.find(({ process: first }) => first?.pid === pid);
    assert.equal(unnamed?.label, `network namespace of process ${pid} (sleep)`);
    assert.equal(unnamed?.inode, Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0]));
    assert.equal(namespaces.filter(({ host }) => host).length, 1);

    // A pair has no PCI device; as if it had one.
    const owned = namespaces.map((each) => ({
      ...each,
      links: each.links.map((link) => (each === named && link === a0 ? { ...link, functions: [FUNCTION] } : link)),
    }));
    const nothing = {
      openFiles: [],
      blocks: new Map(),
      mounts: [],
      swaps: [],
      pools: [],
      rdma: [],
      guests: [],
      attachments: [],
      gaps: [],
    };
    const functions = new Map([[FUNCTION, { bdf: FUNCTION, driver: "igbvf", vfs: [] }]]);
    const users = matchUsers({ ...nothing, functions, namespaces: owned }, [FUNCTION]).get(FUNCTION)?.users ?? [];
    const there = `in network namespace of process ${pid} (sleep), upon a0`;
    assert.deepEqual(
      users.map(({ evidence }) => evidence),
      [
        `its network interface a0 is in network namespace ${name}`,
        `a0 has the address 192.0.2.1/24 (scope global) in network namespace ${name}`,
        `mv0 (macvlan) is built on it ${there}`,
        `mv0 has the address 192.0.2.7/24 (scope global) ${there}`,
        `the default route by 192.0.2.2 leads through mv0 (table 77) ${there}`,
      ],
    );
  });
});
