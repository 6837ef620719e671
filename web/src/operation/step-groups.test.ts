import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OperationEvent } from "../../../src/host/apply/operation.ts";
import type { PfAddress } from "../../../src/host/pf-address.ts";
import type { Step } from "../../../src/host/plan/step.ts";
import { coursesOf } from "./step-groups.ts";

const PF = "0000:01:00.0" as PfAddress;
const bind = (vfIndex: number): Step => ({
  kind: "bindDriver",
  pf: PF,
  vfIndex,
  from: null,
  fromOverride: null,
  to: "vfio-pci",
});
const STEPS: readonly Step[] = [
  { kind: "setDriversAutoprobe", pf: PF, from: true, to: false },
  { kind: "setNumVfs", pf: PF, from: 0, to: 2 },
  { kind: "awaitVfs", pf: PF, count: 2 },
  bind(0),
  bind(1),
];
const at = "2026-01-01T00:00:00.000Z";
const begun = (step: number): OperationEvent => ({ at, event: "stepBegun", step });
const done = (step: number, evidence = ""): OperationEvent => ({
  at,
  event: "stepDone",
  step,
  tookMs: 10,
  evidence,
  log: [],
});
const failure = {
  code: "VFL-0305",
  message: "no",
  remedy: "",
  errno: "EBUSY",
  target: null,
  value: null,
  log: [],
};
const inShort = (events: readonly OperationEvent[]) =>
  coursesOf({ steps: STEPS, events }).map(({ back, groups }) => [
    back,
    ...groups.map(({ name, state, count }) => `${name}: ${state} ${count}`),
  ]);

describe("steps by what they are to a person", () => {
  test("before the first of them all wait", () => {
    assert.deepEqual(inShort([]), [[null, "VFs created: waiting 0 of 2", "vfio-pci: waiting 0 of 2"]]);
  });

  test("are counted where they are done one by one", () => {
    const events = [begun(0), done(0), begun(1), done(1), begun(2), done(2), begun(3), done(3), begun(4)];
    assert.deepEqual(inShort(events), [[null, "VFs created: done 2 of 2", "vfio-pci: doing 1 of 2"]]);
  });

  test("what was read back is told where it is of all of them", () => {
    const events = [
      begun(1),
      done(1, "numVfs 2"),
      begun(2),
      done(2, "2 VFs"),
      begun(3),
      done(3, "VF 0"),
      begun(4),
      done(4, "VF 1"),
    ];
    const [course] = coursesOf({ steps: STEPS, events });
    assert.deepEqual(
      course?.groups.map(({ evidence, tookMs }) => [evidence, tookMs]),
      [
        ["2 VFs", 20],
        ["", 20],
      ],
    );
  });

  test("one that failed is shown where it is, and the way back by its own steps", () => {
    const back: Step[] = [{ kind: "setNumVfs", pf: PF, from: 2, to: 0 }];
    const events: OperationEvent[] = [
      begun(1),
      { at, event: "stepFailed", step: 1, failure },
      { at, event: "undoBegun", why: "no", steps: back },
      begun(0),
    ];
    assert.deepEqual(inShort(events), [
      [null, "VFs created: failed 0 of 2", "vfio-pci: waiting 0 of 2"],
      ["no", "VFs taken away: doing 0 of 2"],
    ]);
  });
});
