import { type Bdf, busKey, busOf, compareBdf, devfnOf } from "./bdf.ts";
import { type Problem, walkCapabilities, walkExtendedCapabilities } from "./capability.ts";
import { PCI_CAP_ID_EXP, PCI_EXT_CAP_ID_ACS } from "./capability-ids.ts";
import type { ConfigSpace } from "./config-space.ts";
import {
  isDownstreamPort,
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_RC_EC,
  PCI_EXP_TYPE_RC_END,
  PCI_EXP_TYPE_ROOT_PORT,
  PCI_EXP_TYPE_UPSTREAM,
} from "./device-port-type.ts";
import { PCI_CLASS_BRIDGE_HOST, PCI_HEADER_TYPE_CARDBUS } from "./header.ts";
import { vfIds } from "./sriov-state.ts";
import type { TopologyNode } from "./topology.ts";

/** The version of Linux whose answers the isolation functions give. */
export const IOMMU_GROUPING_MODEL = "Linux 6.12 pci_device_group";

/**
 * Which ACS controls count: `asConfigured` those that the registers hold, `withKernelAcs` those that Linux would set at
 * boot with an IOMMU on (`pci_std_enable_acs`: Source Validation, P2P Request Redirect, P2P Completion Redirect and
 * Upstream Forwarding wherever the device is capable). A host captured with its IOMMU off shows the first without the
 * second. The kernel's parameters `pci=disable_acs_redir=` and `pci=config_acs=` are not in the second.
 */
export type AcsMode = "asConfigured" | "withKernelAcs";

export interface IsolationOptions {
  readonly acs: AcsMode;
  /** Does the firmware have the ACPI table IVRS, which describes an AMD IOMMU? Left out where nobody looked. */
  readonly ivrs?: boolean;
}

/** What Linux's `struct pci_dev` and `struct pci_bus` hold of a function, as far as isolation depends on it. */
export interface PciDevice {
  readonly bdf: Bdf;
  /** Device and function packed. */
  readonly devfn: number;
  /** As the kernel sees them: a VF has its PF's Vendor ID and the VF Device ID of its SR-IOV capability. */
  readonly vendorId: number | null;
  readonly deviceId: number | null;
  readonly subsystemVendorId: number | null;
  readonly subsystemId: number | null;
  readonly classCode: number | null;
  readonly isVf: boolean;
  /** The Device/Port Type, corrected as `set_pcie_port_type` does; null where it was not read. */
  readonly type: number | "not-pcie" | null;
  /** As Linux has it: set in every function above 0, never in a VF. */
  readonly multifunction: boolean | null;
  /** The bridge above; a VF on a bus without one has its PF's. */
  readonly bridge: PciDevice | undefined;
  /** No bridge is above; null where one may be that is not among the functions. */
  readonly onRootBus: boolean | null;
  /** Where the ACS capability is; null where the list was not read to its end. */
  readonly acsOffset: number | "absent" | null;
  /** Undefined for a VF that is only foreseen. */
  readonly space: ConfigSpace | undefined;
}

/** A machine as the isolation functions see it. */
export interface IsolationModel extends IsolationOptions {
  readonly topology: ReadonlyMap<Bdf, TopologyNode>;
  /** In the order in which Linux adds them: a bus, then the buses below its bridges, VFs last. */
  readonly devices: ReadonlyMap<Bdf, PciDevice>;
}

const VENDOR_ID_OF_A_VF = 0xffff;

/** Prepares functions for {@link acsEnabled}, {@link acsPath} and {@link computeIommuGroups}. O(n log n). */
export function isolationModel(topology: ReadonlyMap<Bdf, TopologyNode>, options: IsolationOptions): IsolationModel {
  const rootBuses = findRootBuses(topology.values());
  const built = new Map<Bdf, PciDevice>();
  const build = (node: TopologyNode): PciDevice => {
    let device = built.get(node.bdf);
    if (!device) {
      device = describe(node, node.parent && build(node.parent), topology, rootBuses);
      built.set(node.bdf, device);
    }
    return device;
  };
  const devices = new Map<Bdf, PciDevice>();
  for (const node of inOrderOfDiscovery(topology)) devices.set(node.bdf, build(node));
  return { ...options, topology, devices };
}

