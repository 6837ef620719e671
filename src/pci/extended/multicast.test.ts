import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { MULTICAST } from "./multicast.ts";
import { decodeDump, decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";

const ALL = 0xffff_ffff_ffff_ffffn;

test("Multicast of a PLX switch port reads as in lspci", { skip: dumpIsMissing("cap-multicast.txt") }, () => {
  assert.partialDeepStrictEqual(decodeDump("cap-multicast.txt", "07:00.0", MULTICAST, 0xe00), {
    mcMaxGroups: 64,
    mcEcrcRegenerationSupported: true,
    mcNumGroups: 64,
    mcEnable: true,
    mcIndexPosition: 0,
    mcBaseAddress: 0n,
    mcReceive: ALL,
    mcBlockAll: 0n,
    mcBlockUntranslated: ALL,
    mcOverlaySizeLog2: 0,
    mcOverlayBar: 0n,
  });
});

test("Multicast addresses have no low bits, and only ports an overlay (PCIe 6.0 §7.9.11)", () => {
  const dwords = [0x0000_0c01, 0xfff0_000c, 0xff, 1, 0, 2, 0, 0, 0, 0x1000_004c, 3];
  const port = decodeInstance(MULTICAST, dwords, { devicePortType: 6 });
  assert.partialDeepStrictEqual(port.values, {
    mcMaxGroups: 2,
    mcWindowSizeRequestedLog2: 12,
    mcIndexPosition: 12,
    mcBaseAddress: 0xff_fff0_0000n,
    mcReceive: 1n,
    mcBlockAll: 2n,
    mcOverlaySizeLog2: 12,
    mcOverlayBar: 0x3_1000_0040n,
  });
  assert.equal(port.sizeBytes, 0x30);
  const endpoint = decodeInstance(MULTICAST, dwords, { devicePortType: 0 });
  assert.equal("mcOverlayBar" in endpoint.values, false);
  assert.equal(endpoint.sizeBytes, 0x28);
  assert.equal(decodeDwords(MULTICAST, dwords, { readBytes: 0x110 }).mcReceive, null);
});
