import assert from "node:assert/strict";
import { test } from "node:test";
import { lanePaths, widthOfRate } from "./lane-paths.ts";
import { layoutMachine } from "./layout.ts";
import { machineRates } from "./machine-rates.ts";
import { bigMachine, threePfs } from "./testing/machines.ts";
import type { Rate } from "./traffic.ts";

const VIEW = { width: 1240, height: 480 };
const rate = (rxBitsPerS: number, rxDropsPerS = 0): Rate => ({
  rxBitsPerS,
  txBitsPerS: 0,
  rxFramesPerS: 0,
  txFramesPerS: 0,
  rxDropsPerS,
  txDropsPerS: 0,
});

test("few lanes are drawn one by one, each as wide as its own traffic", () => {
  const lanes = lanePaths(layoutMachine(threePfs(), VIEW), (name) => (name.endsWith("vf1") ? rate(1e6) : undefined));
  assert.deepEqual(lanes.map(({ key, rate: own }) => [key, own?.rxBitsPerS]).sort(), [
    ["0000:03:00.0-vf0", undefined],
    ["0000:03:00.0-vf1", 1e6],
    ["0000:03:00.0-vf2", undefined],
  ]);
});

test("many lanes are one from each PF to each guest, which has the sum of their traffic", () => {
  const layout = layoutMachine(bigMachine(), VIEW);
  const lanes = lanePaths(layout, () => rate(1000));
  assert.ok(lanes.length <= 16 * 40);
  assert.equal(
    lanes.reduce((sum, each) => sum + each.lanes.length, 0),
    layout.lanes.length,
  );
  for (const each of lanes) assert.equal(each.rate?.rxBitsPerS, 1000 * each.lanes.length);
});

test("a lane without traffic has no width, little has a pixel, and more is wider", () => {
  assert.equal(widthOfRate(undefined), 0);
  assert.equal(widthOfRate(null), 0);
  assert.equal(widthOfRate(0), 0);
  assert.equal(widthOfRate(3), 1);
  assert.ok(widthOfRate(1e9) > widthOfRate(1e8));
  assert.equal(widthOfRate(1e15), 6);
});

test("rates are summed for who has the VFs, and those that drop are named", () => {
  const rates = machineRates(threePfs(), (name) =>
    name.endsWith("vf0") ? rate(5, 2) : name.endsWith("vf2") ? rate(7) : undefined,
  );
  assert.equal(rates.ofHolder("model:web")?.rxBitsPerS, 12);
  assert.equal(rates.ofHolder("model:db"), undefined);
  assert.deepEqual([...rates.dropping], ["0000:03:00.0-vf0", "0000:04:00.0-vf0"]);
});
