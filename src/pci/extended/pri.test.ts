import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { PASID } from "./pasid.ts";
import { PRI } from "./pri.ts";
import { decodeDump, decodeDwords } from "./testing/capability-bytes.ts";

test("PRI of an Intel GPU reads as in lspci", { skip: dumpIsMissing("cap-pasid-pri.txt") }, () => {
  assert.deepEqual(decodeDump("cap-pasid-pri.txt", "00:02.0", PRI, 0x300), {
    priEnable: false,
    priReset: false,
    responseFailure: false,
    unexpectedPageRequestGroupIndex: false,
    stopped: false,
    prgResponsePasidRequired: true,
    outstandingPageRequestCapacity: 0x8000,
    outstandingPageRequestAllocation: 0,
  });
});

test("PRI counts requests without a sign", () => {
  const values = decodeDwords(PRI, [0x0103_0001, 0xffff_ffff, 0x8000_0000]);
  assert.partialDeepStrictEqual(values, {
    priEnable: true,
    responseFailure: true,
    unexpectedPageRequestGroupIndex: true,
    stopped: true,
    outstandingPageRequestCapacity: 0xffff_ffff,
    outstandingPageRequestAllocation: 0x8000_0000,
  });
});

test("PASID of an Intel GPU reads as in lspci", { skip: dumpIsMissing("cap-pasid-pri.txt") }, () => {
  assert.deepEqual(decodeDump("cap-pasid-pri.txt", "00:02.0", PASID, 0x100), {
    executePermissionSupported: true,
    privilegedModeSupported: false,
    translatedRequestsWithPasidSupported: false,
    maxPasidWidthBits: 20,
    pasidEnable: true,
    executePermissionEnable: true,
    privilegedModeEnable: false,
    translatedRequestsWithPasidEnable: false,
  });
});
