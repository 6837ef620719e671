import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { ATS } from "./ats.ts";
import { decodeDump, decodeDwords } from "./testing/capability-bytes.ts";

test("ATS of an Intel GPU reads as in lspci", { skip: dumpIsMissing("cap-pasid-pri.txt") }, () => {
  const values = decodeDump("cap-pasid-pri.txt", "00:02.0", ATS, 0x200);
  assert.partialDeepStrictEqual(values, {
    invalidateQueueDepth: 0,
    atsEnable: true,
    smallestTranslationUnitBytes: 4096,
  });
});

test("ATS tells its translation unit in bytes, up to 8 TB (PCIe 6.0 §10.5.1.3)", () => {
  const values = decodeDwords(ATS, [0x1f4 | (0xe81f << 16)]);
  assert.deepEqual(values, {
    invalidateQueueDepth: 20,
    pageAlignedRequest: true,
    globalInvalidateSupported: true,
    relaxedOrderingSupported: true,
    memoryAttributesSupported: true,
    smallestTranslationUnitBytes: 2 ** 43,
    memoryAttributesDefault: 5,
    memoryAttributesEnable: true,
    atsEnable: true,
  });
});
