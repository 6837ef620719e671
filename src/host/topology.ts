import { isUnread, known, type Observed } from "../kernel/port.ts";
import type { Bdf } from "../pci/bdf.ts";
import { capabilityById } from "../pci/capability-by-id.ts";
import { PCI_CAP_ID_EXP } from "../pci/capability-ids.ts";
import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_UPSTREAM } from "../pci/device-port-type.ts";
import { PCI_HEADER_TYPE_BRIDGE, PCI_HEADER_TYPE_CARDBUS } from "../pci/header.ts";
import { type Link, linkOf } from "../pci/link.ts";
import type { DeviceNames } from "./device-names.ts";
import type { HostFunction, Inventory } from "./inventory.ts";
import { type FunctionDevices, readDevices } from "./net-devices.ts";
import { type ReadFields, readOf } from "./read-of.ts";

/** What a function is among others. */
export const FUNCTION_KINDS = [
  "rootPort",
  "switchUpstream",
  "switchDownstream",
  "bridge",
  "pf",
  "vf",
  "function",
] as const;
type FunctionKind = (typeof FUNCTION_KINDS)[number];

/** A function in its place, as a picture of the host needs it. */
export type PlacedFunction = ReadFields<Pick<HostFunction, "driver" | "numaNode" | "iommuGroup">> & {
  readonly bdf: Bdf;
  /** The bridge above; null on a root bus. */
  readonly parent: Bdf | null;
  readonly kind: FunctionKind;
  /** What the kernel calls the device that a driver made of it: an interface, a disk controller; null where there is none. */
  readonly name: string | null;
  /** Vendor and device by name. */
  readonly device: string | null;
  readonly link: Link | null;
  /** Of a VF. */
  readonly pf?: Bdf;
  readonly vfIndex?: number;
};

/** All functions of a host in their places, by address. */
export async function readTopology(inventory: Inventory, names: DeviceNames): Promise<readonly PlacedFunction[]> {
  const placed: PlacedFunction[] = [];
  for (const fn of inventory.functions.values()) placed.push(await placeOf(inventory, fn, names));
  return placed;
}

async function placeOf({ kernel }: Inventory, fn: HostFunction, names: DeviceNames): Promise<PlacedFunction> {
  const { bdf, driver, numaNode, iommuGroup, vendorId, deviceId, node } = fn;
  const kind = kindOf(fn);
  const isBridge = node.decoded.bridge !== undefined;
  const name = isBridge || driver === null ? null : firstOf(await readDevices(kernel, bdf));
  const device = readOf({ vendorId, deviceId });
  const read = readOf({ driver, numaNode, iommuGroup, name });
  return {
    bdf,
    parent: node.parent?.bdf ?? null,
    kind,
    ...read,
    device: device.vendorId === null || device.deviceId === null ? null : names(device.vendorId, device.deviceId),
    link: linkOf(fn.decoded) ?? null,
    ...(node.vf && { pf: node.vf.physfn, vfIndex: node.vf.index }),
    unknown: {
      ...read.unknown,
      // One reason is enough: without either there is no name.
      ...Object.fromEntries(
        Object.values(device.unknown)
          .slice(0, 1)
          .map((reason) => ["device", reason]),
      ),
    },
  };
}

/** The first name of a device; where there is none, why one kind of devices could not be looked for. */
function firstOf({ net, nvme, rdma, drm }: FunctionDevices): Observed<string | null> {
  const kinds = [net, nvme, rdma, drm];
  return kinds.flatMap((names) => known(names) ?? [])[0] ?? kinds.find(isUnread) ?? null;
}

function kindOf({ decoded, node, sriov }: HostFunction): FunctionKind {
  if (node.vf) return "vf";
  if (sriov) return "pf";
  const { headerType } = decoded;
  if (headerType !== PCI_HEADER_TYPE_BRIDGE && headerType !== PCI_HEADER_TYPE_CARDBUS) return "function";
  switch (capabilityById(decoded, PCI_CAP_ID_EXP)?.values.devicePortType) {
    case PCI_EXP_TYPE_ROOT_PORT:
      return "rootPort";
    case PCI_EXP_TYPE_UPSTREAM:
      return "switchUpstream";
    case PCI_EXP_TYPE_DOWNSTREAM:
      return "switchDownstream";
    default:
      return "bridge";
  }
}
