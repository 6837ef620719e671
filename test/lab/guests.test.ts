/**
 * VFs of a real kernel's card given to virtual machines and containers, and taken back, by vfleet's own commands and its CNI
 * plugin. What guest/guests.ts recorded in the machine is judged here.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { BootResult } from "../../src/lab/boot.ts";
import type { CommandResult, InnerStatus } from "../../src/lab/guest-channel.ts";
import { requireTool } from "../require-tool.ts";
import { runInMachine } from "./run-in-machine.ts";

/** Patience with a busy host, and until other lab machines have ended. */
const MACHINE_MS = 900_000;
const TIMEOUT_MS = 1_500_000;
/** Intel 82576 Virtual Function, and QEMU's NVMe, as data/pci.ids has them. */
const VF_ID = "8086:10CA";
const NVME_ID = "1B36:0010";

interface Command {
  readonly stage: string;
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly vfs: readonly { readonly bdf: string; readonly driver: string | null }[];
}

interface Guest {
  readonly name: string;
  readonly unreachable: string | null;
  readonly devices: readonly { readonly bdf: string; readonly byVfleet: boolean }[];
}

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

describe("VFs given to guests inside a lab machine", { skip: requireTool("lab"), timeout: TIMEOUT_MS }, () => {
  let result: BootResult;
  before(
    async () => {
      result = await runInMachine("guests.ts", "guests", MACHINE_MS);
    },
    { timeout: TIMEOUT_MS },
  );

  function records<T>(kind: string): T[] {
    return result.records.filter((record) => record.kind === kind) as unknown as T[];
  }
  function command(stage: string): Command {
    const found = records<Command>("command").find((each) => each.stage === stage);
    assert.ok(found, stage);
    return found;
  }
  function done(stage: string): Command {
    const found = command(stage);
    assert.equal(found.status, 0, `${stage}: ${found.stdout}${found.stderr}`);
    return found;
  }
  function refused(stage: string, words: RegExp): void {
    const found = command(stage);
    assert.equal(found.status, 3, `${stage}: ${found.stdout}`);
    assert.match(found.stdout + found.stderr, words);
  }
  function guests(stage: string): readonly Guest[] {
    return (JSON.parse(done(stage).stdout) as { guests: readonly Guest[] }).guests;
  }
  function inGuest(name: string): readonly InnerStatus[] {
    return records<{ guest: string; status: InnerStatus }>("in-guest").flatMap(({ guest, status }) =>
      guest === name ? [status] : [],
    );
  }
  function cni(stage: string): Cni {
    const found = records<Cni>("cni").find((each) => each.stage === stage);
    assert.ok(found, stage);
    return found;
  }
  function ping(of: string): CommandResult {
    const found = records<CommandResult & { of: string }>("ping").find((each) => each.of === of);
    assert.ok(found, of);
    return found;
  }

  test("QEMUs are found by their processes, and a guest that is not there by a near miss", () => {
    assert.deepEqual(
      guests("guests").map(({ name, devices, unreachable }) => ({ name, devices, unreachable })),
      [
        { name: "web", devices: [], unreachable: null },
        { name: "db", devices: [], unreachable: null },
      ],
    );
    refused("no-such-guest", /VFL-0224 there is no guest wbe\n.*did you mean web\?/);
  });

  test("claims get their VFs by hot-plug: the guest's own driver binds them, with the administered MAC address", () => {
    done("apply");
    done("attach-web");
    done("attach-db");
    const macs = new Set<string>();
    for (const name of ["web", "db"]) {
      const [first] = inGuest(name);
      const vf = first?.pciDevices.find(({ id }) => id === VF_ID);
      assert.equal(vf?.driver, "igbvf");
      const [netdev] = first?.netDevices ?? [];
      assert.ok(netdev?.carrier && netdev.bdf === vf?.bdf);
      macs.add(netdev.mac);
    }
    assert.equal(macs.size, 2);
    const [given] = guests("device-of-web").filter(({ name }) => name === "web");
    assert.ok(given);
    assert.equal(given.devices.length, 1);
    assert.ok(given.devices[0]?.byVfleet);
  });

  test("packets go between guest and PF, and between guests; a bulk arrives as it was sent", () => {
    for (const way of ["web -> pf", "web -> db"]) assert.match(ping(way).output, /2 packets received/);
    const [bulk] = records<{ kib: number; sent: CommandResult; received: CommandResult }>("bulk");
    assert.ok(bulk);
    const sum = /^[0-9a-f]{64}/m.exec(bulk.sent.output)?.[0];
    assert.ok(sum !== undefined);
    assert.ok(bulk.received.output.includes(sum), bulk.received.output);
  });

  test("who has a VF keeps it: nobody else opens it, and no command takes it away unasked", () => {
    assert.equal(records<{ errno: string }>("second-user")[0]?.errno, "EBUSY");
    refused("refused", /VFL-0211.*in use.*\n.*guest web: qemu-system-x86/);
    refused("given-twice", /VFL-0211/);
  });

  test("a VF is taken while packets flow, and the guest runs on without it; a claim keeps it for its guest", () => {
    const { vfs } = done("detach");
    assert.equal(vfs[1]?.driver, "vfio-pci");
    const [after] = records<{ flow: CommandResult; status: InnerStatus }>("detached");
    assert.match(after?.flow.output ?? "", /bytes from/);
    assert.deepEqual(
      after?.status.pciDevices.filter(({ id }) => id === VF_ID),
      [],
    );
    assert.deepEqual(after?.status.netDevices, []);
    refused("reattach-refused", /the claim web-nic has it/);
    done("attach-again");
  });

  test("drain: guests do without for a while, and have their VFs again, with the same addresses", () => {
    const { stdout } = done("drain");
    assert.match(stdout, /notices +VF 0: is taken from qemu:db for a while/);
    assert.match(stdout, /notices +VF 1: is taken from qemu:web for a while/);
    for (const name of ["web", "db"]) {
      const all = inGuest(name).map(({ netDevices }) => netDevices[0]?.mac);
      assert.ok(all.length >= 2);
      assert.equal(new Set(all).size, 1, `${name}: ${all.join(", ")}`);
    }
    assert.match(ping("web -> db after drain").output, /2 packets received/);
  });

  test("a guest that was killed has nothing any more; its VF is reset, scrubbed, and another's", () => {
    const released = JSON.parse(done("release").stdout) as { operation: { events: readonly { evidence?: string }[] } };
    assert.ok(released.operation.events.some(({ evidence }) => /was reset by flr/.test(evidence ?? "")));
    done("reattach");
    const [second] = inGuest("db").filter(({ netDevices }) => netDevices.length === 2);
    assert.equal(new Set(second?.netDevices.map(({ mac }) => mac)).size, 2);
    done("detach-second");
  });

  test("a VF whose PF is a guest's wants that guest's token: without it, and with another, it is given to nobody", () => {
    const missing = command("token-missing");
    assert.equal(missing.status, 3, missing.stdout + missing.stderr);
    assert.match(missing.stdout, /VFL-0407/);
    const wrong = command("token-wrong");
    assert.equal(wrong.status, 1, wrong.stdout + wrong.stderr);
    assert.match(wrong.stdout, /Incorrect VF token provided for device/, "the kernel's words");
    assert.match(wrong.stdout, /is not the one that the PF's user has set/);
    assert.match(wrong.stdout, /undone: all is as it was before/);
    done("token-right");
    assert.equal(records<{ holds: string }>("token-journal")[0]?.holds, "", "the token is in no record");
  });

  test("an NVMe VF is the guest's disk: it reads there what the host wrote", () => {
    done("nvme-apply");
    done("nvme-attach");
    const [disk] = records<{ status: InnerStatus; read: CommandResult }>("nvme");
    assert.ok(disk?.status.pciDevices.some(({ id, driver }) => id === NVME_ID && driver === "nvme"));
    assert.match(disk?.read.output ?? "", /written by the host, read by the guest/);
    done("nvme-detach");
    assert.deepEqual(
      guests("end").map(({ name, devices }) => [name, devices.length]),
      [
        ["db", 1],
        ["three", 0],
      ],
    );
  });

  test("a namespace gets a VF's interface, keeps it while it has it, and gives it back", () => {
    done("netns-attach");
    const [seen] = records<{ links: string; guests: readonly Guest[] }>("netns");
    assert.match(seen?.links ?? "", /^eth\d+ /m);
    const blue = seen?.guests.find(({ name }) => name === "blue");
    assert.deepEqual(
      blue?.devices.map(({ bdf }) => bdf),
      ["0000:01:10.4"],
    );
    refused("netns-refused", /VFL-0211/);
    done("netns-detach");
    assert.equal(records<{ names: readonly string[] }>("netns-back")[0]?.names.length, 1);
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
    const frames = records<{ of: string; got: string }>("frame");
    const got = (of: string) => frames.find((each) => each.of === of)?.got;
    assert.equal(got("one VLAN"), "frame");
    assert.equal(got("two VLANs"), "nothing");
    const changed = cni("check-changed");
    assert.deepEqual([changed.status, changed.output?.code], [1, 101]);
    assert.match(String(changed.output?.details), /vlan is 200, and was set to 100/);
  });

  test("DEL puts a VF back as it was; GC does it for a container that is gone with its runtime", () => {
    const before = done("apply").vfs;
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

  test("says how long it took, and what QEMU's card does not do", (context) => {
    const spoofed = records<{ of: string; got: string }>("frame").find(({ of }) => of.includes("not the VF's"));
    // QEMU's igb has no anti-spoofing (DTXSWC.MACAS); the model's 82576 drops such a frame (src/hardware/nic).
    context.diagnostic(`a frame with another's source address, spoof check on: ${spoofed?.got}`);
    for (const { stage, seconds } of records<{ stage: string; seconds: number }>("command")) {
      context.diagnostic(`${stage}: ${seconds} s`);
    }
    context.diagnostic(`all: ${(result.wallMs / 1000).toFixed(1)} s`);
  });
});
