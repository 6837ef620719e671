/** Guests that move between two modelled machines with their VFs, while traffic goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ModelKernel, openModel } from "../../kernel/model/model-kernel.ts";
import { machineCalls } from "../../kernel/model/remote/machine-calls.ts";
import { machineMoves } from "../../kernel/model/remote/machine-moves.ts";
import { decode, encode } from "../../kernel/model/remote/protocol.ts";
import { labModel } from "../../kernel/model/testing/lab-models.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { type MovingMachine, moveModelGuest, planModelMove } from "./move-model-guest.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";
const VF0 = "0000:01:10.0" as Bdf;
const VF1 = "0000:01:10.2" as Bdf;
const MEMORY_MIB = 8;
const LINK = { bytesPerSecond: 125e6, downtimeMs: 5 };
const FLOW = { netdev: "eth0", framesPerSecond: 2000, bytes: 128 } as const;

interface Machine extends MovingMachine {
  readonly kernel: ModelKernel;
  ask(call: string, ...args: readonly unknown[]): Promise<unknown>;
  pass(ms: number): void;
}

/** An 82576 with two VFs, which are on a driver for guests. */
async function machine(driver = "model_vfio_pci"): Promise<Machine> {
  const description = labModel("igb");
  assert.ok(description);
  const modules = ["igb", "vfio-pci", "model_vfio_pci"];
  const kernel = await openModel({ ...description, modules }, "igb");
  const { linux } = kernel;
  assert.equal((await kernel.write(`${PF}/sriov_numvfs`, "2")).kind, "done");
  assert.equal((await kernel.setLink("eth0", { up: true })).kind, "done");
  await linux.time.sleep(5000);
  for (const bdf of [VF0, VF1]) {
    await kernel.write(`/sys/bus/pci/devices/${bdf}/driver_override`, driver);
    assert.equal((await kernel.write("/sys/bus/pci/drivers_probe", bdf)).kind, "done");
  }
  const calls = machineCalls(kernel);
  // As it goes over a socket.
  const ask = async (call: string, ...args: readonly unknown[]) => {
    const sent = decode(encode({ id: 1, call, args })) as { args: never[] };
    const result = await calls.get(call)?.(...sent.args);
    return (decode(encode({ id: 1, result })) as { result: unknown }).result;
  };
  return {
    kernel,
    ask,
    guests: { list: async () => linux.guests.all },
    moves: machineMoves({ ask }),
    pass: (ms) => linux.machine.clock.advance(ms * 1e6),
  };
}

async function withGuest(driver?: string, vfs: readonly Bdf[] = [VF0]): Promise<Machine> {
  const here = await machine(driver);
  here.kernel.linux.guests.start({ name: "web", memoryMib: MEMORY_MIB });
  for (const bdf of vfs) await here.kernel.linux.guests.plug("web", bdf);
  here.pass(100);
  return here;
}

test("a guest with two VFs moves, flows go on at its end, and the gap is the time that it stood still", async () => {
  const here = await withGuest(undefined, [VF0, VF1]);
  const there = await machine();
  const address = here.kernel.linux.guests.igbvfOf(VF0)?.address.slice();
  const flows = [here, there].map(({ kernel }) => kernel.linux.flows);
  const ids = flows.map((each) => each.start({ ...FLOW, from: "pf", to: 0 }));
  for (const each of [here, there]) each.pass(100);
  const plan = await planModelMove(here, there, "web");
  assert.deepEqual(plan.verdict, { possible: true, obstacles: [], notes: [] });
  assert.deepEqual(plan.pairs, [
    { from: VF0, to: VF0 },
    { from: VF1, to: VF1 },
  ]);
  const report = await moveModelGuest(here, there, plan, LINK);
  for (const each of [here, there]) each.pass(100);
  assert.deepEqual(await here.guests.list(), []);
  assert.deepEqual(
    (await there.guests.list()).map(({ name, devices }) => [name, devices]),
    [["web", [VF0, VF1]]],
  );
  assert.deepEqual(there.kernel.linux.guests.igbvfOf(VF0)?.address, address);
  const [left, come] = flows.map((each, index) => each.stop(ids[index] as number));
  assert.ok(left !== undefined && come !== undefined);
  // The source's flow ends with the guest's VF; the destination's begins.
  assert.ok(left.received > 150 && left.unsent.noDriver > 0, JSON.stringify(left));
  assert.ok(come.received > 150 && come.unsent.noDriver > 0, JSON.stringify(come));
  const stoppedMs = report.stoppedNs / 1e6;
  assert.ok(report.gapMs > 0);
  assert.ok(stoppedMs > 0 && stoppedMs < LINK.downtimeMs + 2, `${stoppedMs} ms`);
  const { sent, received } = there.kernel.linux.flows.all[0] ?? { sent: 0, received: 0 };
  assert.equal(received, sent);
  for (const { kernel } of [here, there]) assert.equal(kernel.linux.dma.faultCount, 0);
  // It has both VFs for itself there, and nobody has them here.
  for (const bdf of [VF0, VF1]) {
    assert.equal(here.kernel.linux.processes.usersOf(bdf).length, 0);
    assert.equal(there.kernel.linux.processes.usersOf(bdf).length, 1);
  }
  assert.equal((await here.moves.free()).devices.length, 2);
  const back = await moveModelGuest(there, here, await planModelMove(there, here, "web"), LINK);
  assert.ok(back.rounds.length > 1);
  assert.deepEqual(here.kernel.linux.guests.igbvfOf(VF0)?.address, address);
});