function describe(
  node: TopologyNode,
  bridge: PciDevice | undefined,
  topology: ReadonlyMap<Bdf, TopologyNode>,
  rootBuses: ReadonlySet<string>,
): PciDevice {
  const { bdf, decoded, vf } = node;
  const { space } = decoded;
  const physfn = vf && topology.get(vf.physfn);
  const isVf = vf !== undefined || decoded.vendorId === VENDOR_ID_OF_A_VF;
  const type = correctedType(devicePortType(node), bridge?.type);
  const devfn = devfnOf(bdf);
  // Below a downstream port there is device 0 alone (only_one_child); function numbers above 7 are ARI's.
  const fn = isDownstreamPort(bridge?.type) ? devfn : devfn & 7;
  const bus = busKey((physfn ?? node).bdf);
  return {
    bdf,
    devfn,
    ...(isVf ? vfIds(physfn?.decoded) : { vendorId: decoded.vendorId, deviceId: decoded.deviceId }),
    subsystemVendorId: decoded.subsystemVendorId,
    subsystemId: decoded.subsystemId,
    classCode: decoded.classCode,
    isVf,
    type,
    multifunction: isVf ? false : fn > 0 ? true : decoded.multiFunction,
    bridge,
    onRootBus: bridge ? false : rootBuses.has(bus) ? true : null,
    acsOffset: acsOffset(space, type),
    space,
  };
}

/** `set_pcie_port_type`: a switch port that cannot be what it says it is. */
function correctedType(type: PciDevice["type"], above: PciDevice["type"] | undefined): PciDevice["type"] {
  if (type === PCI_EXP_TYPE_DOWNSTREAM && isDownstreamPort(above)) return PCI_EXP_TYPE_UPSTREAM;
  if (type === PCI_EXP_TYPE_UPSTREAM && above === PCI_EXP_TYPE_UPSTREAM) return PCI_EXP_TYPE_DOWNSTREAM;
  return type;
}

function devicePortType({ decoded }: TopologyNode): PciDevice["type"] {
  const { header, headerType, space } = decoded;
  if (header.capabilitiesList === false) return "not-pcie";
  if (header.capabilitiesList !== true || headerType === null) return null;
  const problems: Problem[] = [];
  const list = walkCapabilities(space, headerType === PCI_HEADER_TYPE_CARDBUS ? 0x14 : 0x34, problems);
  const express = list.find(({ id }) => id === PCI_CAP_ID_EXP);
  if (!express) return problems.some(({ kind }) => kind === "unread") ? null : "not-pcie";
  const flags = space.u16(express.offset + 2);
  return flags === undefined ? null : (flags >>> 4) & 0xf;
}

function acsOffset(space: ConfigSpace, type: PciDevice["type"]): number | "absent" | null {
  if (type === "not-pcie") return "absent";
  const problems: Problem[] = [];
  const found = walkExtendedCapabilities(space, problems).find(({ id }) => id === PCI_EXT_CAP_ID_ACS);
  return found?.offset ?? (problems.some(({ kind }) => kind === "unread") ? null : "absent");
}

/**
 * Buses that are root buses for certain: bus 0, which no bridge can have below it, and those with a function that only a
 * root bus has. Of any other bus without a bridge nobody knows whether the bridge was left out of the capture.
 */
function findRootBuses(nodes: Iterable<TopologyNode>): ReadonlySet<string> {
  const roots = new Set<string>();
  for (const node of nodes) {
    if (node.parent) continue;
    const type = devicePortType(node);
    const { classCode } = node.decoded;
    const isRoot =
      busOf(node.bdf) === 0 ||
      type === PCI_EXP_TYPE_ROOT_PORT ||
      type === PCI_EXP_TYPE_RC_END ||
      type === PCI_EXP_TYPE_RC_EC ||
      (classCode !== null && classCode >>> 8 === PCI_CLASS_BRIDGE_HOST);
    if (isRoot && !node.vf) roots.add(busKey(node.bdf));
  }
  return roots;
}

/** `pci_scan_child_bus`: all functions of a bus, then what is below its bridges; `sriov_enable` adds VFs after them. */
function inOrderOfDiscovery(topology: ReadonlyMap<Bdf, TopologyNode>): TopologyNode[] {
  const order: TopologyNode[] = [];
  const roots = [...topology.values()].filter(({ parent }) => !parent).sort((a, b) => compareBdf(a.bdf, b.bdf));
  const buses = new Map<string, TopologyNode[]>();
  for (const node of roots) {
    const key = busKey(node.bdf);
    const bus = buses.get(key);
    if (bus) bus.push(node);
    else buses.set(key, [node]);
  }
  const scan = (bus: readonly TopologyNode[]) => {
    const functions = bus.filter(({ vf }) => !vf);
    order.push(...functions);
    for (const node of functions) scan(node.children);
  };
  for (const bus of buses.values()) scan(bus);
  const pfs = order.filter(({ vfs }) => vfs.length > 0);
  for (const pf of pfs) order.push(...pf.vfs);
  const seen = new Set(order);
  for (const node of topology.values()) if (!seen.has(node)) order.push(node);
  return order;
}
