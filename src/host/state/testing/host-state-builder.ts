import { isUnread, type Observed, unread } from "../../../kernel/port.ts";
import type { DeviceUser, DeviceUsers, UserIdentity } from "../../../kernel/port-users.ts";
import type { VfInfo } from "../../../kernel/port-vf-info.ts";
import { type Bdf, bdf, domainOf, formatBdf, hex, routingIdOf } from "../../../pci/bdf.ts";
import { vfRoutingId } from "../../../pci/vf-address.ts";
import { parseSimulatedPf, type SimulatedPf } from "../../pf-address.ts";
import type { HostState, NetdevState, PfState, VfNvmeState, VfState } from "../host-state.ts";

/** A PF by what differs from the usual one. */
export interface PfParts extends Partial<Omit<PfState, "bdf" | "vfs">> {
  /** 0000:01:00.0 */
  readonly bdf?: string;
  /** How many VFs there are, each as usual, or each by what differs; none. */
  readonly vfs?: number | readonly VfParts[];
  readonly firstVfOffset?: number;
  readonly vfStride?: number;
}

interface VfParts extends Partial<Omit<VfState, "bdf" | "settings">> {
  readonly bdf?: string | null;
  /** By what differs from {@link NO_SETTINGS}; null where the PF's driver tells nothing of VFs. */
  readonly settings?: Observed<Partial<VfInfo> | null>;
}

/** Known to be used by nobody. */
export const NOBODY: DeviceUsers = { users: [], idle: [], notLookedAt: [] };

/** Known to be used so. */
export function usedBy(...users: readonly DeviceUser[]): DeviceUsers {
  return { users, idle: [], notLookedAt: [] };
}

/** A process that holds the VF by VFIO, as QEMU does. */
export function vfioUser(who: UserIdentity = { pid: 4242, command: "qemu-system-x86" }): DeviceUser {
  return { kind: "vfio", who, evidence: `process ${who.pid} has /dev/vfio/20 open` };
}

/** What igb tells of a VF of which nothing was set, but for its address. */
const NO_SETTINGS: Omit<VfInfo, "vfIndex"> = {
  mac: "00:00:00:00:00:00",
  vlan: 0,
  qos: 0,
  vlanProtocol: "802.1Q",
  minTxRateMbps: 0,
  maxTxRateMbps: 0,
  spoofCheck: true,
  trust: false,
  linkState: "auto",
  queryRss: false,
  nodeGuid: null,
  portGuid: null,
  counters: null,
};

/** A host that is known in all, with these PFs, which may be whole ones. Without any: one {@link pfState}. */
export function hostState(pfs: readonly PfParts[] = [{}], host: Partial<Omit<HostState, "pfs">> = {}): HostState {
  return {
    hostId: "0123456789abcdef0123456789abcdef",
    bootId: "c0ffee00-0000-4000-8000-000000000001",
    modules: ["igb", "igbvf", "vfio_pci"],
    ...host,
    pfs: pfs.map((each) => pfState(each)),
  };
}

/** An 82576 with igb, whose interface is up with carrier, and no VFs. */
export function pfState(parts: PfParts = {}): PfState {
  const { bdf: address = "0000:01:00.0", vfs = 0, firstVfOffset: _, vfStride: __, ...rest } = parts;
  const pf = parseSimulatedPf(address);
  if (pf !== undefined) return simulatedPf(pf, typeof vfs === "number" ? vfs : vfs.length, rest);
  return cardPf(bdf(address), parts);
}

/** netdevsim: VFs that are no functions. */
function simulatedPf(bdf: SimulatedPf, count: number, rest: Partial<PfState>): PfState {
  const [like] = hostState([{ vfs: 1 }]).pfs;
  const vf = like?.vfs[0];
  if (like === undefined || vf === undefined) throw new RangeError("no PF to begin with");
  const none = unread(`/sys/bus/netdevsim/devices/${bdf}`, "ENODATA");
  return {
    ...like,
    identity: { serial: null, slotPath: bdf, key: `device ${bdf}` },
    vendorId: none,
    deviceId: none,
    classCode: none,
    driver: "netdevsim",
    totalVfs: 4,
    driverLimit: 4,
    driversAutoprobe: none,
    ...rest,
    bdf,
    numVfs: count,
    vfs: Array.from({ length: count }, (_, vfIndex) => ({
      ...vf,
      vfIndex,
      bdf: null,
      driver: null,
      netdevs: [],
      iommuGroup: null,
      resetMethods: [],
    })),
  };
}

