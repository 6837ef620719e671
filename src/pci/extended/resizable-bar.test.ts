import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { RESIZABLE_BAR } from "./resizable-bar.ts";
import { decodeDump, decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";
import { VF_RESIZABLE_BAR } from "./vf-resizable-bar.ts";

const MB = 2 ** 20;

test("Resizable BAR of an AMD GPU reads as in lspci", { skip: dumpIsMissing("cap-rebar.txt") }, () => {
  const { resizableBars } = decodeDump("cap-rebar.txt", "09:00.0", RESIZABLE_BAR, 0x200);
  assert.deepEqual(resizableBars, [
    {
      lowerSupportedSizesBytes: [256 * MB, 512 * MB, 1024 * MB, 2048 * MB, 4096 * MB],
      barIndex: 0,
      currentSizeBytes: 256 * MB,
      upperSupportedSizesBytes: [],
      numberOfResizableBars: 1,
      supportedSizesBytes: [256 * MB, 512 * MB, 1024 * MB, 2048 * MB, 4096 * MB],
    },
  ]);
});

test("Resizable BAR sizes run from 1 MB to 8 EB (PCIe 6.0 §7.8.6.2, §7.8.6.3)", () => {
  const control = 2 | (2 << 5) | (33 << 8) | 0x8061_0000;
  const { resizableBars } = decodeDwords(RESIZABLE_BAR, [0x8000_0010, control, 0x10, 4 | (34 << 8)]);
  assert.partialDeepStrictEqual(resizableBars, [
    {
      barIndex: 2,
      currentSizeBytes: 2 ** 53,
      supportedSizesBytes: [MB, 2 ** 47, 2 ** 48, 2 ** 53, 2n ** 54n, 2n ** 63n],
    },
    { barIndex: 4, currentSizeBytes: 2n ** 54n, supportedSizesBytes: [MB] },
  ]);
});

test("Resizable BAR knows no size above code 43", () => {
  const { resizableBars } = decodeDwords(VF_RESIZABLE_BAR, [0x10, (1 << 5) | (44 << 8)]);
  assert.partialDeepStrictEqual(resizableBars, [{ currentSizeBytes: { kind: "unknown", id: 44 } }]);
});

test("VF Resizable BAR has as many entries as the first one says, six at the most", () => {
  const entries = (count: number) => {
    const { values, sizeBytes } = decodeInstance(VF_RESIZABLE_BAR, [0x10, count << 5]);
    return [(values.resizableBars as unknown[]).length, sizeBytes];
  };
  assert.deepEqual(entries(3), [3, 0x1c]);
  assert.deepEqual(entries(7), [6, 0x34]);
  assert.deepEqual(entries(0), [1, 0x0c], "the first entry is always there");
  const unread = decodeDwords(VF_RESIZABLE_BAR, [], { readBytes: 0x104 });
  assert.partialDeepStrictEqual(unread.resizableBars, [{ barIndex: null, supportedSizesBytes: null }]);
});
