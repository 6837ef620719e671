import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hostState, type PfParts } from "../state/testing/host-state-builder.ts";
import { planReset } from "./plan-reset.ts";
import type { StepOf } from "./step.ts";

/** What is set of the PF's only VF as it is reset, with what was there. */
function scrubbed(parts: PfParts) {
  const state = hostState([parts]);
  const [pf] = state.pfs;
  assert.ok(pf);
  const plan = planReset(state, [{ pf: pf.bdf, vfIndexes: [0] }]);
  const steps = plan.pfs.flatMap((each) => each.steps);
  return steps.find((step): step is StepOf<"setVfNetwork"> => step.kind === "setVfNetwork")?.changes[0];
}

describe("a VF that is reset", () => {
  test("has no RSS queries, and no priority without a VLAN", () => {
    const change = scrubbed({ driver: "ixgbe", vfs: [{ settings: { queryRss: true, qos: 3 } }] });
    assert.deepEqual(change, {
      from: { vlan: 0, queryRss: true },
      to: { vfIndex: 0, vlan: { id: 0, qos: 0, protocol: "802.1Q" }, queryRss: false },
    });
  });

  test("has its driver's own spoof check; where that is not known, one that was on stays, and one that was off is on", () => {
    const check = (driver: string, spoofCheck: boolean) =>
      scrubbed({ driver, vfs: [{ settings: { spoofCheck } }] })?.to.spoofCheck;
    assert.deepEqual([check("igb", false), check("igb", true)], [true, undefined]);
    assert.deepEqual([check("mlx5_core", false), check("mlx5_core", true)], [undefined, false]);
    assert.deepEqual([check("qede", false), check("qede", true)], [true, undefined]);
  });
});
