import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { ADVANCED_FEATURES } from "./advanced-features.ts";
import { decodeDump } from "./testing/capability-bytes.ts";

test("PCI Advanced Features of a USB controller reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("cap-pci-af.txt", "00:1d.0", ADVANCED_FEATURES, 0x50), {
    afLengthBytes: 6,
    transactionsPendingSupported: true,
    flrCapable: true,
    initiateFlr: false,
    transactionsPending: false,
  });
});
