import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { RCEC_ENDPOINT_ASSOCIATION } from "./rcec-endpoint-association.ts";
import { decodeDump, decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";

test("RCEC association with nothing on any bus reads as in lspci", { skip: dumpIsMissing("cap-rcec.txt") }, () => {
  assert.deepEqual(decodeDump("cap-rcec.txt", "6a:00.4", RCEC_ENDPOINT_ASSOCIATION, 0x160), {
    associatedDevices: [],
    rcecNextBus: 0xff,
    rcecLastBus: 0,
  });
});

test("RCEC association lists devices, and buses from version 2 on (PCIe 6.0 §7.9.10)", () => {
  const dwords = [0x8000_0021, 0x6f6b00];
  assert.deepEqual(decodeDwords(RCEC_ENDPOINT_ASSOCIATION, dwords, { version: 2 }), {
    associatedDevices: [0, 5, 31],
    rcecNextBus: 0x6b,
    rcecLastBus: 0x6f,
  });
  const { values, sizeBytes } = decodeInstance(RCEC_ENDPOINT_ASSOCIATION, dwords);
  assert.deepEqual(values, { associatedDevices: [0, 5, 31] });
  assert.equal(sizeBytes, 8);
});
