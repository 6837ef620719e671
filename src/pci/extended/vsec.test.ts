import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { MR_IOV } from "./mr-iov.ts";
import { decodeDump, decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";
import { VSEC } from "./vsec.ts";

test("VSEC of an AMD GPU reads as in lspci", { skip: dumpIsMissing("cap-rebar.txt") }, () => {
  assert.deepEqual(decodeDump("cap-rebar.txt", "09:00.0", VSEC, 0x100), {
    vsecId: 1,
    vsecRevision: 1,
    vsecLength: 0x10,
    bytes: "00 00 00 00 00 00 00 00",
  });
});

test("VSEC shows the vendor's registers after both headers (PCIe 6.0 §7.9.5.2)", () => {
  const { values, sizeBytes } = decodeInstance(VSEC, [0x00c2_abcd, 0x0403_0201]);
  assert.deepEqual(values, { vsecId: 0xabcd, vsecRevision: 2, vsecLength: 12, bytes: "01 02 03 04" });
  assert.equal(sizeBytes, 12);
});

test("VSEC ends with configuration space, and may be shorter than its headers", () => {
  assert.equal(decodeDwords(VSEC, [0xfff0_0001], { offset: 0xff0 }).bytes, "00 00 00 00 00 00 00 00");
  assert.equal(decodeDwords(VSEC, [0x0040_0001]).bytes, "");
  assert.equal(decodeDwords(VSEC, [], { readBytes: 0x104 }).bytes, null);
});

test("MR-IOV shows its bytes as far as the next capability", () => {
  assert.equal((decodeDwords(MR_IOV, [1]).bytes as string).length, 60 * 3 - 1);
  assert.equal(decodeDwords(MR_IOV, [1], { offset: 0xff8 }).bytes, "01 00 00 00");
});
