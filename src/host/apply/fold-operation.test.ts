import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bdf } from "../../pci/bdf.ts";
import { foldOperation, ImpossibleEvent } from "./fold-operation.ts";
import type { OperationEvent, OperationFailure, OperationHeader } from "./operation.ts";

const PF = bdf("0000:01:00.0");
const AT = "2026-01-02T03:04:05.000Z";
const FAILURE: OperationFailure = {
  code: "VFL-0301",
  message: "first",
  remedy: "r",
  errno: "EIO",
  target: null,
  value: null,
  log: [],
};
const HEADER: OperationHeader = {
  format: 1,
  number: 1,
  kind: "apply",
  title: "t",
  startedAt: AT,
  pid: 1,
  bootId: null,
  pfs: [],
  desired: [],
  before: [],
  steps: [
    { kind: "setNumVfs", pf: PF, from: 0, to: 1 },
    { kind: "awaitVfs", pf: PF, count: 1 },
  ],
};

const begun = (step: number): OperationEvent => ({ at: AT, event: "stepBegun", step });
const done = (step: number): OperationEvent => ({ at: AT, event: "stepDone", step, tookMs: 1, evidence: "e", log: [] });
const failed = (step: number, message = "first"): OperationEvent => ({
  at: AT,
  event: "stepFailed",
  step,
  failure: { ...FAILURE, message },
});
const undo = (count = 1): OperationEvent => ({
  at: AT,
  event: "undoBegun",
  why: "w",
  steps: HEADER.steps.slice(0, count),
});
const resumed: OperationEvent = { at: AT, event: "resumed", pid: 2, found: "f" };
const ended = (state: "settled" | "undone" | "stuck" | "overtaken"): OperationEvent => ({
  at: AT,
  event: "ended",
  state,
});

function stateAfter(...events: OperationEvent[]): string {
  return foldOperation(HEADER, events).state;
}

test("an operation is applied, or goes back, and ends once", () => {
  assert.equal(stateAfter(), "applying");
  assert.equal(stateAfter(begun(0), done(0), begun(1), done(1), ended("settled")), "settled");
  assert.equal(stateAfter(begun(0), failed(0), undo()), "undoing");
  assert.equal(stateAfter(begun(0), failed(0), undo(), begun(0), done(0), ended("undone")), "undone");
  assert.equal(stateAfter(begun(0), resumed, undo(0), ended("undone")), "undone");
  assert.equal(stateAfter(begun(0), done(0), undo(), begun(0), resumed, undo(), begun(0), ended("stuck")), "stuck");
  assert.equal(stateAfter(undo(), ended("stuck"), resumed), "undoing");
  assert.equal(stateAfter(ended("stuck"), resumed), "applying");
});

test("what it went back for is not hidden by what failed on the way back", () => {
  const operation = foldOperation(HEADER, [begun(0), failed(0), undo(), begun(0), failed(0, "second")]);
  assert.equal(operation.failure?.message, "first");
});

for (const [what, ...events] of [
  ["a step ends that had not begun", done(0)],
  ["a step begins twice", begun(0), begun(0)],
  ["a step ends twice", begun(0), done(0), failed(0)],
  ["a step that there is not", begun(2)],
  ["a step of before the undo", begun(1), undo(), done(1)],
  ["undone, and never went back", ended("undone")],
  ["after the end", ended("settled"), begun(0)],
  ["it ends twice", ended("settled"), ended("settled")],
  ["resumed after its end", ended("settled"), resumed],
  ["goes back after it was stuck, without anybody resuming it", ended("stuck"), undo()],
] as const) {
  test(`impossible: ${what}`, () => {
    assert.throws(() => stateAfter(...events), ImpossibleEvent);
  });
}

test("every sequence is folded or rejected, and once ended nothing but a resumption of a stuck one follows", () => {
  const event = fc.oneof(
    ...[begun, done, failed].map((make) => fc.integer({ min: -1, max: 2 }).map((step) => make(step))),
    fc.integer({ min: 0, max: 2 }).map(undo),
    fc.constant(resumed),
    fc.constantFrom("settled" as const, "undone" as const, "stuck" as const, "overtaken" as const).map(ended),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), event, (events, next) => {
      let before: string;
      try {
        before = stateAfter(...events);
      } catch (error) {
        assert.ok(error instanceof ImpossibleEvent);
        assert.throws(() => stateAfter(...events, next), ImpossibleEvent);
        return;
      }
      if (before === "applying" || before === "undoing") return;
      if (before === "stuck" && next.event === "resumed") return;
      assert.throws(() => stateAfter(...events, next), ImpossibleEvent);
    }),
    { numRuns: 2000 },
  );
});
