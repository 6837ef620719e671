import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBytes } from "./testing/capability-bytes.ts";
import { VITAL_PRODUCT_DATA } from "./vital-product-data.ts";

test("Vital Product Data shows its window", () => {
  assert.deepEqual(decodeBytes(VITAL_PRODUCT_DATA, "1080 820b0041").values, {
    vpdAddress: 0x10,
    vpdFlag: true,
    vpdData: 0x4100_0b82,
  });
});
