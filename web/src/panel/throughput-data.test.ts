import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rate } from "../machine/traffic.ts";
import { mostOf, plotData } from "./throughput-data.ts";

const NONE: Rate = {
  rxBitsPerS: null,
  txBitsPerS: null,
  rxFramesPerS: null,
  txFramesPerS: null,
  rxDropsPerS: null,
  txDropsPerS: null,
};

test("plotData has seconds, then each rate; what is unknown is a gap", () => {
  const samples = [
    { atMs: 1000, rate: null },
    { atMs: 6000, rate: { ...NONE, rxBitsPerS: 8 } },
  ];
  assert.deepEqual(plotData(samples, ["rxBitsPerS", "txBitsPerS"]), [
    [1, 6],
    [null, 8],
    [null, null],
  ]);
  assert.equal(mostOf(samples, "rxBitsPerS"), 8);
  assert.equal(mostOf(samples, "txBitsPerS"), undefined);
});
