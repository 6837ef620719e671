import assert from "node:assert/strict";
import { test } from "node:test";
import { HOT_PLUG } from "./hot-plug.ts";
import { decodeBytes } from "./testing/capability-bytes.ts";

test("PCI Hot-Plug tells an interrupt from an error", () => {
  // 03h: bit 2 CSP, bit 3 CIP (SHPC 1.0).
  assert.deepEqual(decodeBytes(HOT_PLUG, "03 08 78563412").values, {
    dwordSelect: 3,
    controllerSerrPending: false,
    controllerInterruptPending: true,
    dwordData: 0x1234_5678,
  });
});
