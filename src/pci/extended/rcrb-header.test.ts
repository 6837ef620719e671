import assert from "node:assert/strict";
import { test } from "node:test";
import { CONFIGURATION_ACCESS_CORRELATION } from "./configuration-access-correlation.ts";
import { RCRB_HEADER } from "./rcrb-header.ts";
import { decodeDwords } from "./testing/capability-bytes.ts";

test("RCRB Header tells vendor, device and RRS visibility (PCIe 6.0 §7.9.7)", () => {
  assert.deepEqual(decodeDwords(RCRB_HEADER, [0x1234_8086, 1, 1]), {
    rcrbVendorId: 0x8086,
    rcrbDeviceId: 0x1234,
    configurationRrsSoftwareVisibility: true,
    configurationRrsSoftwareVisibilityEnable: true,
  });
});

test("Configuration Access Correlation has one register", () => {
  assert.deepEqual(decodeDwords(CONFIGURATION_ACCESS_CORRELATION, [0x3322_1100]), { deviceCorrelation: 0x3322_1100 });
});
