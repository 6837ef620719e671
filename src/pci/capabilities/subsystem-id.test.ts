import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { SUBSYSTEM_ID } from "./subsystem-id.ts";
import { decodeDump } from "./testing/capability-bytes.ts";

test("Bridge Subsystem ID of a PLX switch reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("cap-dpc.txt", "05:01.0", SUBSYSTEM_ID, 0xa4), {
    subsystemVendorId: 0x10b5,
    subsystemId: 0x9716,
  });
});
