import assert from "node:assert/strict";
import { test } from "node:test";
import { NULL_CAPABILITY } from "./null.ts";
import { decodeBytes } from "./testing/capability-bytes.ts";

test("Null is a header and nothing more", () => {
  assert.partialDeepStrictEqual(decodeBytes(NULL_CAPABILITY, "ffff ffffffff"), { values: {}, sizeBytes: 2 });
});
