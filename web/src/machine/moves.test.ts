import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutMachine } from "./layout.ts";
import { nextStop, stopsOf } from "./moves.ts";
import { bigMachine, threePfs } from "./testing/machines.ts";

const LAYOUT = layoutMachine(threePfs(), { width: 1240, height: 480 });
const STOPS = stopsOf(LAYOUT);

function walk(from: string, ...keys: readonly string[]): string | undefined {
  return keys.reduce<string | undefined>((at, key) => {
    const stop = at === undefined ? undefined : STOPS.get(at);
    return stop && nextStop(LAYOUT, stop, key);
  }, from);
}

test("right and left go from a PF through its VFs, over empty places", () => {
  assert.equal(walk("0000:04:00.0", "ArrowRight"), "0000:04:00.0-vf0");
  assert.equal(walk("0000:04:00.0-vf1", "ArrowRight"), "0000:04:00.0-vf5");
  assert.equal(walk("0000:04:00.0-vf5", "ArrowLeft", "ArrowLeft", "ArrowLeft"), "0000:04:00.0");
});

test("right of the last VF is who has it, or the first guest; left of a guest its first VF", () => {
  assert.equal(walk("0000:04:00.0-vf5", "ArrowRight"), "model:web");
  assert.equal(walk("model:db", "ArrowLeft"), "0000:03:00.0-vf1");
  assert.equal(walk("model:idle", "ArrowLeft"), "0000:03:00.0");
});

test("down and up go to the same column of the next bar, or to what is nearest", () => {
  assert.equal(walk("0000:03:00.0-vf5", "ArrowDown"), "0000:04:00.0-vf5");
  assert.equal(walk("0000:03:00.0-vf3", "ArrowDown"), "0000:04:00.0-vf5");
  assert.equal(walk("0000:04:00.0-vf1", "ArrowDown"), "0000:0a:00.0");
  assert.equal(walk("0000:04:00.0-vf1", "ArrowUp"), "0000:03:00.0-vf1");
});

test("left of a PF are the ports that lead to it", () => {
  assert.equal(walk("0000:04:00.0", "ArrowLeft"), "0000:02:01.0");
  assert.equal(walk("0000:04:00.0", "ArrowLeft", "ArrowUp", "ArrowLeft"), "0000:01:00.0");
  assert.equal(walk("0000:01:00.0", "ArrowRight", "ArrowRight"), "0000:03:00.0");
  assert.equal(walk("0000:0a:00.0", "ArrowLeft"), undefined);
});

test("Home, End and the pages", () => {
  assert.equal(walk("0000:03:00.0-vf3", "End"), "0000:03:00.0-vf6");
  assert.equal(walk("0000:03:00.0-vf3", "Home"), "0000:03:00.0-vf0");
  assert.equal(walk("0000:03:00.0-vf3", "PageDown"), "0000:04:00.0");
  assert.equal(walk("0000:03:00.0", "ArrowUp"), undefined);
});

test("by arrows every VF of 4,096 is reached", () => {
  const layout = layoutMachine(bigMachine(), { width: 1240, height: 480 });
  const stops = stopsOf(layout);
  const reached = new Set<string>();
  const open = [layout.bars[0]?.bar.pf.metadata.name ?? ""];
  while (open.length > 0) {
    const name = open.pop() ?? "";
    const stop = stops.get(name);
    if (stop === undefined || reached.has(name)) continue;
    reached.add(name);
    for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) {
      const next = nextStop(layout, stop, key);
      if (next !== undefined) open.push(next);
    }
  }
  assert.equal(reached.size, stops.size);
});
