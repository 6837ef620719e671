import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { desiredOf } from "../desired/desired-of.ts";
import type { DesiredPf, DesiredVf, DesiredVfNetwork, DriverWish } from "../desired/desired-pf.ts";
import type { HostState, PfState } from "../state/host-state.ts";
import { hostState, netdev, pfState, usedBy, vfioUser } from "../state/testing/host-state-builder.ts";
import { isRefused, isSettled, type Plan } from "./plan.ts";
import { planHost } from "./plan-host.ts";
import type { Step } from "./step.ts";
import { afterSteps } from "./testing/simulate-steps.ts";

const MOST_VFS = 7;
const RUNS = { numRuns: 2000 };

const mac = fc.integer({ min: 1, max: 0xffff }).map((number) => {
  const digits = number.toString(16).padStart(4, "0");
  return `02:00:00:00:${digits.slice(0, 2)}:${digits.slice(2)}`;
});

const settings = fc.record({
  mac,
  vlan: fc.integer({ min: 0, max: 4094 }),
  qos: fc.integer({ min: 0, max: 7 }),
  maxTxRateMbps: fc.constantFrom(0, 100, 500),
  spoofCheck: fc.boolean(),
  trust: fc.boolean(),
});

/** What VFs of an igb may be like. */
const vfParts = fc.record({
  settings,
  bound: fc.constantFrom("igbvf", "vfio-pci", null),
  used: fc.boolean(),
});

function pfArbitrary(canBeUsed: boolean): fc.Arbitrary<PfState> {
  return fc
    .record({ vfs: fc.array(vfParts, { maxLength: MOST_VFS }), autoprobe: fc.boolean(), up: fc.boolean() })
    .map(({ vfs, autoprobe, up }) =>
      pfState({
        driversAutoprobe: autoprobe,
        netdevs: [netdev("eth0", "00:1b:21:00:00:01", { up, carrier: up ? true : null })],
        vfs: vfs.map(({ settings: told, bound, used }) => ({
          settings: told,
          driver: bound,
          driverOverride: bound === "vfio-pci" ? bound : null,
          ...(bound === "igbvf" ? {} : { netdevs: [] }),
          ...(canBeUsed && used ? { users: usedBy(vfioUser()) } : {}),
        })),
      }),
    );
}

const wish: fc.Arbitrary<DriverWish> = fc.constantFrom("default", "none", "vfio", "vfio-pci");

const desiredVf = fc.record(
  { driver: wish, network: fc.record({ ...settingsOf() }, { requiredKeys: [] }) },
  { requiredKeys: [] },
);

function settingsOf(): {
  [Name in "mac" | "vlan" | "qos" | "maxTxRateMbps" | "spoofCheck" | "trust"]: fc.Arbitrary<
    NonNullable<DesiredVfNetwork[Name]>
  >;
} {
  return {
    mac,
    vlan: fc.integer({ min: 0, max: 4094 }),
    qos: fc.integer({ min: 0, max: 7 }),
    maxTxRateMbps: fc.constantFrom(0, 100, 500),
    spoofCheck: fc.boolean(),
    trust: fc.boolean(),
  };
}

/** What may be wanted of the PF: some of its VFs, with a number of its own or as many as there are. */
function desiredFor(pf: PfState): fc.Arbitrary<DesiredPf> {
  return fc
    .record({
      numVfs: fc.option(fc.integer({ min: 0, max: MOST_VFS }), { nil: undefined }),
      vfs: fc.array(fc.option(desiredVf, { nil: undefined }), { minLength: MOST_VFS, maxLength: MOST_VFS }),
    })
    .map(({ numVfs, vfs }) => {
      const count = numVfs ?? pf.vfs.length;
      const wanted = vfs
        .slice(0, count)
        .flatMap((vf, vfIndex): DesiredVf[] => (vf === undefined ? [] : [{ vfIndex, ...vf } as DesiredVf]));
      return {
        pf: pf.bdf,
        wantedBy: ["test"],
        onShrink: "refuse",
        ...(numVfs === undefined ? {} : { numVfs }),
        vfs: wanted,
      };
    });
}

