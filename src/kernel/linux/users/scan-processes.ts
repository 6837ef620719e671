import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { UseGap } from "../../port-use-facts.ts";

/** What every process has of what matters here. */
export interface ProcessScan {
  /** The processes in each network namespace, by the namespace's inode, lowest number first. */
  readonly netNamespaces: ReadonlyMap<number, readonly number[]>;
  /** The same of mount namespaces. */
  readonly mountNamespaces: ReadonlyMap<number, readonly number[]>;
  /** Network namespaces that a process holds by a file: inode to `PID/fd/N`. */
  readonly heldNetNamespaces: ReadonlyMap<number, string>;
  /** Files that may be devices. */
  readonly candidates: readonly OpenFile[];
  /** Whose a socket is, by its inode. */
  readonly sockets: ReadonlyMap<number, number>;
  readonly gaps: readonly UseGap[];
}

export interface OpenFile {
  readonly pid: number;
  readonly fd: number;
  /** What /proc/PID/fd/N points to. */
  readonly target: string;
}

/**
 * These are open in nearly every process, and belong to no PCI function. Process 1 may have the console of its initial RAM
 * disk, which is gone.
 */
const BORING =
  /^\/dev\/(?:(?:null|zero|full|u?random|tty|ptmx|fuse|console)(?: \(deleted\))?$|(?:pts|shm|mqueue|hugepages)\/)/;
/** PROC_PID_INIT_INO of include/linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";
const PROCESSES_A_TURN = 256;

/**
 * Reads the links below /proc/PID of all processes, once: 3 system calls a process and one for each of its files. What a
 * file is, is told by its link alone; `stat` follows it and may wait for a server that does not answer.
 * A process that ends meanwhile is no loss: its files are closed.
 */
export async function scanProcesses(prefix: string): Promise<ProcessScan> {
  const netNamespaces = new Map<number, number[]>();
  const mountNamespaces = new Map<number, number[]>();
  const heldNetNamespaces = new Map<number, string>();
  const candidates: OpenFile[] = [];
  const sockets = new Map<number, number>();
  const hidden = new Map<string, number>();
  const proc = `${prefix}/proc`;

  function visit(pid: number): void {
    for (const [kind, namespaces] of [
      ["net", netNamespaces],
      ["mnt", mountNamespaces],
    ] as const) {
      const inode = inodeOf(readlinkSync(`${proc}/${pid}/ns/${kind}`));
      const inside = inode === undefined ? undefined : namespaces.get(inode);
      if (inside) inside.push(pid);
      else if (inode !== undefined) namespaces.set(inode, [pid]);
    }
    for (const name of readdirSync(`${proc}/${pid}/fd`)) {
      const target = linkOf(`${proc}/${pid}/fd/${name}`);
      if (target === undefined) continue;
      if (target.startsWith("socket:[")) sockets.set(Number(target.slice(8, -1)), pid);
      else if (target.startsWith("net:[")) heldNetNamespaces.set(Number(target.slice(5, -1)), `${pid}/fd/${name}`);
      else if (mayBeDevice(target)) candidates.push({ pid, fd: Number(name), target });
    }
  }

  let pids: number[];
  try {
    pids = readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    const gaps: UseGap[] = (["openFiles", "namespaces", "mounts"] as const).map((way) => ({
      way,
      errno: code,
      reason: `processes cannot be listed: ${code} for /proc`,
    }));
    return { netNamespaces, mountNamespaces, heldNetNamespaces, candidates, sockets, gaps };
  }
  for (const [at, pid] of pids.entries()) {
    if (at % PROCESSES_A_TURN === PROCESSES_A_TURN - 1) await new Promise((resume) => setImmediate(resume));
    try {
      visit(pid);
    } catch (error) {
      const { code = "EIO" } = error as NodeJS.ErrnoException;
      // Neither a process that ended nor a thread of the kernel or a zombie, which have no command line, holds a file.
      if (hasEnded(error) || isEmpty(`${proc}/${pid}/cmdline`)) continue;
      hidden.set(code, (hidden.get(code) ?? 0) + 1);
    }
  }
  return {
    netNamespaces,
    mountNamespaces,
    heldNetNamespaces,
    candidates,
    sockets,
    gaps: [...hiddenGaps(hidden), ...invisibleGaps(proc)],
  };
}

/** Whether an error of reading below /proc/PID says that the process has ended, or has closed the file. */
export function hasEnded(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ESRCH";
}

/** A device's file, a VFIO device, or a BAR that is mapped through sysfs, as DPDK and mstflint do. */
function mayBeDevice(target: string): boolean {
  if (target.startsWith("anon_inode:")) return target === "anon_inode:[vfio-device]";
  if (target.startsWith("/sys/devices/")) return /\/resource\d+(?:_wc)?$/.test(target);
  return target.includes("/dev/") && !BORING.test(target);
}

function inodeOf(link: string): number | undefined {
  const inode = /\[(\d+)\]/.exec(link)?.[1];
  return inode === undefined ? undefined : Number(inode);
}

/** Undefined for a file that was closed meanwhile. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (hasEnded(error)) return undefined;
    throw error;
  }
}

function isEmpty(path: string): boolean {
  try {
    return readFileSync(path).length === 0;
  } catch {
    return false;
  }
}

function hiddenGaps(hidden: ReadonlyMap<string, number>): UseGap[] {
  return [...hidden].flatMap(([errno, count]) => {
    const processes = `${count} process${count === 1 ? "" : "es"}`;
    // `ptrace_may_access`: even root needs what capabilities the process has, or CAP_SYS_PTRACE.
    const more = process.getuid?.() === 0 ? "; they have capabilities that this process lacks" : "; run as root";
    const remedy = errno === "EACCES" || errno === "EPERM" ? more : "";
    return [
      { way: "openFiles" as const, errno, reason: `the open files of ${processes} cannot be looked at${remedy}` },
      { way: "namespaces" as const, errno, reason: `the network namespace of ${processes} is not known${remedy}` },
      { way: "packetSockets" as const, errno, reason: `the sockets of ${processes} cannot be looked at${remedy}` },
      { way: "mounts" as const, errno, reason: `the mounts of ${processes} are not known${remedy}` },
    ];
  });
}

/** Processes that are not even listed. */
function invisibleGaps(proc: string): UseGap[] {
  const reasons: string[] = [];
  const namespace = linkOf(`${proc}/self/ns/pid`);
  if (namespace !== undefined && namespace !== INITIAL_PID_NAMESPACE) {
    reasons.push("this process is in a PID namespace of its own, where the host's processes are not seen");
  }
  const mounted = / \/proc [^\n]*? - proc \S+ (\S+)/.exec(readFileSync(`${proc}/self/mountinfo`, "utf8"))?.[1] ?? "";
  if (/(?:^|,)hidepid=(?:2|4|invisible|ptraceable)/.test(mounted) && process.getuid?.() !== 0) {
    reasons.push("/proc is mounted with hidepid, so that other users' processes are not seen; run as root");
  }
  return reasons.flatMap((reason) =>
    (["openFiles", "namespaces", "mounts"] as const).map((way) => ({ way, errno: "EPERM", reason })),
  );
}
