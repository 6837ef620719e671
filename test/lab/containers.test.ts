/**
 * VFs of a real kernel's card given to containers, and taken back, by vfleet's own commands and its CNI plugin. What
 * guest/containers.ts recorded in the machine is judged here.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { requireTool } from "../require-tool.ts";
import { type Guest, RecordedCommands } from "./recorded-commands.ts";
import { runInMachine } from "./run-in-machine.ts";

/** Patience with a busy host, and until other lab machines have ended. */
const MACHINE_MS = 900_000;
const TIMEOUT_MS = 1_500_000;

interface Cni {
  readonly stage: string;
  readonly status: number;
  readonly output: Readonly<Record<string, unknown>> | null;
  /** The VF as the PF shows it (ip(8)). */
  readonly info: {
    readonly address: string;
    readonly vlan_list: readonly { readonly vlan?: number; readonly qos?: number }[];
    readonly rate: { readonly max_tx: number };
    readonly spoofchk: boolean;
  };
  readonly inside: { readonly address: string; readonly flags: readonly string[] } | null;
  /** Interfaces of the VF in the host's namespace. */
  readonly host: readonly string[];
}

describe("VFs given to containers inside a lab machine", { skip: requireTool("lab"), timeout: TIMEOUT_MS }, () => {
  let said: RecordedCommands;
  before(
    async () => {
      said = new RecordedCommands(await runInMachine("containers.ts", "igb", MACHINE_MS));
    },
    { timeout: TIMEOUT_MS },
  );

  function cni(stage: string): Cni {
    const found = said.records<Cni>("cni").find((each) => each.stage === stage);
    assert.ok(found, stage);
    return found;
  }

  test("a namespace gets a VF's interface, keeps it while it has it, and gives it back", () => {
    said.done("netns-attach");
    const [seen] = said.records<{ links: string; guests: readonly Guest[] }>("netns");
    assert.match(seen?.links ?? "", /^eth\d+ /m);
    const blue = seen?.guests.find(({ name }) => name === "blue");
    assert.deepEqual(
      blue?.devices.map(({ bdf }) => bdf),
      ["0000:01:10.4"],
    );
    said.refused("netns-refused", /VFL-0211/);
    said.done("netns-detach");
    assert.equal(said.records<{ names: readonly string[] }>("netns-back")[0]?.names.length, 1);
  });

  test("a container gets a VF by CNI, with its settings at the PF; another one does not get it as well", () => {
    const added = cni("add-one");
    assert.equal(added.status, 0, JSON.stringify(added.output));
    const link = {
      name: "net1",
      mac: "02:00:00:00:00:21",
      sandbox: "/run/netns/one",
      mtu: 1500,
      pciID: "0000:01:10.4",
    };
    assert.deepEqual(added.output?.interfaces, [link]);
    assert.deepEqual(added.info.vlan_list, [{ vlan: 100, qos: 3 }]);
    assert.deepEqual(
      [added.info.address, added.info.rate.max_tx, added.info.spoofchk],
      ["02:00:00:00:00:21", 500, true],
    );
    assert.equal(added.inside?.address, "02:00:00:00:00:21");
    assert.deepEqual(added.host, []);
    const taken = cni("taken");
    assert.deepEqual([taken.status, taken.output?.code], [1, 11]);
    assert.match(String(taken.output?.msg), /0000:01:10\.4 is in use: net1 of container one/);
    assert.equal(cni("check").status, 0);
  });

  test("VLANs keep containers apart; CHECK tells which setting was changed", () => {
    const frames = said.records<{ of: string; got: string }>("frame");
    const got = (of: string) => frames.find((each) => each.of === of)?.got;
    assert.equal(got("one VLAN"), "frame");
    assert.equal(got("two VLANs"), "nothing");
    const changed = cni("check-changed");
    assert.deepEqual([changed.status, changed.output?.code], [1, 101]);
    assert.match(String(changed.output?.details), /vlan is 200, and was set to 100/);
  });

  test("DEL puts a VF back as it was, whatever the container called it; GC does it for a container that is gone with its runtime", () => {
    const before = said.done("apply").vfs;
    for (const [stage, index] of [["del-one", 2] as const, ["gc", 3] as const]) {
      const after = cni(stage);
      assert.equal(after.status, 0, JSON.stringify(after.output));
      assert.equal(after.host.length, 1);
      assert.deepEqual(after.info.vlan_list, [{}]);
      assert.equal(after.info.rate.max_tx, 0);
      assert.notEqual(after.info.address, "02:00:00:00:00:21");
      assert.equal(before[index]?.driver, "igbvf");
    }
  });

  test("a VF on vfio-pci is the container's before a program in it has it open, and not another's", () => {
    const held = cni("vfio-held");
    assert.equal(held.output?.code, 11);
    assert.match(JSON.stringify(held.output), /0000:01:10\.4 is in use.*open in another program/);
    const added = cni("vfio-add");
    assert.equal(added.status, 0, JSON.stringify(added.output));
    const [link] = (added.output?.interfaces ?? []) as readonly { readonly mac: string }[];
    assert.deepEqual([link?.mac, added.info.address, added.inside], ["02:00:00:00:00:21", "02:00:00:00:00:21", null]);
    said.refused("vfio-refused", /VFL-0211.*in use.*\n.*container three \(\/run\/netns\/three\) has it by CNI/);
    assert.equal(cni("vfio-del").status, 0);
    assert.equal(said.done("vfio-back").vfs[2]?.driver, "igbvf");
  });

  test("says what QEMU's card does not do", (context) => {
    const spoofed = said.records<{ of: string; got: string }>("frame").find(({ of }) => of.includes("not the VF's"));
    // QEMU's igb has no anti-spoofing (DTXSWC.MACAS); the model's 82576 drops such a frame (src/hardware/nic).
    context.diagnostic(`a frame with another's source address, spoof check on: ${spoofed?.got}`);
  });
});