function scene(canBeUsed: boolean): fc.Arbitrary<{ state: HostState; desired: DesiredPf }> {
  return pfArbitrary(canBeUsed).chain((pf) =>
    desiredFor(pf).map((desired) => ({ state: { ...hostState([]), pfs: [pf] }, desired })),
  );
}

function stepsOf({ pfs }: Plan): readonly Step[] {
  return pfs.flatMap(({ steps }) => steps);
}

/** By what a user sees of it; an override that no driver goes by is nothing. */
function seen({ pfs }: HostState): unknown {
  return pfs.map(({ netdevs, numVfs, driversAutoprobe, vfs }) => ({
    netdevs,
    numVfs,
    driversAutoprobe,
    vfs: vfs.map(({ driver, settings: told }) => ({ driver, told })),
  }));
}

describe("plans", () => {
  test("toward what is there: nothing to do", () => {
    fc.assert(
      fc.property(pfArbitrary(true), (pf) => {
        const plan = planHost({ state: { ...hostState([]), pfs: [pf] }, desired: [desiredOf(pf)] });
        assert.ok(!isRefused(plan) && isSettled(plan), JSON.stringify(plan));
      }),
      RUNS,
    );
  });

  test("once done, leave nothing to do", () => {
    fc.assert(
      fc.property(scene(false), ({ state, desired }) => {
        const plan = planHost({ state, desired: [desired] });
        assert.ok(!isRefused(plan), JSON.stringify(plan.pfs[0]?.refusals));
        const then = planHost({ state: afterSteps(state, stepsOf(plan)), desired: [desired] });
        assert.deepEqual(stepsOf(then), []);
      }),
      RUNS,
    );
  });

  test("and the way back ends where it began", () => {
    fc.assert(
      fc.property(scene(false), ({ state, desired }) => {
        const [pf] = state.pfs;
        assert.ok(pf);
        const there = afterSteps(state, stepsOf(planHost({ state, desired: [desired] })));
        const back = planHost({ state: there, desired: [desiredOf(pf)] });
        assert.ok(!isRefused(back), JSON.stringify(back.pfs[0]?.refusals));
        assert.deepEqual(seen(afterSteps(there, stepsOf(back))), seen(state));
      }),
      RUNS,
    );
  });

  test("touch no VF that does not differ, and write no number that is so already", () => {
    fc.assert(
      fc.property(scene(false), ({ state, desired }) => {
        const [pf] = state.pfs;
        assert.ok(pf);
        const steps = stepsOf(planHost({ state, desired: [desired] }));
        const numbers = steps.flatMap((step) => (step.kind === "setNumVfs" ? [step] : []));
        for (const { from, to } of numbers) assert.notEqual(from, to);
        const remade = desired.numVfs !== undefined && desired.numVfs !== pf.vfs.length;
        assert.equal(numbers.length > 0, remade);
        if (remade) return;
        const wanted = new Set(desired.vfs.map(({ vfIndex }) => vfIndex));
        for (const step of steps) {
          const touched =
            step.kind === "setVfNetwork"
              ? step.changes.map(({ to }) => to.vfIndex)
              : "vfIndex" in step
                ? [step.vfIndex]
                : [];
          for (const vfIndex of touched) assert.ok(wanted.has(vfIndex), JSON.stringify(step));
        }
      }),
      RUNS,
    );
  });

  test("take no VF from its user: no number, no driver and no reset of one that is in use", () => {
    fc.assert(
      fc.property(scene(true), ({ state, desired }) => {
        const plan = planHost({ state, desired: [desired] });
        if (isRefused(plan)) return;
        const used = new Set(
          state.pfs.flatMap(({ vfs }) => vfs.filter((vf) => vf.users.users.length > 0).map(({ vfIndex }) => vfIndex)),
        );
        for (const step of stepsOf(plan)) {
          if (step.kind === "setNumVfs") assert.equal(used.size, 0);
          if (step.kind === "bindDriver" || step.kind === "resetVf") assert.ok(!used.has(step.vfIndex));
        }
      }),
      RUNS,
    );
  });
});
