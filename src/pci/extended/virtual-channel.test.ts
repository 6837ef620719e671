import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { MFVC } from "./mfvc.ts";
import { decodeDump, decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";
import { VIRTUAL_CHANNEL, VIRTUAL_CHANNEL_WITH_MFVC } from "./virtual-channel.ts";

test("VC of a PLX switch port reads as in lspci", { skip: dumpIsMissing("cap-multicast.txt") }, () => {
  const values = decodeDump("cap-multicast.txt", "07:00.0", VIRTUAL_CHANNEL, 0x148);
  assert.partialDeepStrictEqual(values, {
    lowPriorityExtendedVcCount: 0,
    referenceClockNs: 100,
    portArbitrationTableEntryBits: 8,
    vcArbitrationCapability: [],
    vcArbitrationSelect: "hardware-fixed",
  });
  assert.deepEqual(values.virtualChannels, [
    {
      portArbitrationCapability: ["wrr-64-phases"],
      rejectSnoopTransactions: false,
      maximumTimeSlots: 1,
      portArbitrationTableOffsetBytes: 0x30,
      tcVcMap: [0],
      loadPortArbitrationTable: false,
      portArbitrationSelect: "wrr-64-phases",
      vcId: 0,
      sharedFlowControlUsageLimit: 0,
      sharedFlowControlUsageLimitEnable: false,
      vcEnable: true,
      portArbitrationTableStatus: false,
      vcNegotiationPending: false,
    },
  ]);
});

test("VC has one entry for each virtual channel", { skip: dumpIsMissing("cap-vc-and-rcl.txt") }, () => {
  const { virtualChannels } = decodeDump("cap-vc-and-rcl.txt", "00:1b.0", VIRTUAL_CHANNEL, 0x100);
  assert.partialDeepStrictEqual(virtualChannels, [
    { vcEnable: true, tcVcMap: [0, 1, 2, 3, 4, 5, 6, 7] },
    { vcEnable: false, tcVcMap: [] },
  ]);
});

test("VC keeps reserved schemes unknown (PCIe 6.0 §7.9.1.3, §7.9.1.6)", () => {
  const values = decodeDwords(VIRTUAL_CHANNEL_WITH_MFVC, [0x300, 0x11, 0xa, 0x41, 0x000e_0000]);
  assert.deepEqual(values.referenceClockNs, { kind: "unknown", id: 3 });
  assert.deepEqual(values.vcArbitrationCapability, ["hardware-fixed", { kind: "unknown", id: 4 }]);
  assert.deepEqual(values.vcArbitrationSelect, { kind: "unknown", id: 5 });
  assert.partialDeepStrictEqual(values.virtualChannels, [
    {
      portArbitrationCapability: ["hardware-fixed", { kind: "unknown", id: 6 }],
      portArbitrationSelect: { kind: "unknown", id: 7 },
    },
  ]);
});

test("VC reaches to the end of its arbitration tables (PCIe 6.0 Tables 7-210 and 7-211)", () => {
  // WRR with 128 phases of four bits at 2 * 16 bytes; 256 phases of two bits at 8 * 16.
  const { sizeBytes } = decodeInstance(VIRTUAL_CHANNEL, [1 << 10, 0x0200_0008, 0, 0x0800_0020]);
  assert.equal(sizeBytes, 0x80 + 64);
  const { sizeBytes: vcTableOnly } = decodeInstance(VIRTUAL_CHANNEL, [1 << 10, 0x0200_0008, 0, 0]);
  assert.equal(vcTableOnly, 0x20 + 64);
});

test("VC shows eight virtual channels at the most, all null where none was read", () => {
  const { values, sizeBytes } = decodeInstance(VIRTUAL_CHANNEL, [7], { readBytes: 0x110 });
  const channels = values.virtualChannels as Record<string, unknown>[];
  assert.equal(channels.length, 8);
  assert.equal(channels[7]?.vcEnable, null);
  assert.equal(sizeBytes, 0x10 + 8 * 0x0c);
});

test("MFVC names function arbitration (PCIe 6.0 §7.9.2)", () => {
  const values = decodeDwords(MFVC, [0x801, 0x0300_0002, 0x2, 0x0400_0010, 0x8008_00fe, 0, 0, 0x0100_0001, 0x2_0000]);
  assert.partialDeepStrictEqual(values, {
    extendedVcCount: 1,
    functionArbitrationTableEntryBits: 4,
    vcArbitrationCapability: ["wrr-32-phases"],
    vcArbitrationTableOffsetBytes: 0x30,
    vcArbitrationSelect: "wrr-32-phases",
  });
  assert.partialDeepStrictEqual(values.virtualChannels, [
    {
      functionArbitrationCapability: ["time-based-wrr-128-phases"],
      functionArbitrationTableOffsetBytes: 0x40,
      tcVcMap: [1, 2, 3, 4, 5, 6, 7],
      functionArbitrationSelect: "time-based-wrr-128-phases",
      vcEnable: true,
    },
    { vcId: 1, vcEnable: false, tcVcMap: [0], vcNegotiationPending: true },
  ]);
});
