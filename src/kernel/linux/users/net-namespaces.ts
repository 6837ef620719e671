import { closeSync, fstatSync, openSync, readlinkSync } from "node:fs";
import type { Bdf } from "../../../pci/bdf.ts";
import { isUnread, type Observed, unread } from "../../port.ts";
import type { NetNamespace, ProcessFact, UseGap } from "../../port-use-facts.ts";
import type { UseWay } from "../../port-users.ts";
import { runProgram } from "../run-program.ts";
import type { MountNamespaces } from "./mount-namespaces.ts";
import { type ParsedLink, parseLinks, parsePacketSockets, parseRoutes } from "./parse-ip.ts";
import { hasEnded, type ProcessScan } from "./scan-processes.ts";
import type { SysfsOwners } from "./sysfs-owners.ts";

const DEADLINE_MS = 5000;
/** A look takes some milliseconds of a processor. */
const AT_ONCE = 4;

/** A network namespace that can be entered. */
interface Entrance {
  readonly inode: number;
  readonly label: string;
  readonly host: boolean;
  /** Where it is found, without the prefix; undefined where this process is in it. */
  readonly paths: readonly string[] | undefined;
  readonly process: ProcessFact | undefined;
}

/** Finds network namespaces by processes, files and bind mounts, and looks into each. */
export async function readNetNamespaces(
  prefix: string,
  scan: ProcessScan,
  mounts: MountNamespaces,
  owners: SysfsOwners,
  asked: ReadonlySet<Bdf>,
  identify: (pid: number) => ProcessFact,
): Promise<{ readonly namespaces: readonly NetNamespace[]; readonly gaps: readonly UseGap[] }> {
  const gaps: UseGap[] = [];
  const namespaces: NetNamespace[] = [];
  // All of them wait for the same lock, the RTNL: when one did not get it, nobody will.
  let late = false;
  const unasked = new Set<number>();

  function failed(way: UseWay, label: string, errno: string, reason: string): void {
    gaps.push({ way, errno, reason: `${label}: ${reason}` });
  }

  async function ask(entrance: Entrance, way: UseWay, command: readonly string[]): Promise<string | undefined> {
    if (late) {
      unasked.add(entrance.inode);
      return undefined;
    }
    const answer = await runInside(prefix, entrance, command);
    if (!isUnread(answer)) return answer;
    late ||= answer.errno === "ETIMEDOUT";
    failed(way, entrance.label, answer.errno, answer.reason);
    return undefined;
  }

  async function look(entrance: Entrance): Promise<void> {
    const json = await ask(entrance, "namespaces", ["ip", "-json", "-details", "address", "show"]);
    if (json === undefined) return;
    const links = parseLinks(json, (bus, name) => owners.ownersOnBus(bus, name));
    if (links === undefined) return failed("namespaces", entrance.label, "EPROTO", "ip printed no JSON");
    for (const { name } of links.filter(({ ownerUnknown }) => ownerUnknown)) {
      const reason = `neither the kernel nor ip tells whose device ${name} is (Linux 5.14 and iproute2 5.14 do)`;
      failed("namespaces", entrance.label, "ENODATA", reason);
    }
    const { inode, label, host, process } = entrance;
    namespaces.push({ inode, label, host, process, links, ...(await readFurther(entrance, links)) });
  }

  async function readFurther(entrance: Entrance, links: readonly ParsedLink[]) {
    const concerned = links.some((link) => link.lowerElsewhere || link.functions.some((owner) => asked.has(owner)));
    if (!concerned) return { routes: [], packetSockets: [] };
    const [json, table] = await Promise.all([
      ask(entrance, "routes", ["ip", "-json", "-details", "route", "show", "table", "all"]),
      ask(entrance, "packetSockets", ["cat", "/proc/self/net/packet"]),
    ]);
    const routes = json === undefined ? [] : parseRoutes(json);
    if (routes === undefined) failed("routes", entrance.label, "EPROTO", "ip printed no JSON");
    const packetSockets = parsePacketSockets(table ?? "").map(({ ifindex, inode }) => {
      const pid = scan.sockets.get(inode);
      return { ifindex, process: pid === undefined ? undefined : identify(pid) };
    });
    return { routes: routes ?? [], packetSockets };
  }

  const entrances = findEntrances(prefix, scan, mounts, identify);
  for (const [inode, pid] of mounts.distantNetNamespaces) {
    if (entrances.some((entrance) => entrance.inode === inode)) continue;
    const reason = `it is mounted in the mount namespace of process ${pid} only, and has no process`;
    failed("namespaces", `network namespace ${inode}`, "ENODATA", reason);
  }
  const queue = entrances.values();
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (const entrance of queue) await look(entrance);
  });
  await Promise.all(workers);
  if (unasked.size > 0) {
    const reason = `${unasked.size} more were not asked, because one did not answer in time`;
    for (const way of ["namespaces", "routes", "packetSockets"] as const) {
      failed(way, "network namespaces", "ETIMEDOUT", reason);
    }
  }
  return { namespaces: namespaces.sort((a, b) => Number(b.host) - Number(a.host) || a.inode - b.inode), gaps };
}

