import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOT_COMPLEX_INTERNAL_LINK_CONTROL } from "./root-complex-internal-link-control.ts";
import { decodeDwords } from "./testing/capability-bytes.ts";

test("Internal Link Control decodes its link (PCIe 6.0 §7.9.9)", () => {
  const capabilities = 3 | (4 << 4) | (3 << 10) | (3 << 12) | (6 << 15) | (0b111 << 18);
  const values = decodeDwords(ROOT_COMPLEX_INTERNAL_LINK_CONTROL, [capabilities, 0x82 | (0x42 << 16)]);
  assert.deepEqual(values, {
    maxLinkSpeedGts: 8,
    maximumLinkWidth: 4,
    aspmSupport: "l0s-and-l1",
    l0sExitLatency: "256 ns to 512 ns",
    l1ExitLatency: "32 us to 64 us",
    supportedLinkSpeedsGts: [2.5, 5, 8],
    aspmControl: "l1",
    extendedSynch: true,
    currentLinkSpeedGts: 5,
    negotiatedLinkWidth: 4,
  });
});

test("Internal Link Control keeps reserved codes unknown", () => {
  const values = decodeDwords(ROOT_COMPLEX_INTERNAL_LINK_CONTROL, [7 | (3 << 4), 0]);
  assert.deepEqual(values.maxLinkSpeedGts, { kind: "unknown", id: 7 });
  assert.deepEqual(values.maximumLinkWidth, { kind: "unknown", id: 3 });
});
