import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { DOE } from "./doe.ts";
import { decodeDump, decodeDwords } from "./testing/capability-bytes.ts";

test("DOE of an Intel CXL device reads as in lspci", { skip: dumpIsMissing("cap-doe.txt") }, () => {
  assert.partialDeepStrictEqual(decodeDump("cap-doe.txt", "df:00.0", DOE, 0x100), {
    doeInterruptSupport: true,
    doeInterruptMessageNumber: 1,
    doeInterruptEnable: true,
    doeBusy: false,
    doeInterruptStatus: false,
    doeError: false,
    dataObjectReady: true,
  });
});

test("DOE shows the mailbox without a sign (PCIe 6.0 §7.9.24)", () => {
  assert.partialDeepStrictEqual(decodeDwords(DOE, [0xfff, 0x8000_0003, 7, 0, 0xdead_beef]), {
    doeInterruptMessageNumber: 0x7ff,
    doeAbort: true,
    doeGo: true,
    doeBusy: true,
    doeError: true,
    dataObjectReady: false,
    doeReadDataMailbox: 0xdead_beef,
  });
});