function findEntrances(
  prefix: string,
  scan: ProcessScan,
  { netNamespaces: bound }: MountNamespaces,
  identify: (pid: number) => ProcessFact,
): Entrance[] {
  const own = inodeOf(`${prefix}/proc/self/ns/net`);
  // Where process 1 may not be looked at, this process is most likely in the host's namespace as well.
  const host = inodeOf(`${prefix}/proc/1/ns/net`) ?? own;
  const inodes = new Set([...scan.netNamespaces.keys(), ...bound.keys(), ...scan.heldNetNamespaces.keys()]);
  return [...inodes].map((inode): Entrance => {
    const pids = scan.netNamespaces.get(inode) ?? [];
    const process = pids[0] === undefined ? undefined : identify(pids[0]);
    const point = bound.get(inode);
    const held = scan.heldNetNamespaces.get(inode);
    // Any of them may end before it is opened.
    const paths = [
      ...(point === undefined ? [] : [point]),
      ...pids.map((pid) => `/proc/${pid}/ns/net`),
      ...(held === undefined ? [] : [`/proc/${held}`]),
    ];
    return {
      inode,
      host: inode === host,
      label: inode === host ? "the host's network namespace" : labelOf(inode, point, process),
      paths: inode === own ? undefined : paths,
      process,
    };
  });
}

function labelOf(inode: number, point: string | undefined, process: ProcessFact | undefined): string {
  const name = /^(?:\/var)?\/run\/netns\/([^/]+)$/.exec(point ?? "")?.[1];
  if (process?.container) return `network namespace of container ${process.container.id.slice(0, 12)}`;
  if (name !== undefined) return `network namespace ${name}`;
  if (process) return `network namespace of process ${process.pid} (${process.command ?? "ended"})`;
  return `network namespace ${point ?? inode}`;
}

/** Undefined where it may not be read. */
function inodeOf(link: string): number | undefined {
  try {
    return Number(/\[(\d+)\]$/.exec(readlinkSync(link))?.[1]);
  } catch {
    return undefined;
  }
}

/**
 * Runs a program in the namespace, which is held open meanwhile, so that no other can take its number.
 * @returns undefined where the namespace is gone since.
 */
async function runInside(
  prefix: string,
  { paths, inode }: Entrance,
  command: readonly string[],
): Promise<Observed<string> | undefined> {
  const [program = "", ...args] = command;
  if (paths === undefined) return runProgram(program, args, DEADLINE_MS);
  let failure: Observed<string> | undefined;
  for (const path of paths) {
    let fd: number;
    try {
      fd = openSync(prefix + path, "r");
    } catch (error) {
      if (!hasEnded(error)) failure = unread(path, (error as NodeJS.ErrnoException).code ?? "EIO");
      continue;
    }
    try {
      if (fstatSync(fd).ino !== inode) continue;
      return await runProgram("nsenter", [`--net=/proc/${process.pid}/fd/${fd}`, "--", ...command], DEADLINE_MS);
    } finally {
      closeSync(fd);
    }
  }
  return failure;
}
