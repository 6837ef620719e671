import assert from "node:assert/strict";
import { test } from "node:test";
import { phaseSpans } from "./migration-timeline.ts";

const times = (phases: Parameters<typeof phaseSpans>[0]["phases"]) => ({
  phases,
  downtimeMs: null,
  withoutVfMs: null,
  withoutTrafficMs: null,
  traffic: null,
});

test("a phase lasts until the next one, the last until the end", () => {
  const spans = phaseSpans(
    times([
      { phase: "prepared", atMs: 100 },
      { phase: "moving", atMs: 200 },
      { phase: "moved", atMs: 800 },
    ]),
    1000,
    true,
  );
  assert.deepEqual(
    spans.map(({ lastsMs, from, share }) => [lastsMs, from, share]),
    [
      [100, 0.1, 0.1],
      [600, 0.2, 0.6],
      [200, 0.8, 0.2],
    ],
  );
});

test("how long the phase lasts that goes on is not known", () => {
  const [span] = phaseSpans(times([{ phase: "moving", atMs: 50 }]), 100, false);
  assert.equal(span?.lastsMs, null);
});

test("without phases there is no line", () => {
  assert.deepEqual(phaseSpans(times([]), 0, false), []);
});
