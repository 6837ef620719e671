import assert from "node:assert/strict";
import { test } from "node:test";
import { AGP, AGP_8X } from "./agp.ts";
import { decodeBytes } from "./testing/capability-bytes.ts";

test("AGP 2.0 has rates of 1, 2 and 4 times", () => {
  // Status 1F000217h: 32 requests, sideband addressing, fast writes, all rates. Command 1F000102h.
  const { values, sizeBytes } = decodeBytes(AGP, "20 00 1702001f 0201001f");
  assert.equal(sizeBytes, 12);
  assert.partialDeepStrictEqual(values, {
    agpMajorVersion: 2,
    agpMinorVersion: 0,
    maxRequests: 32,
    sidebandAddressingSupported: true,
    fastWriteSupported: true,
    above4GSupported: false,
    supportedRates: [1, 2, 4],
    agpEnable: true,
    sidebandAddressingEnable: false,
    requestDepth: 32,
    rates: [2],
  });
});

test("AGP 3.0 in its own mode has rates of 4 and 8 times", () => {
  // Status 1F00CB1Bh as an Intel 865G shows it: AGP 3.0 mode, request size 2^(6+4), calibration 2.
  assert.partialDeepStrictEqual(decodeBytes(AGP, "30 00 1bcb001f 00000000").values, {
    agpMajorVersion: 3,
    agp3Mode: true,
    supportedRates: [4, 8],
    optimumRequestSizeBytes: 1024,
    calibrationCycle: 2,
    coherentAperture: true,
    rates: [],
  });
});

test("AGP 8x shows what it cannot name", () => {
  assert.deepEqual(decodeBytes(AGP_8X, "3412").values, { agp8xFlags: 0x1234 });
});
