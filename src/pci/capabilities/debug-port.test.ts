import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { DEBUG_PORT } from "./debug-port.ts";
import { decodeDump } from "./testing/capability-bytes.ts";

test("Debug Port of an EHCI controller reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("tree-asus-p6t6.txt", "00:1d.7", DEBUG_PORT, 0x58), {
    debugPortOffsetBytes: 0xa0,
    debugPortBar: 1,
  });
});
