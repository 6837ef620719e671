import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Operation, OperationEvent, OperationFailure } from "../host/apply/operation.ts";
import type { Step } from "../host/plan/step.ts";
import { bdf } from "../pci/bdf.ts";
import { operationEnd, renderOperation, renderOperations } from "./render-operation.ts";

const PF = bdf("0000:01:00.0");
const STEPS: readonly Step[] = [
  { kind: "setDriversAutoprobe", pf: PF, from: true, to: false },
  { kind: "setNumVfs", pf: PF, from: 0, to: 2 },
  { kind: "bindDriver", pf: PF, vfIndex: 1, from: null, fromOverride: null, to: "vfio-pci" },
];
const FAILURE: OperationFailure = {
  code: "VFL-0322",
  message: "0000:01:00.0: the VFs reach beyond the bus",
  remedy: "ask for fewer VFs",
  errno: "ENOMEM",
  target: "sriov_numvfs",
  value: "2",
  log: ["igb 0000:01:00.0: can't enable 2 VFs (bus 03 out of range of [bus 01-02])"],
};

function operation(
  state: Operation["state"],
  events: readonly OperationEvent[] = [],
  parts: Partial<Operation> = {},
): Operation {
  return {
    format: 1,
    number: 12,
    kind: "apply",
    title: "policy a",
    startedAt: "2026-11-01T10:00:00.000Z",
    pid: 77,
    bootId: null,
    pfs: [{ bdf: PF, key: "slot 0000:00/01.0/00.0" }],
    desired: [],
    before: [],
    steps: STEPS,
    state,
    events,
    failure: null,
    endedAt: "2026-11-01T10:00:02.500Z",
    ...parts,
  };
}

const at = "2026-11-01T10:00:01.250Z";

describe("operations for a person", () => {
  test("the newest first, each with how long it took", () => {
    const lines = renderOperations([operation("settled"), operation("undone", [], { number: 13, endedAt: null })]);
    assert.match(lines[1] ?? "", /^13 {2}undone {3}2026-11-01 10:00:00 {2}- +apply policy a$/);
    assert.match(lines[2] ?? "", /^12 {2}settled {2}2026-11-01 10:00:00 {2}2\.5 s +apply policy a$/);
    assert.deepEqual(renderOperations([]), ["No operations yet."]);
  });

  test("one that settled: each step old -> new, what was read back, the kernel's words", () => {
    const lines = renderOperation(
      operation("settled", [
        { event: "stepBegun", at, step: 1 },
        { event: "stepDone", at, step: 1, tookMs: 312, evidence: "sriov_numvfs reads 2", log: ["2 VFs allocated"] },
        { event: "stepDone", at, step: 2, tookMs: 20, evidence: "it has the driver vfio-pci", log: [] },
        { event: "ended", at, state: "settled" },
      ]),
    );
    assert.deepEqual(lines, [
      "operation 12  settled  apply policy a",
      "  from 2026-11-01T10:00:00.000Z to 2026-11-01T10:00:02.500Z, process 77",
      "  0000:01:00.0, known by its slot 0000:00/01.0/00.0",
      "",
      "10:00:01.250  ✔ numVfs 0 -> 2",
      "                sriov_numvfs reads 2 (310 ms)",
      "                kernel: 2 VFs allocated",
      "10:00:01.250  ✔ VF 1 driver none -> vfio-pci",
      "                it has the driver vfio-pci (20 ms)",
      "10:00:01.250    settled",
    ]);
  });

  test("one that was undone: kernel, cause, remedy, and the steps back by their own numbers", () => {
    const back: readonly Step[] = [{ kind: "setNumVfs", pf: PF, from: 2, to: 0 }];
    const lines = renderOperation(
      operation(
        "undone",
        [
          { event: "stepFailed", at, step: 1, failure: FAILURE },
          { event: "undoBegun", at, why: FAILURE.message, steps: back },
          { event: "stepDone", at, step: 0, tookMs: 1000, evidence: "sriov_numvfs reads 0", log: [] },
          { event: "ended", at, state: "undone", failure: FAILURE },
        ],
        { failure: FAILURE },
      ),
    );
    const text = lines.join("\n");
    assert.match(
      text,
      /✖ numVfs 0 -> 2\n {2}kernel {6}igb .*\n {2}cause {7}.*\(VFL-0322\)\n {2}remedy {6}ask for fewer VFs\n/,
    );
    assert.match(text, /↺ going back: .*\n10:00:01\.250 {2}✔ numVfs 2 -> 0\n/);
  });

  test("several PFs: each step says whose it is", () => {
    const other = bdf("0000:02:00.0");
    const steps: readonly Step[] = [{ kind: "resetVf", pf: other, vfIndex: 3 }];
    const events: readonly OperationEvent[] = [{ event: "stepDone", at, step: 0, tookMs: 5, evidence: "x", log: [] }];
    const pfs = [PF, other].map((each) => ({ bdf: each, key: "k" }));
    assert.ok(
      renderOperation(operation("settled", events, { steps, pfs })).includes(
        "10:00:01.250  ✔ 0000:02:00.0  VF 3 reset",
      ),
    );
  });

  test("the end says what is true, and the way out where there is one to take", () => {
    assert.match(
      operationEnd(operation("settled")).join("\n"),
      /^✔ verified by reading back {3}operation 12: vfleet operations show 12$/,
    );
    assert.match(operationEnd(operation("undone")).join("\n"), /^↺ undone: all is as it was before/);
    assert.match(
      operationEnd(operation("stuck", [], { failure: FAILURE })).join("\n"),
      /stuck[\s\S]*cause[\s\S]*then {8}vfleet recover --stuck$/,
    );
    assert.match(operationEnd(operation("applying")).join("\n"), /^not ended [\s\S]*then {8}vfleet recover$/);
    assert.match(operationEnd(operation("overtaken")).join("\n"), /rebooted/);
    // A step that had failed before the reboot is not why it ended so.
    assert.doesNotMatch(operationEnd(operation("overtaken", [], { failure: FAILURE })).join("\n"), /cause/);
    const failure = { ...FAILURE, code: "VFL-0313", message: "operation 13 has changed it since" };
    assert.match(
      operationEnd(operation("overtaken", [], { failure })).join("\n"),
      /^overtaken by what has come since {3}operation 12[\s\S]*cause {7}operation 13 has changed it since \(VFL-0313\)/,
    );
  });
});
