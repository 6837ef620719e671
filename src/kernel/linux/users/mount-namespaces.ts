import { readFileSync, readlinkSync } from "node:fs";
import type { Mount, ProcessFact, UseGap } from "../../port-use-facts.ts";

/** A line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface MountEntry {
  readonly id: number;
  /** `major:minor` */
  readonly number: string;
  /** What of the file system is mounted; of a namespace's bind mount `net:[4026532281]`. */
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
}

/** The mounts of all mount namespaces, each read once. */
export interface MountNamespaces {
  /** By the mount's number, which is unique across namespaces. */
  readonly byId: ReadonlyMap<number, MountEntry>;
  /** Those of block devices: with a device's number, or a source that names one or a pool. */
  readonly mounts: readonly Mount[];
  /** Bind mounts of network namespaces that are in this process's mount namespace: inode to path. */
  readonly netNamespaces: ReadonlyMap<number, string>;
  /** Those that are in others only: inode to a process that has it. */
  readonly distantNetNamespaces: ReadonlyMap<number, number>;
  readonly gaps: readonly UseGap[];
}

/**
 * @param namespaces the processes in each mount namespace.
 * @param identify names a process; called for namespaces that are not the host's.
 */
export function readMountNamespaces(
  prefix: string,
  namespaces: ReadonlyMap<number, readonly number[]>,
  identify: (pid: number) => ProcessFact,
): MountNamespaces {
  const byId = new Map<number, MountEntry>();
  const mounts: Mount[] = [];
  const netNamespaces = new Map<number, string>();
  const distantNetNamespaces = new Map<number, number>();
  const failed = new Map<string, number>();
  const all = [...namespaces.values()];
  const own = all.find((pids) => pids.includes(process.pid));
  // Without permission to look at process 1, its namespace is most likely this process's.
  const host = all.find((pids) => pids.includes(1)) ?? own;

  for (const pids of all) {
    const read = readFirst(prefix, pids);
    if (typeof read === "string") failed.set(read, (failed.get(read) ?? 0) + 1);
    if (read === undefined || typeof read === "string") continue;
    const inside = pids === host ? undefined : identify(read.pid);
    for (const entry of read.entries) {
      byId.set(entry.id, entry);
      const net = entry.type === "nsfs" ? /^net:\[(\d+)\]$/.exec(entry.root)?.[1] : undefined;
      if (net !== undefined) {
        if (pids === own) netNamespaces.set(Number(net), entry.point);
        else distantNetNamespaces.set(Number(net), read.pid);
      }
      if (!isOnBlockDevice(entry)) continue;
      const { number, type, source, point } = entry;
      mounts.push({ number, type, source, point, host: pids === host, process: inside });
    }
  }
  for (const inode of netNamespaces.keys()) distantNetNamespaces.delete(inode);
  const gaps = [...failed].map(([errno, count]) => ({
    way: "mounts" as const,
    errno,
    reason: `the mounts of ${count} mount namespace${count === 1 ? "" : "s"} could not be read`,
  }));
  return { byId, mounts, netNamespaces, distantNetNamespaces, gaps };
}

/** Major 0 stands for no device; Btrfs and ZFS have it, and name a device or a pool. */
function isOnBlockDevice({ number, type }: MountEntry): boolean {
  return !number.startsWith("0:") || type === "btrfs" || type === "zfs";
}

/**
 * Reads the mounts of a namespace from the first of its processes that sees them all, which one in a chroot does not.
 * @returns an errno where none could be read; undefined where all have ended, and the namespace with them.
 */
function readFirst(
  prefix: string,
  pids: readonly number[],
): { pid: number; entries: MountEntry[] } | string | undefined {
  let errno: string | undefined;
  const whole = pids.find((pid) => rootOf(prefix, pid) === "/");
  for (const pid of whole === undefined ? pids : [whole, ...pids]) {
    try {
      return { pid, entries: parseMountinfo(readFileSync(`${prefix}/proc/${pid}/mountinfo`, "utf8")) };
    } catch (error) {
      const { code = "EIO" } = error as NodeJS.ErrnoException;
      // The process has ended (EINVAL: its namespace is gone already); another may be in the namespace.
      if (code !== "ENOENT" && code !== "ESRCH" && code !== "EINVAL") errno = code;
    }
  }
  return errno;
}

function rootOf(prefix: string, pid: number): string | undefined {
  try {
    return readlinkSync(`${prefix}/proc/${pid}/root`);
  } catch {
    return undefined;
  }
}

/** `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`, one a line. */
export function parseMountinfo(text: string): MountEntry[] {
  return text.split("\n").flatMap((line) => {
    const separator = line.indexOf(" - ");
    if (separator < 0) return [];
    const [id = "", , number = "", root = "", point = "", options = ""] = line.slice(0, separator).split(" ");
    const [type = "", source = ""] = line.slice(separator + 3).split(" ");
    if (!/^\d+$/.test(id) || !/^\d+:\d+$/.test(number)) return [];
    return [
      {
        id: Number(id),
        number,
        root: unescapeOctal(root),
        point: unescapeOctal(point),
        options: options.split(","),
        type,
        source: unescapeOctal(source),
      },
    ];
  });
}

/** The kernel writes blank, tab, newline, backslash and `#` as three octal digits (`mangle_path`). */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