test("a VF on vfio-pci does not move, and the failover pair is named; nor one into another VLAN", async () => {
  const here = await withGuest("vfio-pci");
  const there = await machine();
  const plain = await planModelMove(here, there, "web");
  assert.deepEqual(plain.verdict.obstacles, [
    `${VF0}: vfio-pci does not move a VF's state; a failover pair carries its traffic`,
  ]);
  await assert.rejects(moveModelGuest(here, there, plain, LINK), /EOPNOTSUPP/);
  const moving = await withGuest();
  for (const bdf of [0, 1]) {
    await there.kernel.setVfs("eth0", [{ vfIndex: bdf, vlan: { id: 7, qos: 0, protocol: "802.1Q" } }]);
  }
  const { verdict } = await planModelMove(moving, there, "web");
  assert.match(verdict.obstacles.join(), /VLAN none here and in 7 there/);
  const none = await planModelMove(moving, await machine("vfio-pci"), "web");
  assert.match(none.verdict.obstacles.join(), /no VF is free there on a driver that moves VFs/);
  assert.deepEqual((await planModelMove(moving, there, "db")).verdict.obstacles, ["there is no guest db"]);
});

test("where the destination refuses, the guest goes on where it was, with its traffic", async () => {
  const here = await withGuest();
  const there = await machine();
  const plan = await planModelMove(here, there, "web");
  await there.kernel.setVfs("eth0", [{ vfIndex: 0, mac: "02:00:00:00:07:07" }]);
  // Whoever plans now takes the other VF.
  const other = await planModelMove(here, there, "web");
  assert.notEqual(other.pairs[0]?.to, plan.pairs[0]?.to);
  await assert.rejects(moveModelGuest(here, there, plan, LINK), /does not let VF 0 have its MAC address/);
  assert.deepEqual(await there.guests.list(), []);
  assert.equal((await there.moves.free()).devices.length, 2);
  const id = here.kernel.linux.flows.start({ ...FLOW, from: 0, to: "pf" });
  here.pass(100);
  const { sent, received } = here.kernel.linux.flows.stop(id);
  // The last one may wait for its vector.
  assert.ok(sent > 150 && received >= sent - 1, `${received} of ${sent}`);
});

test("while a guest moves nothing is plugged into it, and where whoever moves it goes away, it goes on", async () => {
  const here = await withGuest();
  const { guests, log } = here.kernel.linux;
  const source = here.moves.leaving("web");
  await source.start();
  await assert.rejects(guests.unplug("web", VF0), /EBUSY/);
  await assert.rejects(guests.stop("web"), /EBUSY/);
  await assert.rejects(async () => source.start(), /EBUSY/);
  await source.nextRound();
  await source.stop();
  assert.equal(guests.igbvfOf(VF0), undefined);
  await here.ask("moves.abandon", "web");
  assert.ok(guests.igbvfOf(VF0));
  // Once handed over it may run elsewhere: then it is for somebody to say.
  await source.start();
  await source.stop();
  await source.software();
  const mark = log.end;
  await here.ask("moves.abandon", "web");
  assert.equal(guests.igbvfOf(VF0), undefined);
  assert.match(log.since(mark).lines.join(), /guest web stands still/);
  await source.cancel();
  assert.ok(guests.igbvfOf(VF0));
  await guests.unplug("web", VF0);
});
