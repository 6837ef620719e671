/**
 * Policies on a real kernel, from a wish to VFs and back, by vfleet's own commands (guest/provision.ts). What became of the
 * host is judged by what `ip`, lspci, nvme and sysfs say there.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { applyPlan } from "../../src/host/apply/apply-plan.ts";
import { systemClock } from "../../src/host/apply/clock.ts";
import type { Planning } from "../../src/host/apply/planning.ts";
import { desiredOf } from "../../src/host/desired/desired-of.ts";
import { readPolicies } from "../../src/host/desired/read-documents.ts";
import { resolveDesired } from "../../src/host/desired/resolve-desired.ts";
import type { Plan } from "../../src/host/plan/plan.ts";
import { planHost } from "../../src/host/plan/plan-host.ts";
import { runPreflights } from "../../src/host/plan/run-preflights.ts";
import type { HostState } from "../../src/host/state/host-state.ts";
import { observeHost } from "../../src/host/state/observe-host.ts";
import { openModel } from "../../src/kernel/model/model-kernel.ts";
import { labModel } from "../../src/kernel/model/testing/lab-models.ts";
import { isUnread } from "../../src/kernel/port.ts";
import type { BootResult } from "../../src/lab/boot.ts";
import { openOperationStore } from "../../src/state/operation-store.ts";
import { openLocks } from "../../src/state/pf-locks.ts";
import { ROOT } from "../dumps.ts";
import { requireTool } from "../require-tool.ts";
import { runInMachine } from "./run-in-machine.ts";

/** Patience with a busy host, and until other lab machines have ended. */
const MACHINE_MS = 1_500_000;
const TIMEOUT_MS = 2_400_000;
const PF = "0000:01:00.0";
const OTHER_PORT = "0000:01:00.1";
const NVME = "0000:02:00.0";
const VIRTIO = "0000:03:00.0";
/** As guest/provision.ts writes it. */
const MACHINE_ID = "5ca1ab1e0ddba11c0ffee0facade0001";

interface Netdev {
  readonly ifindex: number;
  readonly mac: string;
  readonly txPackets: number;
}

interface Vf {
  readonly bdf: string;
  readonly driver: string | null;
  readonly group: string;
  readonly netdevs: readonly Netdev[];
}

/** As `ip -json -details link show` has it. */
interface Settings {
  readonly vf: number;
  readonly address: string;
  readonly vlan_list: readonly { readonly vlan?: number; readonly qos?: number }[];
  readonly rate: { readonly max_tx: number };
  readonly spoofchk: boolean;
  readonly trust: boolean;
}

interface Host {
  readonly stage: string;
  readonly pfs: readonly {
    readonly pf: string;
    readonly autoprobe: string;
    readonly settings: readonly Settings[];
    readonly vfs: readonly Vf[];
  }[];
  readonly secondaries: { readonly "secondary-controllers": readonly Readonly<Record<string, number>>[] };
  readonly functions: number;
}

