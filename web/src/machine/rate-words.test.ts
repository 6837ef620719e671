import assert from "node:assert/strict";
import { test } from "node:test";
import { bitRate, frameRate } from "./rate-words.ts";

test("bitRate shows three digits that count, of each size", () => {
  const words = [0, 0.01, 0.5, 7, 999, 999.6, 1000, 1234, 12_345, 123_456, 999_499, 999_600, 25e9, 400e9].map(bitRate);
  assert.deepEqual(words, [
    "0 bit/s",
    "under 0.1 bit/s",
    "0.5 bit/s",
    "7 bit/s",
    "999 bit/s",
    "1.00 kbit/s",
    "1.00 kbit/s",
    "1.23 kbit/s",
    "12.3 kbit/s",
    "123 kbit/s",
    "999 kbit/s",
    "1.00 Mbit/s",
    "25.0 Gbit/s",
    "400 Gbit/s",
  ]);
});

test("frameRate says of what is not counted that it is unknown", () => {
  assert.equal(frameRate(null), "unknown");
  assert.equal(frameRate(81_274), "81.3 kframes/s");
});
