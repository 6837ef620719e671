import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { type Observed, type Unread, unread } from "../port.ts";
import type { ChangeableKernel } from "../port-change.ts";
import { matchUsers } from "../port-match-users.ts";
import { readFile } from "../read-file.ts";
import { DeadlineReader, type DeadlineReaderOptions } from "./deadline-reader.ts";
import { devlinkBy } from "./devlink.ts";
import { readIpLink, setLink, setVfs } from "./ip-link.ts";
import { KmsgFollower, type KmsgRecord, readKmsg } from "./kmsg.ts";
import { loadModule, unloadModule } from "./modprobe.ts";
import { nvmeBy } from "./nvme.ts";
import { NO_PROGRAMS, systemPrograms } from "./program.ts";
import { uevents } from "./uevents.ts";
import { gatherUseFacts } from "./users/gather-use-facts.ts";
import { writeFileByProgram } from "./write-file.ts";

const DEFAULT_LIMIT_BYTES = 1024 * 1024;

/**
 * Attributes of a PCI device whose show handler takes the device's lock, which whoever unbinds a driver or changes
 * NumVFs holds, for 30 s and more where QEMU has the VF: `sriov_numvfs_show` (drivers/pci/iov.c),
 * `driver_override_show` (drivers/pci/pci-sysfs.c), and in some stable kernels of 2024 `uevent_show` (drivers/base/core.c).
 */
const TAKES_DEVICE_LOCK = new Set(["sriov_numvfs", "driver_override", "uevent"]);
/**
 * Attributes of a network device that wait for the RTNL, which an `ip link` to a hanging firmware holds
 * (net/core/net-sysfs.c, drivers/net/bonding/bond_sysfs.c).
 */
const TAKES_RTNL = new Set([
  "active_slave",
  "carrier",
  "duplex",
  "phys_port_id",
  "phys_port_name",
  "phys_switch_id",
  "slaves",
  "speed",
]);

export interface LinuxOptions {
  /** How long a lock may keep us waiting, and who reads meanwhile. */
  readonly deadline?: DeadlineReaderOptions;
  /** The paths of other programs, by name, for tests. */
  readonly programs?: Readonly<Record<string, string>>;
}

/**
 * The kernel of this host. Reads are synchronous system calls behind the asynchronous signature: an attribute takes some
 * 8 µs, by way of the thread pool 60. Those that may wait for a lock are left to a child process, with a deadline of 2 s
 * (ETIMEDOUT); all that are asked for in one turn of the event loop go to one child, so ask for many at a time.
 * @param root where the host's file system is, for one that is mounted elsewhere. Only files are read and
 * written there: what goes by netlink, devices and modules would be of this process's host.
 */
export function openLinux(root = "/", options: LinuxOptions = {}): ChangeableKernel {
  const prefix = root.replace(/\/+$/, "");
  const programs = prefix === "" ? systemPrograms(options.programs) : NO_PROGRAMS;
  const deadlineReader = new DeadlineReader(options.deadline);

  function failed(path: string, error: unknown): Unread {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    if (code.startsWith("ERR_")) return unread(path, "ENOENT");
    const lost = code === "ENOENT" && path.startsWith("/sys/") ? whySysfsIsLost(prefix) : undefined;
    return lost === undefined ? unread(path, code) : unread(path, "ENODATA", lost);
  }

  function log<T>(answer: (records: readonly KmsgRecord[]) => T): Observed<T> {
    const path = "/dev/kmsg";
    const records = readKmsg(prefix + path);
    return Array.isArray(records) ? answer(records) : failed(path, records);
  }

  const follower = new KmsgFollower(`${prefix}/dev/kmsg`);
  function follow<T>(ask: () => T): Observed<T> {
    try {
      return ask();
    } catch (error) {
      return failed("/dev/kmsg", error);
    }
  }

  async function read(path: string, limitBytes = DEFAULT_LIMIT_BYTES): Promise<Observed<Uint8Array>> {
    let fd: number;
    try {
      fd = openSync(prefix + path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      return failed(path, error);
    }
    try {
      if (!fstatSync(fd).isFile()) return unread(path, "EINVAL", "it is not a regular file");
      if (!waitsForLock(path)) return readFile(fd, limitBytes);
    } catch (error) {
      return failed(path, error);
    } finally {
      closeSync(fd);
    }
    const answer = await deadlineReader.read(prefix + path, limitBytes);
    return typeof answer === "string" ? unread(path, answer) : answer;
  }

  return {
    source: { kind: "linux", name: "linux", complete: true },

    read,

    async readLink(path) {
      try {
        return readlinkSync(prefix + path);
      } catch (error) {
        return failed(path, error);
      }
    },

    async list(path) {
      try {
        return readdirSync(prefix + path).sort();
      } catch (error) {
        return failed(path, error);
      }
    },

    ipLink: (netdev) => readIpLink(programs, netdev),

    async usersOf(functions) {
      return matchUsers(await gatherUseFacts(prefix, functions), functions);
    },

    log: async () => log((records) => records.flatMap(({ lines }) => lines)),
    logMark: async () => follow(() => follower.mark()),
    logSince: async (mark) => follow(() => follower.since(mark)),

    write: (path, text, waiting) =>
      writeFileByProgram(systemPrograms(options.programs), path, prefix + path, text, waiting),
    setLink: (netdev, change, waiting) => setLink(programs, netdev, change, waiting),
    setVfs: (netdev, changes, waiting) => setVfs(programs, netdev, changes, waiting),
    loadModule: (name, waiting) => loadModule(programs, name, waiting),
    unloadModule: (name, waiting) => unloadModule(programs, name, waiting),
    devlink: devlinkBy(programs),
    nvme: nvmeBy(programs, read),
    uevents: (signal) => uevents(programs, signal),
  };
}

/** True for an attribute that a lock may keep from answering. */
export function waitsForLock(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return TAKES_DEVICE_LOCK.has(name) || (TAKES_RTNL.has(name) && path.includes("/net/"));
}

function whySysfsIsLost(prefix: string): string | undefined {
  if (existsSync(`${prefix}/sys/bus/pci`)) return undefined;
  if (process.platform !== "linux") return `this is ${process.platform}, not Linux`;
  if (!existsSync(`${prefix}/sys/bus`)) return "/sys is not mounted here; in a container, mount the host's";
  return "this machine has no PCI bus";
}
