import assert from "node:assert/strict";
import { test } from "node:test";
import { FLATTENING_PORTAL_BRIDGE } from "./flattening-portal-bridge.ts";
import { decodeBytes } from "./testing/capability-bytes.ts";

test("Flattening Portal Bridge", () => {
  // All registers 55555555h but the data: the pattern has every second bit set (PCIe 6.0 §7.8.11.2 to .9).
  const { values, sizeBytes } = decodeBytes(FLATTENING_PORTAL_BRIDGE, `0000${"55".repeat(28)}67452301`);
  assert.equal(sizeBytes, 0x24);
  assert.deepEqual(values, {
    ridDecodeMechanismSupported: true,
    memLowDecodeMechanismSupported: false,
    memHighDecodeMechanismSupported: true,
    numSecDev: 0b01010,
    ridVectorBitsSupported: 8192,
    memLowVectorBitsSupported: { kind: "unknown", id: 5 },
    memHighVectorBitsSupported: 8192,
    ridDecodeMechanismEnable: true,
    ridVectorGranularity: 256,
    ridVectorStart: 0x5550,
    ridSecondaryStart: 0x5550,
    memLowDecodeMechanismEnable: true,
    memLowVectorGranularityMib: { kind: "unknown", id: 5 },
    memLowVectorStart: 0x5550_0000,
    memHighDecodeMechanismEnable: true,
    memHighVectorGranularityMib: 8192,
    memHighVectorStartLower: 0x5000_0000,
    memHighVectorStartUpper: 0x5555_5555,
    vectorAccessOffset: 0x55,
    vectorSelect: "MEM Low",
    vectorAccessData: 0x0123_4567,
    memHighVectorStart: 0x5555_5555_5000_0000n,
  });
});
