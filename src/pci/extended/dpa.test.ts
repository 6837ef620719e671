import assert from "node:assert/strict";
import { test } from "node:test";
import { extendedCapability } from "../testing/config-builder.ts";
import { DPA } from "./dpa.ts";

test("DPA gives each substate its power and its latency", () => {
  // PCIe 6.0 §7.9.12.2: 3 substates, unit 10 ms, scale 0.1 W, latency values 2 and 5; substate 1 has the second one.
  const { values, sizeBytes } = extendedCapability(DPA, [0x0502_2102, 0x2, 0x0001_0101, 0x0064_96fa]);
  assert.equal(values.substateMax, 2);
  assert.equal(values.transitionLatencyUnitMs, 10);
  assert.equal(values.substateStatus, 1);
  assert.equal(values.substateControlEnabled, true);
  assert.equal(values.substateControl, 1);
  assert.deepEqual(values.substates, [
    { powerAllocation: 250, powerMilliwatts: 25_000, transitionLatencyMs: 20 },
    { powerAllocation: 150, powerMilliwatts: 15_000, transitionLatencyMs: 50 },
    { powerAllocation: 100, powerMilliwatts: 10_000, transitionLatencyMs: 20 },
  ]);
  assert.equal(sizeBytes, 0x13);
});

test("DPA computes nothing from a reserved unit or from registers that were not read", () => {
  const { values } = extendedCapability(DPA, [0x0502_2300, 0, 0, 1]);
  assert.deepEqual(values.transitionLatencyUnitMs, { kind: "unknown", id: 3 });
  assert.equal((values.substates as { transitionLatencyMs: unknown }[])[0]?.transitionLatencyMs, null);
  assert.equal("substates" in extendedCapability(DPA, [0], { readBytes: 0x104 }).values, false);
  const cut = extendedCapability(DPA, [0x0502_2101], { readBytes: 0x108 }).values.substates;
  assert.deepEqual(cut, [
    { powerAllocation: null, powerMilliwatts: null, transitionLatencyMs: null },
    { powerAllocation: null, powerMilliwatts: null, transitionLatencyMs: null },
  ]);
});
