import { type Bar, decodeBars } from "./bar.ts";
import type { Bdf } from "./bdf.ts";
import { type Bridge, decodeBridge } from "./bridge.ts";
import {
  at,
  type Capability,
  type CapabilityHeader,
  type DecodedCapability,
  decodeCapability,
  type Problem,
  walkCapabilities,
  walkExtendedCapabilities,
} from "./capability.ts";
import { PCI_CAP_ID_EXP, PCI_CAP_ID_PCIX, PCI_CAP_ID_SSVID } from "./capability-ids.ts";
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
import { decodeTable, fieldsOnDemand, joinTables, type RegisterTable, type Values } from "./register.ts";

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

/** How much of a capability is shown that has no definition, and whose end the next one does not mark. */
const UNKNOWN_SHOWN_BYTES = 64;

/** What the common registers and those of a layout fill. */
const PCI_STD_HEADER_SIZEOF = 0x40;
const PCI_HEADER_TYPE = 0x0e;
const PCI_HEADER_TYPE_MASK = 0x7f;
const PCI_EXP_FLAGS = 0x02;

interface Layout {
  /** Of all registers. */
  readonly table: RegisterTable;
  readonly headerTables: readonly RegisterTable[];
  readonly size: number;
  readonly barCount: number;
  /** Where the pointer to the first capability is. */
  readonly pointer: number;
}

function layout(table: RegisterTable, size: number, barCount: number, pointer: number): Layout {
  const headerTables = [COMMON_HEADER, table];
  return { table: joinTables(COMMON_HEADER, [{ offset: 0, table }]), headerTables, size, barCount, pointer };
}

const LAYOUTS: Readonly<Record<number, Layout>> = {
  [PCI_HEADER_TYPE_NORMAL]: layout(TYPE0_HEADER, PCI_STD_HEADER_SIZEOF, 6, 0x34),
  [PCI_HEADER_TYPE_BRIDGE]: layout(TYPE1_HEADER, PCI_STD_HEADER_SIZEOF, 2, 0x34),
  [PCI_HEADER_TYPE_CARDBUS]: layout(TYPE2_HEADER, 0x44, 1, 0x14),
};
type HeaderFields = Values<typeof COMMON_HEADER> & Partial<Values<typeof TYPE0_HEADER>>;

const UNKNOWN_LAYOUT = {
  table: COMMON_HEADER,
  headerTables: [COMMON_HEADER],
  size: PCI_STD_HEADER_SIZEOF,
  barCount: 0,
};

/**
 * Decodes one function's configuration space, whatever is in it: nothing throws, what could not be read is null, and
 * what is not as it should be is listed in `problems`. O(bytes).
 */
export function decodeFunction(bdf: Bdf, space: ConfigSpace): DecodedFunction {
  const problems: Problem[] = [];
  const layoutCode = space.u8(PCI_HEADER_TYPE);
  const headerType = layoutCode === undefined ? null : layoutCode & PCI_HEADER_TYPE_MASK;
  const layout = headerType === null ? undefined : LAYOUTS[headerType];
  const { table, headerTables, barCount, size } = layout ?? UNKNOWN_LAYOUT;
  const fields: HeaderFields = fieldsOnDemand(space, 0, table);
  const bars = layout ? decodeBars(space, 0x10, barCount, { problems }) : null;
  if (!layout && headerType !== null) {
    const absent = fields.vendorId === 0xffff && fields.deviceId === 0xffff && headerType === 0x7f;
    problems.push(
      absent
        ? { kind: "all-ones", offset: 0, message: "the header reads all ones: no function answers here" }
        : { kind: "reserved-value", offset: 0x0e, message: `no header has the layout ${headerType}` },
    );
  }
  if (!space.has(0, size)) problems.push(unreadHeader(space));

  // Of thousands of VFs hardly anyone looks at all: the greater parts of the work are done when first asked for.
  let header: Readonly<Record<string, unknown>> | undefined;
  const decodeHeader = (): Readonly<Record<string, unknown>> => {
    header ??= decodeTable(space, 0, table);
    return header;
  };
  let lists: CapabilityLists | undefined;
  const findLists = (): CapabilityLists => {
    lists ??= findCapabilities(space, fields.capabilitiesList === true ? layout?.pointer : undefined);
    return lists;
  };
  let allProblems: readonly Problem[] | undefined;
  // In the headers of Type 0 and 2; other bridges have a capability for it (Linux `pci_setup_device`).
  const subsystem = (): Partial<Record<"subsystemVendorId" | "subsystemId", unknown>> =>
    headerType === PCI_HEADER_TYPE_BRIDGE
      ? (findLists().standard.find(({ id }) => id === PCI_CAP_ID_SSVID)?.values ?? {})
      : fields;
  return {
    bdf,
    space,
    vendorId: fields.vendorId,
    deviceId: fields.deviceId,
    revisionId: fields.revisionId,
    classCode: classCode(fields),
    headerType,
    multiFunction: fields.multiFunction,
    get subsystemVendorId() {
      return numberOrNull(subsystem().subsystemVendorId);
    },
    get subsystemId() {
      return numberOrNull(subsystem().subsystemId);
    },
    get header() {
      return decodeHeader();
    },
    headerTables,
    bridge: headerType === PCI_HEADER_TYPE_BRIDGE ? decodeBridge(space) : undefined,
    bars,
    get capabilities() {
      return findLists().standard;
    },
    get extendedCapabilities() {
      return findLists().extended;
    },
    get problems() {
      allProblems ??= [...problems, ...problemsOf(space, findLists())];
      return allProblems;
    },
  };
}

