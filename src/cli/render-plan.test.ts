import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DesiredPf } from "../host/desired/desired-pf.ts";
import { planHost } from "../host/plan/plan-host.ts";
import { planReset } from "../host/plan/plan-reset.ts";
import type { HostState } from "../host/state/host-state.ts";
import { hostState, netdev, usedBy, vfioUser } from "../host/state/testing/host-state-builder.ts";
import { bdf } from "../pci/bdf.ts";
import { planSummary, renderPlan } from "./render-plan.ts";

const PF = bdf("0000:01:00.0");
const OTHER = bdf("0000:02:00.0");

function wanted(parts: Partial<DesiredPf>): DesiredPf {
  return { pf: PF, wantedBy: ["policy tenant-net"], onShrink: "refuse", vfs: [], ...parts };
}

function told(state: HostState, ...desired: readonly DesiredPf[]): string[] {
  const plan = planHost({ state, desired });
  return [...renderPlan(plan, state), planSummary(plan)];
}

describe("a plan for a person", () => {
  test("PF by PF, old -> new, what it takes and how long", () => {
    const vfs = [0, 1, 2].map((vfIndex) => ({ vfIndex, network: { vlan: 100 } }));
    assert.deepEqual(told(hostState(), wanted({ numVfs: 3, vfs })), [
      "0000:01:00.0  Intel 82576 Gigabit Network Connection (eth01000)  policy tenant-net",
      "  numVfs        0 -> 3",
      "  VF 0-2        driver default, vlan 100",
      "  time          about 730 ms",
      "8 steps on 1 PF, about 730 ms",
    ]);
  });

  test("refused: first of all who would lose what, and what to do instead", () => {
    const state = hostState([
      { vfs: [{ users: usedBy(vfioUser({ pid: 4121, command: "qemu-system-x86" })) }, {}, {}] },
    ]);
    const lines = told(state, wanted({ numVfs: 2 }));
    assert.match(lines[1] ?? "", /^ {2}refused {7}VFL-0211 {2}1 VF is in use and would be lost$/);
    assert.equal(lines[2], "                  VF 0  process 4121 has /dev/vfio/20 open");
    assert.match(lines[3] ?? "", /^ {2}instead {7}\S/);
    assert.equal(lines.at(-1), "refused: nothing was changed");
  });

  test("PFs that are refused come before those that are not", () => {
    const state = hostState([{}, { bdf: "0000:02:00.0" }]);
    const lines = told(state, wanted({ numVfs: 2 }), wanted({ pf: OTHER, numVfs: 99 }));
    const places = [OTHER, PF].map((pf) => lines.findIndex((line) => line.startsWith(pf)));
    assert.equal(places[0], 0);
    assert.ok((places[1] ?? -1) > 0);
  });

  test("making VFs anew says that all of them go", () => {
    const lines = told(hostState([{ vfs: 4 }]), wanted({ numVfs: 6 }));
    assert.ok(lines.includes("  numVfs        4 -> 6   takes every VF of this PF away, and makes them anew"));
    const none = told(hostState([{ vfs: 4 }]), wanted({ numVfs: 0 }));
    assert.ok(none.includes("  numVfs        4 -> 0   takes every VF of this PF away"));
  });

  test("who notices is named with what shows it", () => {
    const state = hostState([{ vfs: [{ users: usedBy(vfioUser()) }], driver: "igb" }]);
    const lines = told(state, wanted({ vfs: [{ vfIndex: 0, network: { vlan: 7 } }] }));
    assert.ok(lines.includes("  VF 0          vlan none -> 7"));
    assert.ok(
      lines.some((line) => /^ {2}notices {7}VF 0: its vlan changes; process 4242 has/.test(line)),
      lines.join("\n"),
    );
  });

  test("the same refusal of many VFs is one", () => {
    const others = [{ bdf: bdf("0000:01:00.1"), driver: "igb" }];
    const state = hostState([
      { vfs: [0, 1, 2].map(() => ({ driver: null, netdevs: [], groupOthers: others, iommuGroup: 5 })) },
    ]);
    const vfs = [0, 1, 2].map((vfIndex) => ({ vfIndex, driver: "vfio-pci" }));
    const lines = told(state, wanted({ vfs })).filter((line) => line.includes("VFL-0214"));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /VFL-0214 {2}VF 0-2 shares IOMMU group 5 with 0000:01:00\.1/);
  });

  test("a PF without steps is not called as wished where something is refused, nor is a fact told twice", () => {
    const state = hostState();
    const refusal = { code: "VFL-0203", summary: "9 VFs are wanted, and it offers 7", remedy: "ask for 7" };
    const evidence = [{ fact: "it offers 7" }, { fact: "sriov_totalvfs is 7" }];
    const plan = planHost({ state, desired: [wanted({})], refusals: [{ ...refusal, evidence }] });
    assert.deepEqual(renderPlan(plan, state), [
      "  refused       VFL-0203  9 VFs are wanted, and it offers 7",
      "                  sriov_totalvfs is 7",
      "  instead       ask for 7",
    ]);
  });

  test("a settled host is one line, whatever the number of PFs", () => {
    const state = hostState([{}, { bdf: "0000:02:00.0" }]);
    assert.deepEqual(told(state, wanted({ numVfs: 0 }), wanted({ pf: OTHER, numVfs: 0 })), [
      "nothing to do: all is as wished",
    ]);
    assert.ok(
      told(state, wanted({ numVfs: 1 }), wanted({ pf: OTHER, numVfs: 0 })).includes("1 PF is as wished already"),
    );
    assert.deepEqual(told(state), ["nothing is wanted"]);
  });

  test("a link that is brought up and waited for is one line", () => {
    const state = hostState([{ netdevs: [netdev("eth0", undefined, { up: false, carrier: null })] }]);
    const vfs = [{ vfIndex: 0, network: { maxTxRateMbps: 500 } }];
    const lines = told(state, wanted({ numVfs: 1, up: true, vfs })).filter((line) => line.startsWith("  link"));
    assert.deepEqual(lines, ["  link          down -> up   eth0"]);
  });

  test("a reset says what is scrubbed, and that the driver comes back", () => {
    const state = hostState([{ vfs: [{ settings: { vlan: 100, trust: true } }] }]);
    const plan = planReset(state, [{ pf: PF, vfIndexes: [0] }]);
    assert.match(
      renderPlan(plan, state)[1] ?? "",
      /^ {2}VF 0 {10}driver igbvf bound anew, reset, vlan 100 -> none, trust on -> off$/,
    );
  });
});
