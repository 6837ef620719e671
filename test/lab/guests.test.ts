/**
 * VFs of a real kernel's card given to virtual machines, and taken back, by vfleet's own commands. What guest/guests.ts recorded in
 * the machine is judged here.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { BootResult } from "../../src/lab/boot.ts";
import type { CommandResult, InnerStatus } from "../../src/lab/guest-channel.ts";
import { requireTool } from "../require-tool.ts";
import { type Guest, RecordedCommands } from "./recorded-commands.ts";
import { runInMachine } from "./run-in-machine.ts";

/** Patience with a busy host, and until other lab machines have ended. */
const MACHINE_MS = 1_500_000;
const TIMEOUT_MS = 2_400_000;
/** Intel 82576 Virtual Function, and QEMU's NVMe, as data/pci.ids has them. */
const VF_ID = "8086:10CA";
const NVME_ID = "1B36:0010";

describe("VFs given to guests inside a lab machine", { skip: requireTool("lab"), timeout: TIMEOUT_MS }, () => {
  let result: BootResult;
  let said: RecordedCommands;
  before(
    async () => {
      result = await runInMachine("guests.ts", "guests", MACHINE_MS);
      said = new RecordedCommands(result);
    },
    { timeout: TIMEOUT_MS },
  );

  function guests(stage: string): readonly Guest[] {
    return (JSON.parse(said.done(stage).stdout) as { guests: readonly Guest[] }).guests;
  }
  function inGuest(name: string): readonly InnerStatus[] {
    return said
      .records<{ guest: string; status: InnerStatus }>("in-guest")
      .flatMap(({ guest, status }) => (guest === name ? [status] : []));
  }
  function ping(of: string): CommandResult {
    const found = said.records<CommandResult & { of: string }>("ping").find((each) => each.of === of);
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
    said.refused("no-such-guest", /VFL-0224 there is no guest wbe\n.*did you mean web\?/);
  });

  test("claims get their VFs by hot-plug: the guest's own driver binds them, with the administered MAC address", () => {
    said.done("apply");
    said.done("attach-web");
    said.done("attach-db");
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
    const [bulk] = said.records<{ kib: number; sent: CommandResult; received: CommandResult; sender: CommandResult }>(
      "bulk",
    );
    assert.ok(bulk);
    const sum = /^[0-9a-f]{64}/m.exec(bulk.sent.output)?.[0];
    assert.ok(sum !== undefined);
    assert.ok(bulk.received.output.includes(sum), bulk.received.output + bulk.sender.output);
  });

  test("who has a VF keeps it: nobody else opens it, and no command takes it away unasked", () => {
    assert.equal(said.records<{ errno: string }>("second-user")[0]?.errno, "EBUSY");
    said.refused("refused", /VFL-0211.*in use.*\n.*guest web: qemu-system-x86/);
    said.refused("given-twice", /VFL-0211/);
  });

  test("a VF is taken while packets flow, and the guest runs on without it; a claim keeps it for its guest", () => {
    const { vfs } = said.done("detach");
    assert.equal(vfs[1]?.driver, "vfio-pci");
    const [after] = said.records<{ flow: CommandResult; status: InnerStatus }>("detached");
    assert.match(after?.flow.output ?? "", /bytes from/);
    assert.deepEqual(
      after?.status.pciDevices.filter(({ id }) => id === VF_ID),
      [],
    );
    assert.deepEqual(after?.status.netDevices, []);
    said.refused("reattach-refused", /the claim web-nic has it/);
    said.done("attach-again");
  });

  test("drain: guests do without for a while, and have their VFs again, with the same addresses", () => {
    const { stdout } = said.done("drain");
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
    const released = JSON.parse(said.done("release").stdout) as {
      operation: { events: readonly { evidence?: string }[] };
    };
    assert.ok(released.operation.events.some(({ evidence }) => /was reset by flr/.test(evidence ?? "")));
    said.done("reattach");
    const [second] = inGuest("db").filter(({ netDevices }) => netDevices.length === 2);
    assert.equal(new Set(second?.netDevices.map(({ mac }) => mac)).size, 2);
    said.done("detach-second");
  });

  test("a VF whose PF is a guest's wants that guest's token: without it, and with another, it is given to nobody", () => {
    const missing = said.command("token-missing");
    assert.equal(missing.status, 3, missing.stdout + missing.stderr);
    assert.match(missing.stdout, /VFL-0407/);
    const wrong = said.command("token-wrong");
    assert.equal(wrong.status, 1, wrong.stdout + wrong.stderr);
    assert.match(wrong.stdout, /Incorrect VF token provided for device/, "the kernel's words");
    assert.match(wrong.stdout, /is not the one that the PF's user has set/);
    assert.match(wrong.stdout, /undone: all is as it was before/);
    said.done("token-right");
    assert.equal(said.records<{ holds: string }>("token-journal")[0]?.holds, "", "the token is in no record");
  });

  test("an NVMe VF is the guest's disk: it reads there what the host wrote", () => {
    said.done("nvme-apply");
    said.done("nvme-attach");
    const [disk] = said.records<{ status: InnerStatus; read: CommandResult }>("nvme");
    assert.ok(disk?.status.pciDevices.some(({ id, driver }) => id === NVME_ID && driver === "nvme"));
    assert.match(disk?.read.output ?? "", /written by the host, read by the guest/);
    said.done("nvme-detach");
    assert.deepEqual(
      guests("end").map(({ name, devices }) => [name, devices.length]),
      [["db", 1]],
    );
  });

  test("says how long it took", (context) => {
    for (const { stage, seconds } of said.records<{ stage: string; seconds: number }>("command")) {
      context.diagnostic(`${stage}: ${seconds} s`);
    }
    context.diagnostic(`all: ${(result.wallMs / 1000).toFixed(1)} s`);
  });
});