interface CapabilityLists {
  readonly standard: readonly DecodedCapability[];
  /** What the walk along the list met. */
  readonly standardProblems: readonly Problem[];
  readonly extended: readonly DecodedCapability[];
  readonly extendedProblems: readonly Problem[];
}

/** @param pointer where the pointer to the first capability is; undefined where the function has none. */
function findCapabilities(space: ConfigSpace, pointer: number | undefined): CapabilityLists {
  const standardProblems: Problem[] = [];
  const extendedProblems: Problem[] = [];
  const lists = { standard: [], standardProblems, extended: [], extendedProblems };
  if (pointer === undefined) return lists;
  const headers = walkCapabilities(space, pointer, standardProblems);
  const standard = capabilitiesAt(headers, CAPABILITIES, space, undefined, PCI_CFG_SPACE_SIZE);
  const express = headers.find(({ id }) => id === PCI_CAP_ID_EXP);
  // Extended configuration space belongs to PCI Express and PCI-X 2 functions alone; elsewhere the bytes mean nothing.
  if (!express && !headers.some(({ id }) => id === PCI_CAP_ID_PCIX)) return { ...lists, standard };
  if (space.end <= PCI_CFG_SPACE_SIZE) {
    if (express) {
      // Else the function would seem to have none: no SR-IOV, no ACS. (PCI-X 1.0 has none.)
      const message = `extended configuration space, from ${at(PCI_CFG_SPACE_SIZE)} on, was not read`;
      extendedProblems.push({ kind: "unread", offset: PCI_CFG_SPACE_SIZE, message });
    }
    return { ...lists, standard };
  }
  const found = walkExtendedCapabilities(space, extendedProblems);
  const flags = express && space.u16(express.offset + PCI_EXP_FLAGS);
  const portType = flags === undefined ? undefined : (flags >>> 4) & 0xf;
  const extended = capabilitiesAt(found, EXTENDED_CAPABILITIES, space, portType, PCI_CFG_SPACE_EXP_SIZE);
  return { ...lists, standard, extended };
}

function capabilitiesAt(
  headers: readonly CapabilityHeader[],
  catalogue: ReadonlyMap<number, Capability>,
  space: ConfigSpace,
  devicePortType: number | undefined,
  regionEnd: number,
): DecodedCapability[] {
  return headers.map((header) => {
    const { id, offset, version } = header;
    const unknownSize = Math.min(startAfter(offset, headers, regionEnd) - offset, UNKNOWN_SHOWN_BYTES);
    return decodeCapability(header, catalogue.get(id), { space, offset, version, devicePortType }, unknownSize);
  });
}

/** Where the capability begins that lies next behind `offset`. */
function startAfter(
  offset: number,
  capabilities: ReadonlyArray<{ readonly offset: number }>,
  regionEnd: number,
): number {
  let next = regionEnd;
  for (const other of capabilities) if (other.offset > offset && other.offset < next) next = other.offset;
  return next;
}

function problemsOf(space: ConfigSpace, lists: CapabilityLists): Problem[] {
  return [
    ...lists.standardProblems,
    ...spaceProblems(space, lists.standard, PCI_CFG_SPACE_SIZE),
    ...lists.extendedProblems,
    ...spaceProblems(space, lists.extended, PCI_CFG_SPACE_EXP_SIZE),
  ];
}

/** Capabilities that lie over one another, or of which not all was read. */
function spaceProblems(space: ConfigSpace, capabilities: readonly DecodedCapability[], regionEnd: number): Problem[] {
  const problems: Problem[] = [];
  for (const { offset, sizeBytes, name, definition } of capabilities) {
    const next = startAfter(offset, capabilities, Number.POSITIVE_INFINITY);
    if (offset + sizeBytes > next) {
      problems.push({ kind: "overlap", offset, message: `${name} at ${at(offset)} runs into what is at ${at(next)}` });
    }
    if (definition && !space.has(offset, Math.min(sizeBytes, regionEnd - offset))) {
      problems.push({ kind: "unread", offset, message: `${name} at ${at(offset)} was read in part` });
    }
    if (offset + sizeBytes > regionEnd) {
      problems.push({ kind: "overlap", offset, message: `${name} at ${at(offset)} runs past ${at(regionEnd - 1)}` });
    }
  }
  return problems;
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
