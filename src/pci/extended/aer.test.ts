import assert from "node:assert/strict";
import { test } from "node:test";
import { resetRegister } from "../register.ts";
import { dumpIsMissing } from "../testing/dumps.ts";
import { AER } from "./aer.ts";
import { decodeDump, decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";

function setErrors(values: Readonly<Record<string, unknown>>, suffix: string): string[] {
  return Object.keys(values).filter((key) => key.endsWith(suffix) && values[key] === true);
}

test("AER of a Mellanox NIC reads as in lspci", { skip: dumpIsMissing("cap-aer-root.txt") }, () => {
  const values = decodeDump("cap-aer-root.txt", "03:00.0", AER, 0x154);
  assert.deepEqual(setErrors(values, "Severity"), [
    "dataLinkProtocolErrorSeverity",
    "flowControlProtocolErrorSeverity",
    "receiverOverflowSeverity",
    "malformedTlpSeverity",
  ]);
  assert.deepEqual(setErrors(values, "Status"), []);
  assert.deepEqual(setErrors(values, "Mask"), ["advisoryNonFatalErrorMask"]);
  assert.partialDeepStrictEqual(values, {
    ecrcGenerationCapable: true,
    ecrcGenerationEnable: false,
    ecrcCheckCapable: true,
  });
  assert.equal("errCorReceived" in values, false, "an endpoint has no root registers");
});

test("AER of a Root Port and of an RCEC has the root registers", { skip: dumpIsMissing("cap-rcec.txt") }, () => {
  const collector = decodeDump("cap-rcec.txt", "6a:00.4", AER, 0x100);
  assert.partialDeepStrictEqual(collector, { fatalErrorReportingEnable: false, errCorSourceId: 0 });
  assert.deepEqual(setErrors(collector, "Mask"), [
    "surpriseDownErrorMask",
    "unsupportedRequestErrorMask",
    "advisoryNonFatalErrorMask",
  ]);
});

test("AER logs the header that lspci prints as 60000001 0000020f 00002ff8 00000000", {
  skip: dumpIsMissing("cap-multicast.txt"),
}, () => {
  const values = decodeDump("cap-multicast.txt", "07:00.0", AER, 0xfb4);
  assert.partialDeepStrictEqual(values, {
    firstErrorPointer: 0x1f,
    headerLog0: 0x6000_0001,
    headerLog1: 0x20f,
    headerLog2: 0x2ff8,
    headerLog3: 0,
  });
});

test("AER names the root error status as PCIe 6.0 §7.8.4.10 does", () => {
  const root = [0x7, 0x4000_0055, 0x0100_0208];
  const values = decodeDwords(AER, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...root], { devicePortType: 4 });
  assert.partialDeepStrictEqual(values, {
    correctableErrorReportingEnable: true,
    nonFatalErrorReportingEnable: true,
    fatalErrorReportingEnable: true,
    errCorReceived: true,
    multipleErrCorReceived: false,
    errFatalNonFatalReceived: true,
    firstUncorrectableFatal: true,
    nonFatalErrorMessagesReceived: false,
    fatalErrorMessagesReceived: true,
    advancedErrorInterruptMessageNumber: 8,
    errCorSourceId: 0x0208,
    errFatalNonFatalSourceId: 0x0100,
  });
});

test("AER shows the TLP Prefix Log only where something was logged", () => {
  const dwords = [0, 0, 0, 0, 0, 1 << 11, 0, 0, 0, 0, 0, 0, 0, 0x9100_0001, 2, 3, 4];
  const logged = decodeInstance(AER, dwords);
  assert.partialDeepStrictEqual(logged.values, { tlpPrefixLog0: 0x9100_0001, tlpPrefixLog3: 4 });
  assert.equal(logged.sizeBytes, 0x48);
  dwords[5] = 0;
  const nothing = decodeInstance(AER, dwords);
  assert.equal("tlpPrefixLog0" in nothing.values, false);
  assert.equal(nothing.sizeBytes, 0x2c);
});

test("AER shows 14 header dwords at the most, however many the register claims", () => {
  const flit = (1 << 18) | (31 << 19);
  const { values, sizeBytes } = decodeInstance(AER, [0, 0, 0, 0, 0, flit]);
  assert.equal("headerLog13" in values, true);
  assert.equal("headerLog14" in values, false);
  assert.equal(sizeBytes, 0x60);
});

test("AER severities are those of PCIe 6.0 §7.8.4.4 after a reset", () => {
  const { uncorrectableErrorSeverity: severity, correctableErrorMask: mask } = AER.table;
  const fatal = Object.entries(severity.fields).filter(([, field]) => field.reset === 1);
  assert.deepEqual(
    fatal.map(([, field]) => field.lsb),
    [4, 5, 13, 17, 18, 22, 28],
  );
  assert.equal(resetRegister(mask, 0xe000), 0xe000, "sticky bits stay");
});
