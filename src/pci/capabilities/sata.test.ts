import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { SATA } from "./sata.ts";
import { decodeBytes, decodeDump } from "./testing/capability-bytes.ts";

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
