import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ApplyProgress, NewEvent } from "../../host/apply/journal.ts";
import type { OperationEvent, OperationFailure } from "../../host/apply/operation.ts";
import type { Step } from "../../host/plan/step.ts";
import { bdf } from "../../pci/bdf.ts";
import { ProgressLines } from "./progress.ts";

const PF = bdf("0000:01:00.0");
const HEADER: ApplyProgress["header"] = {
  format: 1,
  number: 1,
  kind: "apply",
  title: "policy a",
  startedAt: "2026-11-01T10:00:00.000Z",
  pid: 1,
  bootId: null,
  pfs: [],
  desired: [],
  before: [],
  steps: [],
};
const MAKE: readonly Step[] = [
  { kind: "setDriversAutoprobe", pf: PF, from: true, to: false },
  { kind: "setNumVfs", pf: PF, from: 0, to: 16 },
  { kind: "awaitVfs", pf: PF, count: 16 },
  { kind: "bindDriver", pf: PF, vfIndex: 0, from: null, fromOverride: null, to: "vfio-pci" },
  { kind: "bindDriver", pf: PF, vfIndex: 1, from: null, fromOverride: null, to: "vfio-pci" },
];
const FAILURE: OperationFailure = {
  code: "VFL-0322",
  message: "the VFs reach beyond the bus",
  remedy: "ask for fewer",
  errno: "ENOMEM",
  target: null,
  value: null,
  log: ["can't enable 16 VFs"],
};

function show(terminal: boolean) {
  let text = "";
  const lines = new ProgressLines({ terminal, print: (more) => (text += more) });
  const tell = (steps: readonly Step[], event: NewEvent) =>
    lines.onEvent({
      kind: "event",
      header: HEADER,
      steps,
      event: { at: "2026-11-01T10:00:00.000Z", ...event } as OperationEvent,
    });
  const run = (steps: readonly Step[]) => {
    for (const step of steps.keys()) {
      tell(steps, { event: "stepBegun", step });
      tell(steps, { event: "stepDone", step, tookMs: 100, evidence: `evidence ${step}`, log: [] });
    }
  };
  return { lines, tell, run, text: () => text };
}

describe("how an operation goes on", () => {
  test("a pipe gets a plain line for each thing that is done, with how many and how long", () => {
    const { run, text } = show(false);
    run(MAKE);
    assert.deepEqual(text().split("\n"), [
      "✔ VFs created           16 of 16    200 ms  evidence 2",
      "✔ vfio-pci              2 of 2      200 ms",
      "",
    ]);
  });

  test("a terminal sees what is being done, and nothing of it stays", () => {
    const { run, text } = show(true);
    run(MAKE);
    assert.match(text(), /VFs created \.\.\./);
    const stays = text()
      .split("\n")
      .map((line) => line.split("\r\u001b[2K").at(-1));
    assert.deepEqual(
      stays.map((line) => line?.slice(0, 13)),
      ["✔ VFs created", "✔ vfio-pci   ", ""],
    );
  });

  test("a kernel that keeps one waiting is told on a terminal", () => {
    const { lines, text } = show(true);
    lines.onEvent({ kind: "waiting", header: HEADER, step: MAKE[1] as Step, target: "sriov_numvfs" });
    assert.match(text(), /waiting for the kernel: sriov_numvfs/);
  });

  test("a failure: how much was done, the kernel's words, cause and remedy, and what is undone", () => {
    const { tell, run, text } = show(false);
    tell(MAKE, { event: "stepFailed", step: 1, failure: FAILURE });
    const back: readonly Step[] = [{ kind: "setNumVfs", pf: PF, from: 16, to: 0 }];
    tell(back, { event: "undoBegun", why: FAILURE.message, steps: back });
    run(back);
    assert.deepEqual(text().split("\n"), [
      "✖ VFs created           0 of 16     ENOMEM",
      "  kernel      can't enable 16 VFs",
      "  cause       the VFs reach beyond the bus (VFL-0322)",
      "  remedy      ask for fewer",
      "  undoing     1 step",
      "↺ VFs taken away        16 of 16    100 ms  evidence 0",
      "",
    ]);
  });

  test("what goes back without a failed step says why, also where nothing had changed", () => {
    const { tell, text } = show(false);
    tell([], { event: "undoBegun", why: "the operation was interrupted", steps: [] });
    assert.equal(text(), "  cause       the operation was interrupted\n  undoing     nothing had changed\n");
  });

  test("of steps one by one, those before the failed one count", () => {
    const { tell, text } = show(false);
    tell(MAKE, { event: "stepDone", step: 3, tookMs: 5, evidence: "", log: [] });
    tell(MAKE, { event: "stepFailed", step: 4, failure: { ...FAILURE, log: [], errno: null, remedy: "" } });
    assert.match(text(), /^✖ vfio-pci {14}1 of 2 {6}VFL-0322\n/);
  });

  test("lines of several PFs say whose they are", () => {
    const { run, text } = show(false);
    run([1, 2].map((bus) => ({ kind: "setNumVfs", pf: bdf(`0000:0${bus}:00.0`), from: 0, to: 1 })));
    assert.match(text(), /^✔ 0000:01:00\.0 {2}VFs created .*\n✔ 0000:02:00\.0 {2}VFs created .*\n$/);
  });
});
