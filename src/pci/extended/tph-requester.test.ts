import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";
import { TPH_REQUESTER } from "./tph-requester.ts";

test("TPH Requester has its steering tags where it says so (PCIe 6.0 §7.9.13)", () => {
  const { values, sizeBytes } = decodeInstance(TPH_REQUESTER, [0x0002_0307, 0x101, 0xbbaa_0201, 0x04]);
  assert.deepEqual(values, {
    noStModeSupported: true,
    interruptVectorModeSupported: true,
    deviceSpecificModeSupported: true,
    extendedTphRequesterSupported: true,
    stTableLocation: "tph-capability",
    stTableEntries: 3,
    stModeSelect: "interrupt-vector",
    tphRequesterEnable: "tph",
    steeringTags: [
      { stLower: 0x01, stUpper: 0x02 },
      { stLower: 0xaa, stUpper: 0xbb },
      { stLower: 0x04, stUpper: 0 },
    ],
  });
  assert.equal(sizeBytes, 0x0c + 6);
});

test("TPH Requester has no tags of its own where the table is in MSI-X or nowhere", () => {
  assert.equal(decodeDwords(TPH_REQUESTER, [0x07ff_0401]).stTableLocation, "msi-x-table");
  assert.equal("steeringTags" in decodeDwords(TPH_REQUESTER, [0x07ff_0401]), false);
  assert.deepEqual(decodeDwords(TPH_REQUESTER, [0x0600]).stTableLocation, { kind: "unknown", id: 3 });
});

test("TPH Requester has 64 tags at the most (PCIe 6.0 §7.9.13.2)", () => {
  const { steeringTags } = decodeDwords(TPH_REQUESTER, [0x07ff_0201]);
  assert.equal((steeringTags as unknown[]).length, 64);
});
