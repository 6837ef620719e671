import { type Block, capability } from "../capability.ts";
import { PCI_CAP_ID_EA } from "../capability-ids.ts";
import { type ConfigSpace, PCI_CFG_SPACE_SIZE } from "../config-space.ts";
import { PCI_HEADER_TYPE_BRIDGE } from "../header.ts";
import { quadword } from "../quadword.ts";
import { bit, bits, oneOf, type RegisterTable, register } from "../register.ts";

const PCI_HEADER_TYPE = 0x0e;
const PCI_HEADER_TYPE_MASK = 0x7f;
const PCI_EA_FIRST_ENT = 0x04;
const PCI_EA_FIRST_ENT_BRIDGE = 0x08;
const PCI_EA_ES = 0x07;
const PCI_EA_IS_64 = 0x02;

/** BAR Equivalent Indicator: whose resource an entry is (PCIe 6.0 §7.8.5.3). 15 is reserved. */
const INDICATORS = {
  0: "BAR 0",
  1: "BAR 1",
  2: "BAR 2",
  3: "BAR 3",
  4: "BAR 4",
  5: "BAR 5",
  6: "resource behind the function",
  7: "not indicated",
  8: "expansion ROM",
  9: "VF BAR 0",
  10: "VF BAR 1",
  11: "VF BAR 2",
  12: "VF BAR 3",
  13: "VF BAR 4",
  14: "VF BAR 5",
};

const PROPERTIES = {
  0x00: "memory, not prefetchable",
  0x01: "memory, prefetchable",
  0x02: "I/O",
  0x03: "VF memory, prefetchable",
  0x04: "VF memory, not prefetchable",
  0x05: "memory behind the bridge, not prefetchable",
  0x06: "memory behind the bridge, prefetchable",
  0x07: "I/O behind the bridge",
  0xfd: "memory, unavailable",
  0xfe: "I/O, unavailable",
};

const ENTRY_HEADER = register(0x00, 32, undefined, "PCIe 6.0 §7.8.5.3", {
  entrySizeDwords: bits(2, 0, "HwInit", "that follow this one"),
  barEquivalentIndicator: bits(7, 4, "HwInit", { value: oneOf(INDICATORS) }),
  primaryProperties: bits(15, 8, "HwInit", { value: oneOf({ ...PROPERTIES, 0xff: "entry unavailable" }) }),
  secondaryProperties: bits(23, 16, "HwInit", {
    value: oneOf({ ...PROPERTIES, 0xff: "the primary properties hold" }),
    doc: "for software that does not know the primary ones",
  }),
  writable: bit(30, "HwInit", "base and MaxOffset may be written"),
  enable: bit(31, "RW", "the resource is decoded"),
});

const BASE = register(0x04, 32, "PCI_EA_BASE", "PCIe 6.0 §7.8.5.3", {
  baseIs64: bit(1, "HwInit"),
  baseLow: bits(31, 2, "HwInit", { value: (raw) => raw * 4 }),
});

const MAX_OFFSET = register(0x08, 32, "PCI_EA_MAX_OFFSET", "PCIe 6.0 §7.8.5.3", {
  maxOffsetIs64: bit(1, "HwInit"),
  maxOffsetLow: bits(31, 2, "HwInit", { value: (raw) => raw * 4 + 3 }),
});

const upper = bits(31, 0, "HwInit");

const BRIDGE = {
  fixedSecondaryBus: register(0x04, 8, undefined, "PCIe 6.0 §7.8.5.2", {
    fixedSecondaryBus: bits(7, 0, "HwInit", "0: not fixed"),
  }),
  fixedSubordinateBus: register(0x05, 8, undefined, "PCIe 6.0 §7.8.5.2", {
    fixedSubordinateBus: bits(7, 0, "HwInit", "0: not fixed"),
  }),
};

/** Enhanced Allocation: resources at fixed addresses, in place of BARs. */
export const ENHANCED_ALLOCATION = capability({
  id: PCI_CAP_ID_EA,
  name: "Enhanced Allocation (EA)",
  spec: "PCIe 6.0 §7.8.5",
  table: {
    firstDword: register(0x02, 16, "PCI_EA_NUM_ENT", "PCIe 6.0 §7.8.5.1", {
      numEntries: bits(5, 0, "HwInit"),
    }),
  },
  blocks: ({ numEntries }, { space, offset }) => {
    const headerType = space.u8(PCI_HEADER_TYPE);
    // Where the entries begin depends on the header's layout.
    if (headerType === undefined) return [];
    const isBridge = (headerType & PCI_HEADER_TYPE_MASK) === PCI_HEADER_TYPE_BRIDGE;
    const blocks: Block[] = isBridge ? [{ offset: 0, table: BRIDGE }] : [];
    let at = isBridge ? PCI_EA_FIRST_ENT_BRIDGE : PCI_EA_FIRST_ENT;
    for (let entry = 0; entry < (numEntries ?? 0) && offset + at < PCI_CFG_SPACE_SIZE; entry++) {
      blocks.push({ name: "entries", offset: at, table: entryTable(space, offset + at), derive: addresses });
      const header = space.u32(offset + at);
      // The next entry's place is unknown where this one's size is.
      if (header === undefined) break;
      at += 4 + 4 * (header & PCI_EA_ES);
    }
    return blocks;
  },
});

/** The registers of the entry at `at`, which both its size and the width of its addresses decide. */
function entryTable(space: ConfigSpace, at: number): RegisterTable {
  const dwords = (space.u32(at) ?? 0) & PCI_EA_ES;
  const table: Record<string, RegisterTable[string]> = { header: ENTRY_HEADER };
  if (dwords >= 1) table.base = BASE;
  if (dwords >= 2) table.maxOffset = MAX_OFFSET;
  // Where the upper halves are depends on what was not read: nothing is said of them then.
  if (dwords >= 1 && space.u32(at + 4) === undefined) return table;
  let next = 3;
  if (dwords >= next && ((space.u32(at + 4) ?? 0) & PCI_EA_IS_64) !== 0) {
    table.baseHigh = register(next++ * 4, 32, undefined, "PCIe 6.0 §7.8.5.3", { baseHigh: upper });
  }
  if (dwords >= next && ((space.u32(at + 8) ?? 0) & PCI_EA_IS_64) !== 0) {
    table.maxOffsetHigh = register(next * 4, 32, undefined, "PCIe 6.0 §7.8.5.3", { maxOffsetHigh: upper });
  }
  return table;
}

/** Of the registers that the entry has room for. */
function addresses(values: Record<string, unknown>): Record<string, unknown> {
  const { baseLow, baseIs64, baseHigh, maxOffsetLow, maxOffsetIs64, maxOffsetHigh } = values;
  return {
    ...(baseLow === undefined ? {} : { base: join(baseLow, baseIs64, baseHigh) }),
    ...(maxOffsetLow === undefined ? {} : { maxOffset: join(maxOffsetLow, maxOffsetIs64, maxOffsetHigh) }),
  };
}

/** Null where a half was not read. */
function join(low: unknown, is64: unknown, high: unknown): bigint | null {
  if (typeof low !== "number") return null;
  if (is64 !== true) return BigInt(low);
  return quadword(low, typeof high === "number" ? high : null);
}
