import assert from "node:assert/strict";
import { test } from "node:test";
import type { PfAddress } from "../../../src/host/pf-address.ts";
import type { Step } from "../../../src/host/plan/step.ts";
import { type PlanAnswer, planDifference } from "./plan-answer.ts";

const PF = "0000:01:00.0" as PfAddress;

function answer(steps: readonly Step[]): PlanAnswer {
  const pf = { pf: PF, refusals: [], warnings: [], steps, resetsAllVfs: false, affected: [], expectedMs: 0 };
  return {
    id: "1",
    kind: "apply",
    title: "",
    verdict: "changes",
    plan: { desired: [], pfs: [pf], refusals: [] },
    expiresAt: "2026-01-01T00:00:00Z",
  };
}

test("the difference of two plans is told in the words of the plan", () => {
  const mtu = { kind: "setPfMtu", pf: PF, netdev: "eth0", from: 1500, to: 9000 } as const;
  const before = answer([{ kind: "setNumVfs", pf: PF, from: 0, to: 7 }, mtu]);
  const now = answer([{ kind: "setNumVfs", pf: PF, from: 0, to: 4 }, mtu]);
  assert.deepEqual(planDifference(before, now), {
    gone: ["0000:01:00.0  numVfs 0 -> 7"],
    come: ["0000:01:00.0  numVfs 0 -> 4"],
  });
});

test("plans that are alike have no difference", () => {
  const plan = answer([{ kind: "setNumVfs", pf: PF, from: 0, to: 7 }]);
  assert.deepEqual(planDifference(plan, plan), { gone: [], come: [] });
});
