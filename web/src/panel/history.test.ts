import assert from "node:assert/strict";
import { test } from "node:test";
import type { Step } from "../../../src/host/plan/step.ts";
import { bdf } from "../../../src/pci/bdf.ts";
import type { OperationObject } from "../api/objects.ts";
import { operationsOf, stepsOfVf } from "./history.ts";

const PF = bdf("0000:01:00.0");

function words(vfIndex: number, ...steps: readonly Step[]): readonly string[] {
  return stepsOfVf({ steps }, PF, vfIndex);
}

test("stepsOfVf tells what was done to one VF of many", () => {
  const settings: Step = {
    kind: "setVfNetwork",
    pf: PF,
    changes: [
      { from: { trust: false }, to: { vfIndex: 3, trust: true } },
      { from: { spoofCheck: true }, to: { vfIndex: 4, spoofCheck: false } },
    ],
  };
  const reset: Step = { kind: "resetVf", pf: PF, vfIndex: 4 };
  assert.deepEqual(words(3, settings, reset), ["VF 3 trust off -> on"]);
  assert.deepEqual(words(4, settings, reset), ["VF 4 spoof check on -> off", "VF 4 reset"]);
  assert.deepEqual(words(5, settings, reset), []);
  assert.deepEqual(stepsOfVf({ steps: [reset] }, "0000:02:00.0", 4), []);
});

test("stepsOfVf has a number of VFs where the VF is made or taken away by it", () => {
  const made = (from: number, to: number): Step => ({ kind: "setNumVfs", pf: PF, from, to });
  assert.deepEqual(words(3, made(0, 4)), ["numVfs 0 -> 4"]);
  assert.deepEqual(words(4, made(0, 4)), []);
  assert.deepEqual(words(3, made(4, 0)), ["numVfs 4 -> 0"]);
  assert.deepEqual(words(0, { kind: "loadModule", module: "vfio-pci" }), []);
});

test("operationsOf has those of the PF, the newest first", () => {
  const operation = (number: number, pfs: string[]): OperationObject => ({
    apiVersion: "vfleet.dev/v1alpha1",
    kind: "Operation",
    metadata: { name: String(number), host: "here", resourceVersion: "1" },
    status: {
      ...{ number, kind: "apply", title: "", state: "settled", startedAt: "", endedAt: "", pfs },
      ...{ steps: 0, stepsDone: 0, current: null, failure: null },
    },
  });
  const all = [operation(2, [PF]), operation(9, ["0000:02:00.0"]), operation(10, ["0000:02:00.0", PF])];
  assert.deepEqual(
    operationsOf(all, PF).map(({ status }) => status.number),
    [10, 2],
  );
});
