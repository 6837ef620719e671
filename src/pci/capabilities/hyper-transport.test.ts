import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { HYPER_TRANSPORT } from "./hyper-transport.ts";
import { decodeBytes, decodeDump } from "./testing/capability-bytes.ts";

const dump = (slot: string, offset: number) => decodeDump("cap-ht.txt", slot, HYPER_TRANSPORT, offset);

test("HyperTransport: a slave interface reads as in lspci", { skip: dumpsAreMissing }, () => {
  const { links, ...values } = dump("00:00.0", 0xc4);
  assert.partialDeepStrictEqual(values, {
    htCapabilityType: "slave or primary interface",
    baseUnitId: 0,
    unitCount: 20,
    masterHost: false,
    dropOnUninitializedLink: false,
    majorRevision: 3,
    minorRevision: 0,
    isochronousFlowControl: true,
    ldtstop: true,
    crcTestMode: false,
    addressing64: true,
    protocolErrorFloodEnable: false,
    memoryBaseUpper: 0,
    chainBusNumber: 0,
  });
  const [link0, link1] = links as Record<string, unknown>[];
  assert.partialDeepStrictEqual(link0, {
    initializationComplete: true,
    endOfChain: false,
    maxWidthInBits: 16,
    widthOutBits: 16,
    // Code Eh, and 7FF5h: every rate but 300 and 500 MHz (lspci reads the lower byte only).
    frequencyMhz: 2600,
    frequenciesMhz: [200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000, 2200, 2400, 2600],
  });
  assert.partialDeepStrictEqual(link1, {
    linkFailure: true,
    initializationComplete: false,
    endOfChain: true,
    transmitterOff: true,
    maxWidthInBits: 8,
    frequencyMhz: 200,
    frequenciesMhz: [],
  });
});

test("HyperTransport: a host interface reads as in lspci", { skip: dumpsAreMissing }, () => {
  const { links, ...values } = dump("00:18.0", 0x80);
  assert.partialDeepStrictEqual(values, {
    htCapabilityType: "host or secondary interface",
    warmReset: true,
    doubleEnded: false,
    chainDeviceNumber: 0,
    hostHide: true,
    majorRevision: 3,
    extendedRegisterSet: false,
  });
  assert.equal("protocolErrorFloodEnable" in values, false);
  assert.partialDeepStrictEqual(links, [
    { endOfChain: true, transmitterOff: true, maxWidthInBits: 8, widthInBits: "not connected", frequencyMhz: 200 },
  ]);
});

test("HyperTransport: further types by name", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(dump("00:00.0", 0xf0), {
    htCapabilityType: "MSI mapping",
    msiMappingEnable: true,
    msiMappingFixed: true,
    msiMappingAddress: 0xfee0_0000n,
  });
  assert.partialDeepStrictEqual(dump("00:00.0", 0x54), {
    htCapabilityType: "UnitID clumping",
    clumpingSupport: 0x1008,
    clumpingEnable: 0x1008,
  });
  assert.equal(dump("00:00.0", 0x40).htCapabilityType, "retry mode");
  assert.deepEqual(dump("00:00.0", 0x9c), { htCapabilityType: "generation 3", bytes: "08 70 3c d0" });
});

test("HyperTransport: an MSI mapping that is not fixed has its address", () => {
  const { values, sizeBytes } = decodeBytes(HYPER_TRANSPORT, "01a8 0000e0fe 01000000");
  assert.equal(sizeBytes, 12);
  assert.partialDeepStrictEqual(values, {
    msiMappingEnable: true,
    msiMappingFixed: false,
    msiMappingAddress: 0x1_fee0_0000n,
  });
});

test("HyperTransport before revision 1.02 has no frequency registers", () => {
  // A slave of revision 1.01 (21h at 0Ch): command 0022h, the links 8 bits wide.
  const { values, sizeBytes } = decodeBytes(HYPER_TRANSPORT, "2200 2000 0000 d000 0000 21 ff ffff ff ff ffff");
  assert.equal(sizeBytes, 13);
  assert.partialDeepStrictEqual(values, { baseUnitId: 2, unitCount: 1, majorRevision: 1, minorRevision: 1 });
  assert.equal("chainBusNumber" in values, false);
  assert.equal("frequencyMhz" in ((values.links as object[])[0] as object), false);
});

test("HyperTransport: a type without a name shows its header", () => {
  assert.deepEqual(decodeBytes(HYPER_TRANSPORT, "34f2").values, {
    htCapabilityType: { kind: "unknown", id: 0x1e },
    bytes: "08 00 34 f2",
  });
});

test("HyperTransport: interrupt discovery and revision ID", () => {
  assert.deepEqual(decodeBytes(HYPER_TRANSPORT, "1080 010000f8").values, {
    htCapabilityType: "interrupt discovery and configuration",
    interruptIndex: 0x10,
    interruptData: 0xf800_0001,
  });
  assert.deepEqual(decodeBytes(HYPER_TRANSPORT, "2588").values, {
    htCapabilityType: "revision ID",
    minorRevision: 5,
    majorRevision: 1,
  });
});
