import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { MSI } from "./msi.ts";
import { decodeBytes, decodeDump } from "./testing/capability-bytes.ts";

test("MSI of a PLX switch, 64-bit with masks, reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("cap-dpc.txt", "05:01.0", MSI, 0x48), {
    enabled: true,
    multipleMessageCapable: 8,
    multipleMessageEnabled: 1,
    address64Capable: true,
    perVectorMaskingCapable: true,
    extendedMessageDataCapable: false,
    extendedMessageDataEnable: false,
    messageAddress: 0xfee0_04d8,
    messageUpperAddress: 0,
    data: 0,
    mask: 0xfe,
    pending: 0,
    address: 0xfee0_04d8n,
  });
});

test("MSI of an AHCI controller, 32-bit without masks, reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("tree-asus-p6t6.txt", "00:1f.2", MSI, 0x80), {
    enabled: true,
    multipleMessageCapable: 16,
    multipleMessageEnabled: 1,
    address64Capable: false,
    perVectorMaskingCapable: false,
    extendedMessageDataCapable: false,
    extendedMessageDataEnable: false,
    messageAddress: 0xfee0_1000,
    data: 0x4023,
    address: 0xfee0_1000n,
  });
});

/** The four layouts (PCIe 6.0 Figures 7-33 to 7-38), over the same bytes from 04h on. */
const layouts = [
  { name: "32-bit", control: "0000", size: 0x0a, data: 0x0908, address: 0x0706_0504n },
  { name: "64-bit", control: "8000", size: 0x0e, data: 0x0d0c, address: 0x0b0a_0908_0706_0504n },
  { name: "32-bit with masks", control: "0001", size: 0x14, data: 0x0908, mask: 0x0f0e_0d0c, pending: 0x1312_1110 },
  { name: "64-bit with masks", control: "8001", size: 0x18, data: 0x0d0c, mask: 0x1312_1110, pending: 0x1716_1514 },
  { name: "32-bit with extended data", control: "0002", size: 0x0c, data: 0x0908, extendedData: 0x0b0a },
  { name: "64-bit with extended data", control: "8002", size: 0x10, data: 0x0d0c, extendedData: 0x0f0e },
];
const FROM_04H = Array.from({ length: 0x14 }, (_, n) => (n + 4).toString(16).padStart(2, "0")).join("");

for (const { name, control, size, ...expected } of layouts) {
  test(`MSI, ${name}, has its registers in their places`, () => {
    const { values, sizeBytes } = decodeBytes(MSI, control + FROM_04H);
    assert.equal(sizeBytes, size);
    assert.partialDeepStrictEqual(values, expected);
    assert.equal("mask" in values, "mask" in expected);
    assert.equal("extendedData" in values, "extendedData" in expected);
  });
}

test("MSI leaves vector counts alone that the specification reserves", () => {
  assert.partialDeepStrictEqual(decodeBytes(MSI, "6d00").values, {
    enabled: true,
    multipleMessageCapable: { kind: "unknown", id: 6 },
    multipleMessageEnabled: { kind: "unknown", id: 6 },
  });
});

test("MSI has no address where half of it was not read", () => {
  const { values } = decodeBytes(MSI, `8000${FROM_04H}`, { readBytes: 0x48 });
  assert.partialDeepStrictEqual(values, {
    address64Capable: true,
    messageUpperAddress: null,
    data: null,
    address: null,
  });
  assert.equal(decodeBytes(MSI, `8000${FROM_04H}`, { readBytes: 0x42 }).values.address, null);
});
