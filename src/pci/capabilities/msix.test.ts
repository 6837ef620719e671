import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { MSIX } from "./msix.ts";
import { decodeBytes, decodeDump } from "./testing/capability-bytes.ts";

test("MSI-X of a network card reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("cap-pcie-2.txt", "01:00.0", MSIX, 0x70), {
    tableSize: 10,
    functionMask: false,
    msixEnable: true,
    tableBir: 3,
    tableOffset: 0,
    pbaBir: 3,
    pbaOffset: 0x2000,
  });
});

test("MSI-X has 2048 vectors at the most, offsets without a sign, and reserved BARs as numbers", () => {
  assert.deepEqual(decodeBytes(MSIX, "ff47 f8ffffff 07000080").values, {
    tableSize: 2048,
    functionMask: true,
    msixEnable: false,
    tableBir: 0,
    tableOffset: 0xffff_fff8,
    pbaBir: { kind: "unknown", id: 7 },
    pbaOffset: 0x8000_0000,
  });
});
