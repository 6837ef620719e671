import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { VirtualFunctionObject } from "../api/objects.ts";
import { type Rate, sumOfSamples, TrafficHistory } from "./traffic.ts";

const NONE = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0, rxDropped: 0, txDropped: null };
type Counters = NonNullable<VirtualFunctionObject["status"]["counters"]>;

/** A VF with these counters; null: its driver counts nothing. */
function vf(counters: Partial<Counters> | null, vfIndex = 0): VirtualFunctionObject {
  return {
    apiVersion: "vfleet.dev/v1alpha1",
    kind: "VirtualFunction",
    metadata: { name: `0000:01:00.0-vf${vfIndex}`, host: "here", resourceVersion: "1" },
    status: {
      pf: "0000:01:00.0",
      vfIndex,
      bdf: null,
      driver: null,
      netdevs: [],
      iommuGroup: null,
      settings: null,
      counters: counters && { by: "pf", ...NONE, ...counters },
      nvme: null,
      msixCount: null,
      guest: null,
      users: [],
      notLookedAt: [],
      unknown: {},
    },
  };
}

/** As the server looks at its host where it is told nothing else. */
const INTERVAL_MS = 5000;
const NAME = "0000:01:00.0-vf0";

/** A history that knows when this VF's counters were read: they had changed once. */
function historyFrom(counters: Partial<Counters>): TrafficHistory {
  const history = new TrafficHistory(INTERVAL_MS);
  history.add(vf({ ...counters, rxBytes: (counters.rxBytes ?? 0) - 1 }), -5000);
  history.add(vf(counters), 0);
  return history;
}

function bits(history: TrafficHistory, name = NAME): readonly (number | null | undefined)[] {
  return history.samplesOf(name).map(({ rate }) => rate?.rxBitsPerS);
}

test("TrafficHistory tells rates of what is counted, between two looks: how old the first counters were nobody knows", () => {
  const history = historyFrom({ rxBytes: 1000 });
  assert.equal(history.rateOf(NAME), undefined);
  history.add(vf({ rxBytes: 6000, txPackets: 50, rxDropped: 5 }), 5000);
  assert.deepEqual(history.rateOf(NAME), {
    rxBitsPerS: 8000,
    txBitsPerS: 0,
    rxFramesPerS: 0,
    txFramesPerS: 10,
    rxDropsPerS: 1,
    txDropsPerS: null,
  } satisfies Rate);
});

test("TrafficHistory knows nothing of a VF whose driver counts nothing, and nothing of one that it was not told of", () => {
  const history = new TrafficHistory(INTERVAL_MS);
  for (let atMs = 0; atMs < 60_000; atMs += 1000) history.add(vf(null), atMs);
  assert.equal(history.rateOf(NAME), undefined);
  assert.equal(history.rateOf("another"), undefined);
  assert.deepEqual(history.samplesOf("another"), []);
});

test("TrafficHistory gives no rate where counters have begun anew", () => {
  const history = new TrafficHistory(INTERVAL_MS);
  history.add(vf({ rxBytes: 9000 }), 0);
  history.add(vf({ rxBytes: 100 }), 5000);
  assert.equal(history.rateOf(NAME), undefined);
  history.add(vf({ rxBytes: 600 }), 10_000);
  assert.equal(history.rateOf(NAME)?.rxBitsPerS, 800);
});

test("TrafficHistory takes a VF that does not change between two looks for no news, and then for silence", () => {
  const history = new TrafficHistory(INTERVAL_MS);
  let bytes = 0;
  for (let atMs = 0; atMs <= 20_000; atMs += 1000) {
    if (atMs % 5000 === 0) bytes += 5000;
    history.add(vf({ rxBytes: bytes }), atMs);
  }
  assert.deepEqual(bits(history), [undefined, undefined, 8000, 8000, 8000]);
  for (let atMs = 21_000; atMs <= 29_000; atMs += 1000) history.add(vf({ rxBytes: bytes }), atMs);
  assert.equal(history.rateOf(NAME)?.rxBitsPerS, 8000, "a look may be late");
  for (let atMs = 30_000; atMs <= 60_000; atMs += 1000) history.add(vf({ rxBytes: bytes }), atMs);
  assert.equal(history.rateOf(NAME)?.rxBitsPerS, 0);
});

test("TrafficHistory takes no silence for one before two looks of a host that is seldom looked at", () => {
  const history = new TrafficHistory(60_000);
  history.add(vf({ rxBytes: 0 }), 0);
  history.add(vf({ rxBytes: 60_000 }), 60_000);
  history.add(vf({ rxBytes: 120_000 }), 120_000);
  for (let atMs = 121_000; atMs <= 240_000; atMs += 1000) history.add(vf({ rxBytes: 120_000 }), atMs);
  assert.equal(history.rateOf(NAME)?.rxBitsPerS, 8000);
  for (let atMs = 241_000; atMs <= 250_000; atMs += 1000) history.add(vf({ rxBytes: 120_000 }), atMs);
  assert.equal(history.rateOf(NAME)?.rxBitsPerS, 0);
});