function cardPf(pf: Bdf, parts: PfParts): PfState {
  const { bdf: _, vfs = 0, firstVfOffset = 128, vfStride = 2, ...rest } = parts;
  const address: string = pf;
  const list: readonly VfParts[] = typeof vfs === "number" ? Array.from({ length: vfs }, () => ({})) : vfs;
  const slotPath = `${hex(domainOf(pf), 4)}:00/${address.slice(5, 7)}.0/${address.slice(-4)}`;
  return {
    bdf: pf,
    identity: { serial: null, slotPath, key: `slot ${slotPath}` },
    vendorId: 0x8086,
    deviceId: 0x10c9,
    classCode: 0x020000,
    driver: "igb",
    numaNode: 0,
    netdevs: [netdev(netdevName(address, "eth"), macOf(routingIdOf(pf), 0xff))],
    nvmeController: null,
    totalVfs: 8,
    driverLimit: 7,
    numVfs: list.length,
    driversAutoprobe: true,
    vfTotalMsix: null,
    eswitchMode: null,
    nvme: null,
    vfioVariant: null,
    carriesDefaultRoute: false,
    users: NOBODY,
    ...rest,
    vfs: list.map((each, index) => {
      const vfIndex = each.vfIndex ?? index;
      const rid = vfRoutingId(routingIdOf(pf), firstVfOffset, vfStride, vfIndex);
      if (rid === undefined) throw new RangeError(`VF ${vfIndex} of ${pf} has no Routing ID`);
      return vfState(vfIndex, { bdf: formatBdf(domainOf(pf), rid), ...each });
    }),
  };
}

/** An unset VF of an 82576, bound to igbvf, in a group of its own, used by nobody. */
function vfState(vfIndex: number, { bdf: given, settings = {}, ...parts }: VfParts): VfState {
  const address = given ?? "0000:01:10.0";
  const vf = bdf(address);
  return {
    driver: "igbvf",
    driverOverride: null,
    netdevs: [netdev(netdevName(address, "vf"), macOf(routingIdOf(vf), vfIndex))],
    iommuGroup: routingIdOf(vf),
    groupOthers: [],
    msixCount: 3,
    nvme: null,
    resetMethods: ["flr"],
    users: NOBODY,
    ...parts,
    vfIndex,
    bdf: vf,
    settings: settings === null || isUnread(settings) ? settings : { ...NO_SETTINGS, ...settings, vfIndex },
  };
}

const NOTHING_COUNTED = { rxBytes: 0, rxPackets: 0, rxDropped: 0, txBytes: 0, txPackets: 0, txDropped: 0 };

/** A network interface that is up. */
export function netdev(name: string, mac = "52:54:00:00:00:01", parts: Partial<NetdevState> = {}): NetdevState {
  return { name, mac, mtu: 1500, up: true, carrier: true, counters: NOTHING_COUNTED, ...parts };
}

/** An NVMe PF with as many secondary controllers, of which those that have VFs are offline and without resources. */
export function nvmePf(
  parts: Omit<PfParts, "vfs"> & { readonly vfs?: readonly Partial<VfNvmeState>[] | number } = {},
): PfState {
  const { vfs = 0, ...rest } = parts;
  const list = typeof vfs === "number" ? Array.from({ length: vfs }, () => ({})) : vfs;
  const resources = { total: 32, assigned: 0, primary: 4, private: 2, secondaryMax: 8, granularity: 1 };
  return pfState({
    vendorId: 0x144d,
    deviceId: 0xa824,
    classCode: 0x010802,
    driver: "nvme",
    netdevs: [],
    nvmeController: "nvme0",
    totalVfs: 4,
    driverLimit: 4,
    firstVfOffset: 1,
    vfStride: 1,
    nvme: { controllerId: 0, portId: 1, vq: resources, vi: resources },
    ...rest,
    vfs: list.map((nvme, index) => ({
      driver: null,
      netdevs: [],
      settings: null,
      nvme: { controllerId: index + 1, online: false, vq: 0, vi: 0, ...nvme },
    })),
  });
}

function netdevName(address: string, prefix: string): string {
  return `${prefix}${address.slice(-7).replaceAll(/[:.]/g, "")}`;
}

function macOf(rid: number, index: number): string {
  return `00:1b:21:${hex(rid >>> 8, 2)}:${hex(rid & 0xff, 2)}:${hex(index, 2)}`;
}
