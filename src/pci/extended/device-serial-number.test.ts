import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { DEVICE_SERIAL_NUMBER } from "./device-serial-number.ts";
import { decodeDump, decodeDwords } from "./testing/capability-bytes.ts";

test("DSN of an Intel 82576 reads as in lspci", { skip: dumpIsMissing("cap-pcie-2.txt") }, () => {
  const { serialNumber } = decodeDump("cap-pcie-2.txt", "01:00.0", DEVICE_SERIAL_NUMBER, 0x140);
  assert.equal(serialNumber, "00-1b-21-ff-ff-2b-46-e0");
});

test("DSN writes an EUI-64 with its company ID first (PCIe 6.0 Table 7-222)", () => {
  assert.equal(decodeDwords(DEVICE_SERIAL_NUMBER, [0xff2b_46e0, 0x001b_21ff]).serialNumber, "00-1b-21-ff-ff-2b-46-e0");
});

test("DSN is null where half of it was not read", () => {
  assert.equal(decodeDwords(DEVICE_SERIAL_NUMBER, [1, 2], { readBytes: 0x108 }).serialNumber, null);
});
