import { type Bar, decodeBars } from "./bar.ts";
import type { Bdf } from "./bdf.ts";
import { type Bridge, decodeBridge } from "./bridge.ts";
import {
  at,
  type CapabilityHeader,
  type DecodedCapability,
  decodeCapability,
  type Problem,
  walkCapabilities,
  walkExtendedCapabilities,
} from "./capability.ts";
import { CAPABILITIES, EXTENDED_CAPABILITIES } from "./catalogue.ts";
import { type ConfigSpace, PCI_CFG_SPACE_EXP_SIZE, PCI_CFG_SPACE_SIZE } from "./config-space.ts";
import {
  COMMON_HEADER,
  PCI_HEADER_TYPE_BRIDGE,
  PCI_HEADER_TYPE_CARDBUS,
  PCI_HEADER_TYPE_NORMAL,
  TYPE0_HEADER,
  TYPE1_HEADER,
  TYPE2_HEADER,
} from "./header.ts";
import { decodeTable, type RegisterTable } from "./register.ts";

/** All that the configuration space of one function says. Whatever was not read is null. */
export interface DecodedFunction {
  readonly bdf: Bdf;
  readonly space: ConfigSpace;
  /** As the register reads: FFFFh in a VF. */
  readonly vendorId: number | null;
  readonly deviceId: number | null;
  readonly revisionId: number | null;
  /** 24 bits: base class, sub-class, programming interface. */
  readonly classCode: number | null;
  /** The header's layout, without the multi-function bit. */
  readonly headerType: number | null;
  readonly multiFunction: boolean | null;
  readonly subsystemVendorId: number | null;
  readonly subsystemId: number | null;
  /** Every field of the header, by the names of header.ts. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly headerTables: readonly RegisterTable[];
  /** Bridges only. */
  readonly bridge: Bridge | undefined | null;
  readonly bars: readonly Bar[] | null;
  readonly capabilities: readonly DecodedCapability[];
  readonly extendedCapabilities: readonly DecodedCapability[];
  readonly problems: readonly Problem[];
}

const PCI_CAP_ID_SSVID = 0x0d;
const PCI_CAP_ID_EXP = 0x10;
const PCI_CAP_ID_PCIX = 0x07;
/** How much of a capability is shown that has no definition, and whose end the next one does not mark. */
const UNKNOWN_SHOWN_BYTES = 64;

/** What the common registers and those of a layout fill. */
const PCI_STD_HEADER_SIZEOF = 0x40;

const LAYOUTS: Readonly<Record<number, { table: RegisterTable; size: number; barCount: number; pointer: number }>> = {
  [PCI_HEADER_TYPE_NORMAL]: { table: TYPE0_HEADER, size: PCI_STD_HEADER_SIZEOF, barCount: 6, pointer: 0x34 },
  [PCI_HEADER_TYPE_BRIDGE]: { table: TYPE1_HEADER, size: PCI_STD_HEADER_SIZEOF, barCount: 2, pointer: 0x34 },
  [PCI_HEADER_TYPE_CARDBUS]: { table: TYPE2_HEADER, size: 0x44, barCount: 1, pointer: 0x14 },
};

/**
 * Decodes one function's configuration space, whatever is in it: nothing throws, what could not be read is null, and
 * what is not as it should be is listed in `problems`. O(bytes).
 */
export function decodeFunction(bdf: Bdf, space: ConfigSpace): DecodedFunction {
  const problems: Problem[] = [];
  const common = decodeTable(space, 0, COMMON_HEADER);
  const headerType = common.headerLayout;
  const layout = headerType === null ? undefined : LAYOUTS[headerType];
  const header: Record<string, unknown> = { ...common };
  const headerTables: RegisterTable[] = [COMMON_HEADER];
  let bars: Bar[] | null = null;

  if (layout) {
    Object.assign(header, decodeTable(space, 0, layout.table));
    headerTables.push(layout.table);
    bars = decodeBars(space, 0x10, layout.barCount, problems);
  } else if (headerType !== null) {
    const absent = common.vendorId === 0xffff && common.deviceId === 0xffff && headerType === 0x7f;
    problems.push(
      absent
        ? { kind: "all-ones", offset: 0, message: "the header reads all ones: no function answers here" }
        : { kind: "reserved-value", offset: 0x0e, message: `no header has the layout ${headerType}` },
    );
  }
  if (!space.has(0, layout?.size ?? PCI_STD_HEADER_SIZEOF)) problems.push(unreadHeader(space));

  // Capabilities are the greater part of the work, and of thousands of VFs hardly anyone looks at them: when first asked.
  let lists: CapabilityLists | undefined;
  const decodeLists = (): CapabilityLists => {
    lists ??= decodeCapabilityLists(space, common.capabilitiesList === true ? layout?.pointer : undefined, problems);
    return lists;
  };
  // In the headers of Type 0 and 2; other bridges have a capability for it (Linux `pci_setup_device`).
  const subsystem = (): Readonly<Record<string, unknown>> =>
    headerType === PCI_HEADER_TYPE_BRIDGE
      ? (decodeLists().standard.find(({ id }) => id === PCI_CAP_ID_SSVID)?.values ?? {})
      : header;
  return {
    bdf,
    space,
    vendorId: common.vendorId,
    deviceId: common.deviceId,
    revisionId: common.revisionId,
    classCode: classCode(common),
    headerType,
    multiFunction: common.multiFunction,
    get subsystemVendorId() {
      return numberOrNull(subsystem().subsystemVendorId);
    },
    get subsystemId() {
      return numberOrNull(subsystem().subsystemId);
    },
    header,
    headerTables,
    bridge: headerType === PCI_HEADER_TYPE_BRIDGE ? decodeBridge(space) : undefined,
    bars,
    get capabilities() {
      return decodeLists().standard;
    },
    get extendedCapabilities() {
      return decodeLists().extended;
    },
    get problems() {
      decodeLists();
      return problems;
    },
  };
}

