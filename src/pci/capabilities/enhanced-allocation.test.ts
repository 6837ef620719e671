import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigSpace } from "../config-space.ts";
import { dumpsAreMissing, spaceOf } from "../testing/dumps.ts";
import { ENHANCED_ALLOCATION } from "./enhanced-allocation.ts";
import { decodeAt, decodeBytes, decodeDump } from "./testing/capability-bytes.ts";

const entriesOf = (values: Readonly<Record<string, unknown>>) => values.entries as Record<string, unknown>[];

test("Enhanced Allocation of a Cavium PF reads as in lspci", { skip: dumpsAreMissing }, () => {
  const values = decodeDump("cap-ea-1.txt", "0002:01:00.0", ENHANCED_ALLOCATION, 0x98);
  assert.equal(values.numEntries, 4);
  const common = { enable: true, writable: false, entrySizeDwords: 4, baseIs64: true, maxOffsetIs64: true };
  const own = { primaryProperties: "memory, not prefetchable", secondaryProperties: "the primary properties hold" };
  const vf = { primaryProperties: "VF memory, not prefetchable", secondaryProperties: "the primary properties hold" };
  assert.partialDeepStrictEqual(values.entries, [
    { ...common, ...own, barEquivalentIndicator: "BAR 0", base: 0x8430_0000_0000n, maxOffset: 0x3fff_ffffn },
    { ...common, ...own, barEquivalentIndicator: "BAR 4", base: 0x8430_6000_0000n, maxOffset: 0xf_ffffn },
    { ...common, ...vf, barEquivalentIndicator: "VF BAR 0", base: 0x8430_a000_0000n, maxOffset: 0x1f_ffffn },
    { ...common, ...vf, barEquivalentIndicator: "VF BAR 4", base: 0x8430_e000_0000n, maxOffset: 0x1f_ffffn },
  ]);
  assert.equal(entriesOf(values).length, 4);
});

test("Enhanced Allocation of a bridge fixes its buses; the upper halves follow in order", () => {
  // Two entries: 32-bit I/O behind the bridge; then memory with 64 bits in both fields, which takes four dwords.
  const { values, sizeBytes } = decodeBytes(
    ENHANCED_ALLOCATION,
    "0200 05090000 6207ffc0 00d00000 fc0f0000 64000280 020000e0 feffffff 12000000 01000000",
    { headerType: 1 },
  );
  assert.equal(sizeBytes, 8 + 12 + 20);
  assert.partialDeepStrictEqual(values, { numEntries: 2, fixedSecondaryBus: 5, fixedSubordinateBus: 9 });
  const [io, memory] = entriesOf(values);
  assert.deepEqual(io, {
    entrySizeDwords: 2,
    barEquivalentIndicator: "resource behind the function",
    primaryProperties: "I/O behind the bridge",
    secondaryProperties: "the primary properties hold",
    writable: true,
    enable: true,
    baseIs64: false,
    baseLow: 0xd000,
    maxOffsetIs64: false,
    maxOffsetLow: 0xfff,
    base: 0xd000n,
    maxOffset: 0xfffn,
  });
  assert.partialDeepStrictEqual(memory, {
    entrySizeDwords: 4,
    secondaryProperties: "I/O",
    base: 0x12_e000_0000n,
    maxOffset: 0x1_ffff_ffffn,
  });
});

test("Enhanced Allocation leaves reserved codes alone, and an address without room for its upper half", () => {
  const { values } = decodeBytes(ENHANCED_ALLOCATION, "0100 f2080900 02000080 ffffffff");
  assert.partialDeepStrictEqual(values.entries, [
    {
      barEquivalentIndicator: { kind: "unknown", id: 15 },
      primaryProperties: { kind: "unknown", id: 8 },
      secondaryProperties: { kind: "unknown", id: 9 },
      baseLow: 0x8000_0000,
      base: null,
      maxOffset: null,
    },
  ]);
});

test("Enhanced Allocation stops at the end of the region and where nothing was read", () => {
  const all = decodeBytes(ENHANCED_ALLOCATION, "3f00");
  assert.equal(entriesOf(all.values).length, (0x100 - 0x44) / 4);
  const some = decodeBytes(ENHANCED_ALLOCATION, "3f00 02000000", { readBytes: 0x48 });
  assert.equal(entriesOf(some.values).length, 2);
  assert.partialDeepStrictEqual(entriesOf(some.values)[0], { entrySizeDwords: 2, baseLow: null, base: null });
  assert.partialDeepStrictEqual(entriesOf(some.values)[1], { entrySizeDwords: null });
});

test("Enhanced Allocation says nothing of upper halves whose place was not read", { skip: dumpsAreMissing }, () => {
  const space = spaceOf("cap-ea-1.txt", "0002:01:00.0");
  // B4h is in the base of the second entry, which says how wide it is.
  const holed = new ConfigSpace(space.bytes, [
    [0, 0xb4],
    [0xb5, space.end],
  ]);
  const { values } = decodeAt(ENHANCED_ALLOCATION, holed, 0x98);
  const entry = entriesOf(values).find((item) => item.baseLow === null);
  assert.ok(entry);
  assert.equal(entry.base, null);
  assert.ok(!("maxOffsetHigh" in entry) && entry.maxOffset === null);
});

test("an entry of Enhanced Allocation without room for an address has none", () => {
  const { values } = decodeBytes(ENHANCED_ALLOCATION, "0100 00000080", { headerType: 0 });
  const [entry] = entriesOf(values);
  assert.equal(entry?.entrySizeDwords, 0);
  assert.ok(entry && !("base" in entry) && !("maxOffset" in entry));
});