test("TrafficHistory waits ten seconds for what is looked at each second, as a look may take some", () => {
  const history = new TrafficHistory(1000);
  for (const atMs of [0, 1000, 2000]) history.add(vf({ rxBytes: atMs }), atMs);
  for (let atMs = 3000; atMs <= 12_000; atMs += 1000) history.add(vf({ rxBytes: 2000 }), atMs);
  assert.equal(history.rateOf(NAME)?.rxBitsPerS, 8000);
  for (let atMs = 13_000; atMs <= 15_000; atMs += 1000) history.add(vf({ rxBytes: 2000 }), atMs);
  assert.equal(history.rateOf(NAME)?.rxBitsPerS, 0);
});

test("TrafficHistory learns of a look from another VF's counters, whichever comes first", () => {
  const history = new TrafficHistory(INTERVAL_MS);
  const tick = (atMs: number, a: number, b: number) => {
    history.add(vf({ rxBytes: a }, 0), atMs);
    history.add(vf({ rxBytes: b }, 1), atMs);
  };
  tick(0, 0, 0);
  // What comes of one look comes in two parts.
  tick(5000, 5000, 0);
  tick(5100, 5000, 5000);
  tick(10_000, 5000, 10_000);
  tick(11_000, 5000, 10_000);
  tick(15_000, 10_000, 15_000);
  assert.deepEqual(bits(history), [undefined, undefined, 0, 8000]);
  assert.deepEqual(bits(history, "0000:01:00.0-vf1"), [undefined, undefined, 8000, 8000]);
});

test("TrafficHistory keeps five minutes, and a long silence as one sample", () => {
  const history = new TrafficHistory(INTERVAL_MS);
  for (let atMs = 0; atMs <= 900_000; atMs += 5000) {
    history.add(vf({ rxBytes: atMs }, 0), atMs);
    history.add(vf({ rxBytes: 7 }, 1), atMs);
  }
  const samples = history.samplesOf(NAME);
  assert.equal(samples.length, 62);
  assert.ok(history.samplesOf("0000:01:00.0-vf1").length <= 3);
});

test("TrafficHistory has no negative rate, whatever counters do, and its bytes add up while they rise", () => {
  const steps = fc.array(fc.record({ bytes: fc.nat(1e9), waitMs: fc.integer({ min: 1500, max: 9000 }) }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(steps, fc.boolean(), (all, rises) => {
      const history = historyFrom({ rxBytes: 0 });
      let [atMs, bytes] = [0, 0];
      for (const step of all.slice(0, 20)) {
        atMs += step.waitMs;
        bytes = rises ? bytes + step.bytes + 1 : step.bytes;
        history.add(vf({ rxBytes: bytes }), atMs);
      }
      const samples = history.samplesOf(NAME);
      for (const { rate } of samples) assert.ok((rate?.rxBitsPerS ?? 0) >= 0);
      if (!rises) return;
      const sum = samples.reduce((total, { rate, atMs: to }, index) => {
        return total + ((rate?.rxBitsPerS ?? 0) * (to - (samples[index - 1]?.atMs ?? to))) / 8000;
      }, 0);
      assert.ok(Math.abs(sum - bytes) <= bytes * 1e-9 + 1e-3, `${sum} of ${bytes}`);
    }),
  );
});

test("TrafficHistory does not take what one has counted from what another has", () => {
  const history = new TrafficHistory(INTERVAL_MS);
  history.add(vf({ rxBytes: 100, by: "interface" }), 0);
  history.add(vf({ rxBytes: 9000, by: "guest" }), 5000);
  assert.equal(history.rateOf(NAME), undefined);
  history.add(vf({ rxBytes: 9500, by: "guest" }), 10_000);
  assert.equal(history.rateOf(NAME)?.rxBitsPerS, 800);
});

test("TrafficHistory takes a VF that comes again for another one", () => {
  const history = new TrafficHistory(INTERVAL_MS);
  history.add(vf({ rxBytes: 10 }), 0);
  history.keepOnly(new Set());
  history.add(vf({ rxBytes: 9000 }), 5000);
  assert.equal(history.rateOf(NAME), undefined);
});

test("sumOfSamples adds what VFs have at each time, also of one whose silence is one sample", () => {
  const history = new TrafficHistory(INTERVAL_MS);
  for (let atMs = 0; atMs <= 20_000; atMs += 5000) {
    history.add(vf({ rxBytes: atMs }, 0), atMs);
    history.add(vf({ rxBytes: atMs * 2 }, 1), atMs);
    history.add(vf({ rxBytes: 7 }, 2), atMs);
    history.add(vf(null, 3), atMs);
  }
  const all = [0, 1, 2, 3].map((index) => history.samplesOf(`0000:01:00.0-vf${index}`));
  assert.deepEqual(
    sumOfSamples(all).map(({ atMs, rate }) => [atMs, rate?.rxBitsPerS]),
    [
      [0, undefined],
      [5000, 0],
      [10_000, 24_000],
      [15_000, 24_000],
      [20_000, 24_000],
    ],
  );
  assert.deepEqual(sumOfSamples([]), []);
});
