import assert from "node:assert/strict";
import { test } from "node:test";
import { PCI_X } from "./pci-x.ts";
import { decodeBytes } from "./testing/capability-bytes.ts";

test("PCI-X of a device", () => {
  // Command 002Fh: recovery, relaxed ordering, 4096 bytes, code 2 (3 split transactions). Status 5D0B0210h: 02:02.0.
  const { values, sizeBytes } = decodeBytes(PCI_X, "2f00 10020b5d", { headerType: 0x80 });
  assert.equal(sizeBytes, 8);
  assert.deepEqual(values, {
    dataParityErrorRecoveryEnable: true,
    relaxedOrderingEnable: true,
    maxMemoryReadBytes: 4096,
    maxOutstandingSplitTransactions: 3,
    pcixVersion: 0,
    functionNumber: 0,
    deviceNumber: 2,
    busNumber: 2,
    device64Bit: true,
    capable133Mhz: true,
    splitCompletionDiscarded: false,
    unexpectedSplitCompletion: true,
    deviceComplexity: "simple",
    designedMaxMemoryReadBytes: 512,
    designedMaxOutstandingSplitTransactions: 3,
    designedMaxCumulativeReadBytes: 131_072,
    receivedSplitCompletionErrorMessage: false,
    capable266Mhz: true,
    capable533Mhz: false,
  });
});

test("PCI-X of a bridge", () => {
  // Secondary status 00C3h: 64 bits, 133 MHz capable and running at it. Status 00030308h: 03:01.0.
  const { values, sizeBytes } = decodeBytes(PCI_X, "c300 08030300 10002000 ffff0100", { headerType: 1 });
  assert.equal(sizeBytes, 16);
  assert.partialDeepStrictEqual(values, {
    secondary64Bit: true,
    secondaryCapable133Mhz: true,
    secondaryBusMode: "PCI-X 133 MHz",
    busNumber: 3,
    deviceNumber: 1,
    functionNumber: 0,
    device64Bit: true,
    upstreamSplitTransactionCapacity: 16,
    upstreamSplitTransactionCommitmentLimit: 32,
    downstreamSplitTransactionCapacity: 0xffff,
    downstreamSplitTransactionCommitmentLimit: 1,
  });
  assert.equal("maxMemoryReadBytes" in values, false);
});

test("PCI-X is not decoded under a header that it does not know", () => {
  assert.deepEqual(decodeBytes(PCI_X, "c300 08030300", { headerType: 2 }).values, {});
});
