import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { PTM } from "./ptm.ts";
import { decodeDump, decodeDwords } from "./testing/capability-bytes.ts";

test("PTM of a switch reads as in lspci", { skip: dumpIsMissing("cap-ptm-1.txt") }, () => {
  assert.partialDeepStrictEqual(decodeDump("cap-ptm-1.txt", "0003:01:00.0", PTM, 0x100), {
    ptmRequesterCapable: false,
    ptmResponderCapable: true,
    ptmRootCapable: true,
    localClockGranularityNs: 213,
    ptmEnable: true,
    rootSelect: true,
    effectiveGranularityNs: 0,
  });
});

test("PTM decodes its newer capabilities (PCIe 6.0 §7.9.15.2)", () => {
  assert.partialDeepStrictEqual(decodeDwords(PTM, [0xff18, 0x1000]), {
    eptmCapable: true,
    ptmPropagationDelayAdaptationCapable: true,
    localClockGranularityNs: 255,
    effectiveGranularityNs: 16,
  });
});
