import type { Bdf } from "../pci/bdf.ts";
import { type Match, processText } from "./port-match.ts";
import { networkUsers } from "./port-match-network.ts";
import { storageUsers } from "./port-match-storage.ts";
import type {
  CniAttachment,
  DefinedGuest,
  FunctionFact,
  OpenDeviceFile,
  RdmaResource,
  UseFacts,
  UseGap,
} from "./port-use-facts.ts";
import type { DeviceUser, DeviceUsers, NotLookedAt, UseKind, UseWay } from "./port-users.ts";

/** Ways of network interfaces and of block devices: a function whose driver makes none cannot be used so. */
const NETWORK_WAYS = new Set<UseWay>(["namespaces", "routes", "packetSockets"]);
/** Without a driver there is no device, yet its BARs may be mapped through sysfs, and a definition may name it. */
const OF_ANY_DRIVER = new Set<UseWay>(["openFiles", "definedGuests", "cniAttachments"]);
const STORAGE_WAYS = new Set<UseWay>(["mounts", "swap", "blockDevices"]);

/** Draws from what was looked at who uses each of `asked`: an index over all facts once, then a look-up for each. */
export function matchUsers(facts: UseFacts, asked: readonly Bdf[]): ReadonlyMap<Bdf, DeviceUsers> {
  const users = new Map<Bdf, DeviceUser[]>();
  const idle = new Map<Bdf, DeviceUser[]>();
  const matches = [
    ...fileUsers(facts),
    ...networkUsers(facts),
    ...storageUsers(facts),
    ...rdmaUsers(facts.rdma),
    ...guestUsers(facts.guests),
    ...attachmentUsers(facts.attachments),
  ];
  for (const { bdf, user, idle: isIdle } of matches) addTo(isIdle ? idle : users, bdf, user);
  for (const fact of facts.functions.values()) {
    const bound = handedOut(fact);
    if (bound) addTo(idle, fact.bdf, bound);
  }
  const answers = new Map<Bdf, DeviceUsers>();
  for (const bdf of asked) {
    const vfs = facts.functions.get(bdf)?.vfs ?? [];
    const withVfs = (map: ReadonlyMap<Bdf, DeviceUser[]>) => [
      ...(map.get(bdf) ?? []),
      ...vfs.flatMap((vf) => (map.get(vf) ?? []).map((user) => ({ ...user, vf }))),
    ];
    answers.set(bdf, { users: withVfs(users), idle: withVfs(idle), notLookedAt: gapsOf(facts, [bdf, ...vfs]) });
  }
  return answers;
}

function fileUsers(facts: UseFacts): Match[] {
  const seen = new Set<string>();
  return facts.openFiles.flatMap((file) =>
    // Of block devices storageUsers tells, as of all that is built on them.
    (file.block === undefined ? file.functions : []).flatMap((bdf) => {
      const kind = kindOf(file);
      // A group may have bridges and functions of other drivers, too: VFIO uses what is bound to it.
      if (kind === "vfio" && !handsOut(facts.functions.get(bdf)?.driver)) return [];
      const key = `${bdf} ${file.process.pid} ${file.device}`;
      if (seen.has(key)) return [];
      seen.add(key);
      const evidence = `${processText(file.process)} has ${file.path} open (file ${file.fd}, ${file.device})`;
      return [{ bdf, user: { kind, who: file.process, evidence } }];
    }),
  );
}

function kindOf({ device, path }: OpenDeviceFile): UseKind {
  if (/\/vfio(?:-dev)?\/[^/]+$/.test(device) || path === "anon_inode:[vfio-device]") return "vfio";
  if (/\/(?:drm|accel)\//.test(device)) return "drm";
  return /\/infiniband(?:_[a-z]+)?\//.test(device) ? "rdma" : "deviceFile";
}

function rdmaUsers(resources: readonly RdmaResource[]): Match[] {
  return resources.flatMap(({ device, functions, process, command, what }) =>
    functions.map((bdf) => {
      const by = process ? processText(process) : `the kernel (${command})`;
      const who = process ?? { command };
      return { bdf, user: { kind: "rdma" as const, who, evidence: `${by} has ${what} on ${device}` } };
    }),
  );
}

function guestUsers(guests: readonly DefinedGuest[]): Match[] {
  return guests.flatMap(({ name, uuid, path, functions }) =>
    functions.map((bdf) => {
      const guest = { name, ...(uuid === undefined ? {} : { uuid }) };
      const evidence = `the guest ${name} has it in its definition (${path})`;
      return { bdf, user: { kind: "definedGuest" as const, who: { guest }, evidence } };
    }),
  );
}

function attachmentUsers(attachments: readonly CniAttachment[]): Match[] {
  return attachments.map(({ bdf, namespace, containerId, path }) => {
    const container = containerId === undefined ? undefined : { runtime: "cni", id: containerId };
    // Named, it is as `ip netns` calls it.
    const who = { ...(container && { container }), namespace: namespace.replace(/^(?:\/var)?\/run\/netns\//, "") };
    const whose = containerId === undefined ? "a container" : `the container ${containerId.slice(0, 12)}`;
    const evidence = `${whose} (${namespace}) has it by CNI (${path})`;
    return { bdf, user: { kind: "attachment" as const, who, evidence } };
  });
}

/** Whether a driver is one that hands functions to guests: vfio-pci and its variants, Xen's pciback. */
function handsOut(driver: string | null | undefined): boolean {
  return driver === undefined || (driver !== null && /vfio|^pciback$|^xen-pciback$/.test(driver));
}

function handedOut({ driver }: FunctionFact): DeviceUser | undefined {
  if (!driver || !handsOut(driver)) return undefined;
  return { kind: "driver", who: {}, evidence: `it is bound to ${driver}, ready for a guest` };
}

function gapsOf({ gaps, functions }: UseFacts, bdfs: readonly Bdf[]): NotLookedAt[] {
  const concerned = gaps.filter((gap) => bdfs.some((bdf) => concerns(gap, bdf, functions.get(bdf)?.driver)));
  return concerned.map(({ way, errno, reason }) => ({ way, errno, reason }));
}

function concerns({ way, functions }: UseGap, bdf: Bdf, driver: string | null | undefined): boolean {
  if (functions) return functions.includes(bdf);
  if (OF_ANY_DRIVER.has(way)) return true;
  if (driver === null) return false;
  if (driver === undefined) return true;
  if (way === "xen") return /pciback/.test(driver);
  if (NETWORK_WAYS.has(way)) return !handsOut(driver) && driver !== "nvme";
  if (STORAGE_WAYS.has(way)) return !handsOut(driver);
  return true;
}

function addTo(map: Map<Bdf, DeviceUser[]>, bdf: Bdf, user: DeviceUser): void {
  const list = map.get(bdf);
  if (list) list.push(user);
  else map.set(bdf, [user]);
}
