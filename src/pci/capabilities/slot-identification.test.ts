import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOT_IDENTIFICATION } from "./slot-identification.ts";
import { decodeBytes } from "./testing/capability-bytes.ts";

test("Slot Identification gives the chassis", () => {
  assert.deepEqual(decodeBytes(SLOT_IDENTIFICATION, "24 07").values, {
    expansionSlots: 4,
    firstInChassis: true,
    chassisNumber: 7,
  });
});
