import assert from "node:assert/strict";
import { test } from "node:test";
import { planMachine } from "./machine-plan.ts";
import { machineRates } from "./machine-rates.ts";
import { summarize } from "./machine-summary.ts";
import { threePfs } from "./testing/machines.ts";
import { pfObject, pfPreflight, vfObject } from "./testing/objects.ts";

const silent = () => undefined;

test("a summary counts states, what can be made, and who uses what", () => {
  const plan = threePfs();
  const { problems, counts, canBeMade, users } = summarize(plan, undefined, [], machineRates(plan, silent));
  assert.deepEqual(problems, []);
  assert.deepEqual(counts, { free: 7, configured: 0, "in use": 3, unclear: 0 });
  assert.equal(canBeMade, 8);
  assert.deepEqual(users, [
    { label: "model:web", vfs: 2 },
    { label: "model:db", vfs: 1 },
  ]);
});

test("what is wrong with many is one problem, which is found at the first of them", () => {
  const vfs = [0, 1, 2].map((index) => vfObject("0000:01:00.0", index, { notLookedAt: ["processes: EACCES"] }));
  const plan = planMachine([pfObject("0000:01:00.0", { unknown: { numVfs: "EIO" } })], vfs, [], []);
  assert.deepEqual(summarize(plan, undefined, [], machineRates(plan, silent)).problems, [
    { at: "0000:01:00.0", words: "0000:01:00.0: numVfs was not read: EIO" },
    { at: "0000:01:00.0-vf0", words: "3 VFs: not looked at: processes: EACCES" },
  ]);
});

test("a PF whose VFs the preflight refuses is a problem, with the reason; a warning is none", () => {
  const refused = pfPreflight("0000:01:00.0", "refuse", "no address space for VF BAR 3");
  const warned = pfPreflight("0000:02:00.0", "warn", "no IOMMU is on");
  const pfs = [pfObject("0000:01:00.0", {}), pfObject("0000:02:00.0", {})];
  const plan = planMachine(pfs, [], [], [], new Map([refused, warned].map((each) => [each.bdf, each])));
  const { problems, canBeMade } = summarize(plan, undefined, [], machineRates(plan, silent));
  assert.deepEqual(problems, [
    { at: "0000:01:00.0", words: "0000:01:00.0: VFs are refused: no address space for VF BAR 3" },
  ]);
  assert.equal(canBeMade, 7, "of the other alone");
});
