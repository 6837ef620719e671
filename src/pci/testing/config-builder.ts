import { type Bdf, bdf } from "../bdf.ts";
import { type Capability, type DecodedCapability, decodeCapability } from "../capability.ts";
import { PCI_CAP_ID_EXP, PCI_EXT_CAP_ID_ACS, PCI_EXT_CAP_ID_ARI, PCI_EXT_CAP_ID_SRIOV } from "../capability-ids.ts";
import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE } from "../config-space.ts";
import { type DecodedFunction, decodeFunction } from "../decode.ts";
import { buildTopology, type TopologyNode } from "../topology.ts";

/** What a configuration space made for a test holds; whatever is left out reads zero. */
export interface ConfigOptions {
  readonly vendorId?: number;
  readonly deviceId?: number;
  /** 24 bits. */
  readonly classCode?: number;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  readonly multiFunction?: boolean;
  /** Makes the header one of Type 1. */
  readonly bridge?: { readonly primary?: number; readonly secondary: number; readonly subordinate?: number };
  /** A PCI Express capability of this Device/Port Type. */
  readonly portType?: number;
  readonly maxLinkWidth?: number;
  readonly acs?: { readonly capability: number; readonly control: number };
  /** Next Function Number of an ARI capability. */
  readonly ariNextFunction?: number;
  readonly sriov?: {
    readonly totalVfs: number;
    readonly firstVfOffset: number;
    readonly vfStride: number;
    readonly initialVfs?: number;
    readonly numVfs?: number;
    readonly vfEnable?: boolean;
    readonly ariCapableHierarchy?: boolean;
    readonly vfDeviceId?: number;
  };
  /** Further extended capabilities, after those above. */
  readonly extended?: readonly ExtendedOptions[];
  /** Bytes put over the rest. */
  readonly patch?: readonly (readonly [offset: number, bytes: readonly number[]])[];
  /** How many bytes from the start on were read; all, when left out. */
  readonly readBytes?: number;
}

interface ExtendedOptions {
  readonly id: number;
  readonly version?: number;
  /** What follows the header, as registers of 32 bits. */
  readonly dwords: readonly number[];
}

const EXPRESS_OFFSET = 0x40;

/** Builds a configuration space: header, then one PCI Express capability, then extended capabilities from 100h on. */
export function configSpace(options: ConfigOptions): ConfigSpace {
  const bytes = new Uint8Array(PCI_CFG_SPACE_EXP_SIZE);
  const view = new DataView(bytes.buffer);
  const u16 = (offset: number, value: number) => view.setUint16(offset, value, true);
  const u32 = (offset: number, value: number) => view.setUint32(offset, value, true);
  u16(0x00, options.vendorId ?? 0x1af4);
  u16(0x02, options.deviceId ?? 0x1000);
  u32(0x08, (options.classCode ?? (options.bridge ? 0x06_04_00 : 0x02_00_00)) * 256);
  bytes[0x0e] = (options.bridge ? 1 : 0) | (options.multiFunction ? 0x80 : 0);
  if (options.bridge) {
    bytes[0x18] = options.bridge.primary ?? 0;
    bytes[0x19] = options.bridge.secondary;
    bytes[0x1a] = options.bridge.subordinate ?? options.bridge.secondary;
  } else {
    u16(0x2c, options.subsystemVendorId ?? 0);
    u16(0x2e, options.subsystemId ?? 0);
  }
  if (options.portType !== undefined) {
    u16(0x06, 0x10);
    bytes[0x34] = EXPRESS_OFFSET;
    bytes[EXPRESS_OFFSET] = PCI_CAP_ID_EXP;
    u16(EXPRESS_OFFSET + 0x02, 2 | (options.portType << 4));
    u32(EXPRESS_OFFSET + 0x0c, (options.maxLinkWidth ?? 0) << 4);
  }
  let header = 0;
  let free = 0x100;
  for (const { id, version = 1, dwords } of extendedCapabilities(options)) {
    if (header !== 0) u32(header, (view.getUint32(header, true) | (free << 20)) >>> 0);
    header = free;
    u32(header, id | (version << 16));
    for (const [index, value] of dwords.entries()) u32(header + 4 + index * 4, value >>> 0);
    free += 4 + dwords.length * 4;
  }
  for (const [offset, patch] of options.patch ?? []) bytes.set(patch, offset);
  return new ConfigSpace(bytes, [[0, options.readBytes ?? bytes.length]]);
}

/** One function for a test, decoded. */
export function pciFunction(address: string, options: ConfigOptions): DecodedFunction {
  return decodeFunction(bdf(address), configSpace(options));
}

/** Functions for a test by their addresses, in their tree. */
export function machine(functions: Readonly<Record<string, ConfigOptions>>): ReadonlyMap<Bdf, TopologyNode> {
  return buildTopology(Object.entries(functions).map(([address, options]) => pciFunction(address, options)));
}

/**
 * An extended capability for a test, at 100h, decoded by its definition alone.
 * @param dwords what follows its header, as registers of 32 bits.
 */
export function extendedCapability(
  definition: Capability,
  dwords: readonly number[],
  options: ConfigOptions = {},
): DecodedCapability {
  const space = configSpace({ portType: 0, ...options, extended: [{ id: definition.id, dwords }] });
  const view = { space, offset: 0x100, version: 1, devicePortType: options.portType ?? 0 };
  return decodeCapability({ id: definition.id, offset: 0x100, version: 1 }, definition, view, 0);
}

function extendedCapabilities({ acs, ariNextFunction, sriov, extended = [] }: ConfigOptions): ExtendedOptions[] {
  const list: ExtendedOptions[] = [];
  if (acs) list.push({ id: PCI_EXT_CAP_ID_ACS, dwords: [acs.capability | (acs.control << 16)] });
  if (ariNextFunction !== undefined) list.push({ id: PCI_EXT_CAP_ID_ARI, dwords: [ariNextFunction << 8] });
  if (sriov) {
    const { totalVfs, initialVfs = totalVfs, numVfs = 0, firstVfOffset, vfStride, vfDeviceId = 0 } = sriov;
    const control = (sriov.vfEnable ? 0x09 : 0) | (sriov.ariCapableHierarchy ? 0x10 : 0);
    const dwords = [0, control, initialVfs | (totalVfs << 16), numVfs, firstVfOffset | (vfStride << 16)];
    dwords.push(vfDeviceId << 16, 0x553, 1, 0, 0, 0, 0, 0, 0, 0);
    list.push({ id: PCI_EXT_CAP_ID_SRIOV, dwords });
  }
  return [...list, ...extended];
}
