import assert from "node:assert/strict";
import { test } from "node:test";
import { ADVANCED_FEATURES } from "./advanced-features.ts";
import { COMPACT_PCI_CENTRAL_RESOURCE_CONTROL, COMPACT_PCI_HOT_SWAP } from "./compact-pci.ts";
import { DEBUG_PORT } from "./debug-port.ts";
import { decodeBytes, decodeDump, dumpsAreMissing } from "./dumps.test-support.ts";
import { HOT_PLUG } from "./hot-plug.ts";
import { NULL_CAPABILITY } from "./null.ts";
import { SATA } from "./sata.ts";
import { SLOT_IDENTIFICATION } from "./slot-identification.ts";
import { SUBSYSTEM_ID } from "./subsystem-id.ts";
import { VITAL_PRODUCT_DATA } from "./vital-product-data.ts";

test("Null is a header and nothing more", () => {
  assert.partialDeepStrictEqual(decodeBytes(NULL_CAPABILITY, "ffff ffffffff"), { values: {}, sizeBytes: 2 });
});

test("Vital Product Data shows its window", () => {
  assert.deepEqual(decodeBytes(VITAL_PRODUCT_DATA, "1080 820b0041").values, {
    vpdAddress: 0x10,
    vpdFlag: true,
    vpdData: 0x4100_0b82,
  });
});

test("Slot Identification gives the chassis", () => {
  assert.deepEqual(decodeBytes(SLOT_IDENTIFICATION, "24 07").values, {
    expansionSlots: 4,
    firstInChassis: true,
    chassisNumber: 7,
  });
});

test("CompactPCI Hot Swap tells insertion from extraction", () => {
  assert.deepEqual(decodeBytes(COMPACT_PCI_HOT_SWAP, "5a").values, {
    deviceHidingArm: false,
    enumSignalMask: true,
    pendingInsertionOrExtraction: false,
    ledOn: true,
    hotSwapProgrammingInterface: 1,
    extraction: true,
    insertion: false,
  });
});

test("CompactPCI Central Resource Control shows what it cannot name", () => {
  assert.deepEqual(decodeBytes(COMPACT_PCI_CENTRAL_RESOURCE_CONTROL, "cdab").values, {
    centralResourceControlFlags: 0xabcd,
  });
});

test("Debug Port of an EHCI controller reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("tree-asus-p6t6.txt", "00:1d.7", DEBUG_PORT, 0x58), {
    debugPortOffsetBytes: 0xa0,
    debugPortBar: 1,
  });
});

test("PCI Hot-Plug tells an interrupt from an error", () => {
  // 03h: bit 2 CSP, bit 3 CIP (SHPC 1.0).
  assert.deepEqual(decodeBytes(HOT_PLUG, "03 08 78563412").values, {
    dwordSelect: 3,
    controllerSerrPending: false,
    controllerInterruptPending: true,
    dwordData: 0x1234_5678,
  });
});

test("Bridge Subsystem ID of a PLX switch reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("cap-dpc.txt", "05:01.0", SUBSYSTEM_ID, 0xa4), {
    subsystemVendorId: 0x10b5,
    subsystemId: 0x9716,
  });
});

test("SATA of an AHCI controller: the pair lies 4 dwords into BAR 4", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("tree-asus-p6t6.txt", "00:1f.2", SATA, 0xa8), {
    sataMinorRevision: 0,
    sataMajorRevision: 1,
    indexDataLocation: "BAR 4",
    indexDataOffsetBytes: 16,
  });
});

test("SATA in configuration space has the pair behind it; a reserved place stays a number", () => {
  const inline = decodeBytes(SATA, "1000 0f000000 04000000 efbeadde");
  assert.partialDeepStrictEqual(inline, {
    sizeBytes: 16,
    values: { indexDataLocation: "configuration space", sataIndex: 4, sataData: 0xdead_beef },
  });
  const reserved = decodeBytes(SATA, "1000 03000000 04000000 efbeadde");
  assert.equal(reserved.sizeBytes, 8);
  assert.deepEqual(reserved.values.indexDataLocation, { kind: "unknown", id: 3 });
});

test("PCI Advanced Features of a USB controller reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("cap-pci-af.txt", "00:1d.0", ADVANCED_FEATURES, 0x50), {
    afLengthBytes: 6,
    transactionsPendingSupported: true,
    flrCapable: true,
    initiateFlr: false,
    transactionsPending: false,
  });
});
