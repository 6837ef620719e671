import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { L1_PM_SUBSTATES } from "./l1-pm-substates.ts";
import { decodeDump, decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";

test("L1 PM Substates of an Intel Wi-Fi card read as in lspci", { skip: dumpIsMissing("cap-l1-pm.txt") }, () => {
  assert.partialDeepStrictEqual(decodeDump("cap-l1-pm.txt", "01:00.0", L1_PM_SUBSTATES, 0x154), {
    pciPmL12Supported: true,
    pciPmL11Supported: true,
    aspmL12Supported: true,
    aspmL11Supported: true,
    l1PmSubstatesSupported: true,
    portCommonModeRestoreTimeUs: 30,
    portTPowerOnUs: 60,
    pciPmL12Enable: true,
    aspmL11Enable: true,
    commonModeRestoreTimeUs: 0,
    ltrL12ThresholdNs: 163_840,
    tPowerOnUs: 60,
  });
});

test("L1 PM Substates have a status where the link can be activated (PCIe 6.0 §7.8.3)", () => {
  const { values, sizeBytes } = decodeInstance(L1_PM_SUBSTATES, [0x20, 0, 0, 1]);
  assert.equal(values.linkActivationStatus, true);
  assert.equal(sizeBytes, 0x14);
  assert.equal(decodeInstance(L1_PM_SUBSTATES, [0, 0, 0, 1]).sizeBytes, 0x10);
});

test("L1 PM Substates keep reserved scales unknown", () => {
  const values = decodeDwords(L1_PM_SUBSTATES, [3 << 16, 7 << 29, 2 | (31 << 3)]);
  assert.deepEqual(values.portTPowerOnUs, { kind: "unknown", id: 3 });
  assert.deepEqual(values.ltrL12ThresholdNs, { kind: "unknown", id: 7 });
  assert.equal(values.tPowerOnUs, 3100);
});