interface CapabilityLists {
  readonly standard: readonly DecodedCapability[];
  readonly extended: readonly DecodedCapability[];
}

/** @param pointer where the pointer to the first capability is; undefined where the function has none. */
function decodeCapabilityLists(space: ConfigSpace, pointer: number | undefined, problems: Problem[]): CapabilityLists {
  if (pointer === undefined) return { standard: [], extended: [] };
  const headers = walkCapabilities(space, pointer, problems);
  const standard = decodeList(headers, CAPABILITIES, space, undefined, PCI_CFG_SPACE_SIZE, problems);
  const express = standard.find(({ id }) => id === PCI_CAP_ID_EXP);
  // Extended configuration space belongs to PCI Express and PCI-X 2 functions alone; elsewhere the bytes mean nothing.
  if (!express && !standard.some(({ id }) => id === PCI_CAP_ID_PCIX)) return { standard, extended: [] };
  const isRead = space.end > PCI_CFG_SPACE_SIZE;
  const found = isRead ? walkExtendedCapabilities(space, problems) : [];
  if (express && !isRead) {
    // Else the function would seem to have none: no SR-IOV, no ACS. (PCI-X 1.0 has none.)
    const message = `extended configuration space, from ${at(PCI_CFG_SPACE_SIZE)} on, was not read`;
    problems.push({ kind: "unread", offset: PCI_CFG_SPACE_SIZE, message });
  }
  const type = express?.values.devicePortType;
  const portType = typeof type === "number" ? type : undefined;
  const extended = decodeList(found, EXTENDED_CAPABILITIES, space, portType, PCI_CFG_SPACE_EXP_SIZE, problems);
  return { standard, extended };
}

function decodeList(
  headers: readonly CapabilityHeader[],
  catalogue: ReadonlyMap<number, import("./capability.ts").Capability>,
  space: ConfigSpace,
  devicePortType: number | undefined,
  regionEnd: number,
  problems: Problem[],
): DecodedCapability[] {
  const starts = headers.map(({ offset }) => offset).sort((a, b) => a - b);
  const decoded = headers.map((header) => {
    const next = starts.find((start) => start > header.offset) ?? regionEnd;
    const view = { space, offset: header.offset, version: header.version, devicePortType };
    const unknownSize = Math.min(next - header.offset, UNKNOWN_SHOWN_BYTES);
    return decodeCapability(header, catalogue.get(header.id), view, unknownSize);
  });
  for (const { offset, sizeBytes, name, definition } of decoded) {
    const next = starts.find((start) => start > offset);
    if (next !== undefined && offset + sizeBytes > next) {
      problems.push({ kind: "overlap", offset, message: `${name} at ${at(offset)} runs into what is at ${at(next)}` });
    }
    if (definition && !space.has(offset, Math.min(sizeBytes, regionEnd - offset))) {
      problems.push({ kind: "unread", offset, message: `${name} at ${at(offset)} was read in part` });
    }
    if (offset + sizeBytes > regionEnd) {
      problems.push({ kind: "overlap", offset, message: `${name} at ${at(offset)} runs past ${at(regionEnd - 1)}` });
    }
  }
  return decoded;
}

function classCode(header: { baseClass: number | null; subClass: number | null; programmingInterface: number | null }) {
  const { baseClass, subClass, programmingInterface } = header;
  if (baseClass === null || subClass === null || programmingInterface === null) return null;
  return (baseClass << 16) | (subClass << 8) | programmingInterface;
}

function unreadHeader(space: ConfigSpace): Problem {
  let offset = 0;
  while (space.has(offset, 1)) offset++;
  return { kind: "unread", offset, message: `the header was read in part: nothing is known at ${at(offset)}` };
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