interface Command {
  readonly stage: string;
  readonly command: string;
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe("policies in a lab machine", { skip: requireTool("lab"), timeout: TIMEOUT_MS }, () => {
  let result: BootResult;
  before(
    async () => {
      result = await runInMachine("provision.ts", "igb-nvme", MACHINE_MS);
    },
    { timeout: TIMEOUT_MS },
  );

  function records<T>(kind: string): T[] {
    return result.records.filter((record) => record.kind === kind) as unknown as T[];
  }
  function host(stage: string): Host {
    const found = records<Host>("host").find((each) => each.stage === stage);
    assert.ok(found, stage);
    return found;
  }
  function pfAt(stage: string, pf: string): Host["pfs"][number] {
    const found = host(stage).pfs.find((each) => each.pf === pf);
    assert.ok(found, pf);
    return found;
  }
  function command(stage: string): Command {
    const found = records<Command>("command").find((each) => each.stage === stage);
    assert.ok(found, stage);
    return found;
  }
  function assertExit(stage: string, status: number): void {
    const { status: got, stdout, stderr } = command(stage);
    assert.equal(got, status, `${stage}: ${stderr}${stdout}`);
  }
  const drivers = (stage: string, pf: string) => pfAt(stage, pf).vfs.map(({ driver }) => driver);
  const vlans = (stage: string, pf: string) => pfAt(stage, pf).settings.map((vf) => vf.vlan_list[0]?.vlan ?? 0);
  /** Without what goes on of itself. */
  const still = ({ stage: _, ...facts }: Host) =>
    JSON.parse(JSON.stringify(facts, (key, value) => (key === "txPackets" ? undefined : value)));

  test("plan writes nothing", () => {
    assertExit("plan", 0);
    assert.deepEqual(still(host("plan")), still(host("start")));
  });

  test("apply: seven VFs, two pools, with drivers and settings, seen by ip, lspci and sysfs", () => {
    assertExit("apply", 0);
    assert.equal(host("apply").functions, host("start").functions + 7);
    assert.deepEqual(drivers("apply", PF), [...Array(4).fill("vfio-pci"), ...Array(3).fill("igbvf")]);
    assert.deepEqual(vlans("apply", PF), [100, 100, 100, 100, 200, 200, 200]);
    const { settings, vfs, autoprobe } = pfAt("apply", PF);
    assert.equal(autoprobe, "1");
    assert.deepEqual(
      settings.map(({ rate }) => rate.max_tx),
      [500, 500, 500, 500, 0, 0, 0],
    );
    assert.deepEqual(
      settings.map((vf) => vf.vlan_list[0]?.qos ?? 0),
      [0, 0, 0, 0, 3, 3, 3],
    );
    assert.equal(new Set(settings.map(({ address }) => address)).size, 7);
    // An administered address that a driver saw when it came: locally administered, and the interface's own.
    for (const { address } of settings) assert.equal(Number.parseInt(address.slice(0, 2), 16) & 3, 2);
    for (const index of [4, 5, 6]) assert.equal(vfs[index]?.netdevs[0]?.mac, settings[index]?.address);
    assert.equal(new Set(vfs.map(({ group }) => group)).size, 7);
  });

  test("the same policy on the model: the same plan, and the same end", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "vfleet-same-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const { plan, state } = await onModel(folder);
    const steps = (pfs: Plan["pfs"]) => JSON.parse(JSON.stringify(pfs.flatMap((pf) => pf.steps)), withoutNames);
    const { plan: there } = JSON.parse(command("plan").stdout) as { plan: Plan };
    assert.deepEqual(steps(plan.pfs), steps(there.pfs));
    const [pf] = state.pfs;
    const { settings, vfs } = pfAt("apply", PF);
    assert.deepEqual(
      pf?.vfs.map(({ bdf: address, driver }) => [address, driver]),
      vfs.map(({ bdf: address, driver }) => [address, driver]),
    );
    assert.deepEqual(
      pf?.vfs.map(({ settings: told }) => {
        assert.ok(told && !isUnread(told));
        return [told.mac, told.vlan, told.qos ?? 0, told.maxTxRateMbps, told.spoofCheck, told.trust];
      }),
      settings.map(({ address, vlan_list: [vlan], rate, spoofchk, trust }) => [
        address,
        vlan?.vlan ?? 0,
        vlan?.qos ?? 0,
        rate.max_tx,
        spoofchk,
        trust,
      ]),
    );
  });

  test("a settled host: nothing to do", () => {
    assertExit("settled", 0);
    assert.match(command("settled").stdout, /nothing to do/);
  });

  test("one VF changes, and the others' interfaces, addresses and counters stay", () => {
    assertExit("set", 0);
    assert.deepEqual(vlans("set", PF), [100, 100, 100, 100, 300, 200, 200]);
    const [then, now] = [pfAt("before-set", PF), pfAt("set", PF)];
    for (const [index, vf] of now.vfs.entries()) {
      assert.equal(vf.driver, then.vfs[index]?.driver);
      assert.deepEqual(
        vf.netdevs.map(({ ifindex, mac }) => [ifindex, mac]),
        then.vfs[index]?.netdevs.map(({ ifindex, mac }) => [ifindex, mac]),
      );
    }
    const sent = (vfs: readonly Vf[]) => vfs[5]?.netdevs[0]?.txPackets ?? Number.NaN;
    assert.ok(sent(then.vfs) > 0 && sent(now.vfs) >= sent(then.vfs));
  });

  test("drift is found, and mended", () => {
    assertExit("drift", 4);
    assertExit("again", 0);
    assert.deepEqual(vlans("again", PF), vlans("apply", PF));
  });

  test("a VF that a process has open is not taken: shrinking and reset are refused, and nothing changes", () => {
    const { pid } = records<{ pid: number }>("holder")[0] ?? {};
    for (const stage of ["refused", "reset-refused"]) {
      assertExit(stage, 3);
      assert.match(command(stage).stdout, new RegExp(`"code": "VFL-0211"[^]*process ${pid}\\b`));
      assert.deepEqual(still(host(stage)), still(host("again")));
    }
  });

  test("reset: by FLR, scrubbed, with the driver that it had", () => {
    assertExit("reset", 0);
    assert.match(command("reset").stdout, /was reset by flr/);
    const { settings, vfs } = pfAt("reset", PF);
    assert.equal(vfs[1]?.driver, "vfio-pci");
    const [scrubbed, neighbour] = [settings[1], settings[2]];
    assert.deepEqual([scrubbed?.vlan_list[0]?.vlan ?? 0, scrubbed?.rate.max_tx], [0, 0]);
    assert.equal(scrubbed?.address, "00:00:00:00:00:00");
    assert.deepEqual(neighbour, pfAt("again", PF).settings[2]);
  });

  test("bind: one VF to another driver", () => {
    assertExit("bind", 0);
    assert.deepEqual(drivers("bind", PF), ["vfio-pci", "igbvf", "vfio-pci", "vfio-pci", "igbvf", "igbvf", "igbvf"]);
  });

  test("fewer VFs, once nobody uses them", () => {
    assertExit("three", 0);
    assert.deepEqual(drivers("three", PF), [null, null, null]);
    assert.deepEqual(vlans("three", PF), [7, 7, 7]);
  });

  test("two ports at once, with a claim over both", () => {
    assertExit("two-ports", 0);
    for (const pf of [PF, OTHER_PORT]) {
      assert.deepEqual(drivers("two-ports", pf), Array(3).fill("vfio-pci"));
      assert.equal(vlans("two-ports", pf)[0], 30);
    }
  });

  test("NVMe: secondary controllers with resources, online, and driven", () => {
    assertExit("nvme", 0);
    assert.deepEqual(drivers("nvme", NVME), ["nvme", "nvme"]);
    const told = host("nvme").secondaries["secondary-controllers"].map((each) => [
      each["secondary-controller-state"],
      each["num-virtual-queues"],
      each["num-virtual-interrupts"],
    ]);
    assert.deepEqual(told, [
      [1, 2, 2],
      [1, 2, 2],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test("virtio-net: all that it offers", () => {
    assertExit("virtio", 0);
    assert.deepEqual(drivers("virtio", VIRTIO), Array(3).fill("virtio-pci"));
  });

  test("netdevsim: every setting that there is, as ip reads it", () => {
    assertExit("netdevsim", 0);
    const [{ settings = [] } = {}] = records<{ settings: readonly Readonly<Record<string, unknown>>[] }>("simulated");
    assert.deepEqual(
      settings.map(({ vlan_list, rate, spoofchk, link_state, trust, query_rss_en }) => [
        vlan_list,
        rate,
        spoofchk,
        link_state,
        trust,
        query_rss_en,
      ]),
      [
        [[{ vlan: 100, qos: 3 }], { max_tx: 500, min_tx: 50 }, true, "auto", false, false],
        [[{ vlan: 100, qos: 3 }], { max_tx: 500, min_tx: 50 }, true, "auto", false, false],
        [[{ vlan: 200, protocol: "802.1ad" }], { max_tx: 0, min_tx: 0 }, false, "enable", true, true],
        [[{}], { max_tx: 0, min_tx: 0 }, false, "disable", false, false],
      ],
    );
    assert.equal(settings[3]?.address, "02:00:00:00:00:33");
  });

  test("a claim keeps its VFs until it is released: then they are scrubbed", () => {
    assertExit("claimed", 3);
    assert.match(command("claimed").stdout, /the claim web-bond has it/);
    assert.match(command("claimed").stdout, /the claim is released first, by: vfleet release --claim web-bond/);
    assertExit("claim", 0);
    for (const pf of [PF, OTHER_PORT]) {
      assert.equal(vlans("claim", pf)[0], 0);
      assert.deepEqual(drivers("claim", pf), drivers("claimed", pf));
    }
  });

  test("release: no VFs anywhere, as at the start", () => {
    assertExit("status", 0);
    assertExit("release", 0);
    assert.deepEqual(still(host("release")), still(host("start")));
  });

  test("killed in the middle: recovery leaves it as before or as wished, and says which", () => {
    const kills = records<{ afterMs: number; exitCode: number | null }>("killed");
    assert.equal(kills.length, 3);
    for (const { afterMs } of kills) {
      const stage = `recover-${afterMs}`;
      assertExit(stage, 0);
      const { operations } = JSON.parse(command(stage).stdout) as { operations: readonly { state: string }[] };
      const [operation, ...more] = operations;
      assert.equal(more.length, 0);
      // One that was killed before it had begun, or after its end, needs no recovery.
      const wished = vlans(stage, PF).join() === vlans("apply", PF).join();
      if (operation) assert.equal(operation.state, wished ? "settled" : "undone");
      if (wished) assert.deepEqual(drivers(stage, PF), drivers("apply", PF));
      else assert.deepEqual(still(host(stage)), still(host("release")));
      assertExit(`release-${afterMs}`, 0);
    }
  });

  test("every operation that was begun has an end", () => {
    assertExit("operations", 0);
    const { operations } = JSON.parse(command("operations").stdout) as { operations: readonly { state: string }[] };
    assert.ok(operations.length >= 9);
    for (const { state } of operations) assert.ok(state === "settled" || state === "undone", state);
  });
});

/** Interfaces may have other names there. */
function withoutNames(key: string, value: unknown): unknown {
  return key === "netdev" ? undefined : value;
}

/** examples/policies/igb-two-pools.yaml on the model of the lab's machine. */
async function onModel(folder: string): Promise<{ readonly plan: Plan; readonly state: HostState }> {
  const description = labModel("igb-nvme");
  assert.ok(description);
  const kernel = await openModel({ ...description, host: { machineId: MACHINE_ID, bootId: "of-the-model" } }, "model");
  for (const module of ["igb", "nvme", "virtio_net"]) await kernel.loadModule(module);
  const text = readFileSync(join(ROOT, "examples/policies/igb-two-pools.yaml"), "utf8");
  const documents = readPolicies([{ label: "igb-two-pools.yaml", text }]);
  const planning: Planning = {
    observe: () => observeHost(kernel),
    plan: async (state, desired) =>
      planHost({ state, desired, preflights: await runPreflights(kernel, state, desired) }),
    desiredOf,
  };
  const state = await planning.observe();
  const { desired } = resolveDesired({
    documents,
    state,
    claims: [],
    random: (count) => new Uint8Array(count),
    now: new Date(0),
  });
  const plan = await planning.plan(state, desired);
  const operation = await applyPlan({
    kernel,
    planning,
    plan,
    store: openOperationStore(join(folder, "operations")),
    locks: openLocks(join(folder, "locks")),
    clock: systemClock,
    pid: process.pid,
    kind: "apply",
    title: "the same",
  });
  assert.equal(operation.state, "settled");
  return { plan, state: await planning.observe() };
}
