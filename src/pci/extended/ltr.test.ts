import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { LTR, latencyNs } from "./ltr.ts";
import { decodeDump, decodeDwords } from "./testing/capability-bytes.ts";

test("LTR of an Intel Wi-Fi card reads as in lspci", { skip: dumpIsMissing("cap-l1-pm.txt") }, () => {
  const values = decodeDump("cap-l1-pm.txt", "01:00.0", LTR, 0x14c);
  assert.partialDeepStrictEqual(values, { maxSnoopLatencyNs: 3_145_728, maxNoSnoopLatencyNs: 3_145_728 });
});

test("LTR multiplies by 32 to the power of the scale, of which there are six (PCIe 6.0 §6.18)", () => {
  const values = decodeDwords(LTR, [0x3ff | (5 << 10) | ((1 | (6 << 10)) << 16)]);
  assert.equal(values.maxSnoopLatencyNs, 1023 * 33_554_432);
  assert.deepEqual(values.maxNoSnoopLatencyNs, { kind: "unknown", id: 6 });
  assert.equal(latencyNs(null, 0), null);
});
