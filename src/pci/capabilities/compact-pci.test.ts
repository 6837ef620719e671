import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPACT_PCI_CENTRAL_RESOURCE_CONTROL, COMPACT_PCI_HOT_SWAP } from "./compact-pci.ts";
import { decodeBytes } from "./testing/capability-bytes.ts";

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
