import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, injectFault } from "../../hardware/fault.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { isUnread } from "../port.ts";
import type { VfChange } from "../port-link.ts";
import type { FlowReport } from "./flow-report.ts";
import { openModel } from "./model-kernel.ts";
import { labModel } from "./testing/lab-models.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";
const VF2 = "0000:01:10.4" as Bdf;
const PORT = "root port 0";
const NS_PER_SECOND = 1e9;
/** As many as come in a turn: the receiver takes them at its next interrupt. */
const IN_RINGS = 50;

/** An 82576 whose interface is up; VFs 0 and 1 with igbvf, up, and VF 2 in a guest. */
async function lab() {
  const description = labModel("igb");
  assert.ok(description);
  const kernel = await openModel({ ...description, modules: ["igb", "igbvf", "vfio-pci"] }, "igb");
  const { linux } = kernel;
  assert.equal((await kernel.write(`${PF}/sriov_numvfs`, "3")).kind, "done");
  for (const name of ["eth0", "eth1", "eth2"]) await kernel.setLink(name, { up: true });
  await linux.time.sleep(5000);
  await kernel.write(`/sys/bus/pci/drivers/igbvf/unbind`, VF2);
  await kernel.write(`/sys/bus/pci/devices/${VF2}/driver_override`, "vfio-pci");
  await kernel.write("/sys/bus/pci/drivers_probe", VF2);
  linux.guests.start({ name: "web", memoryMib: 64 });
  await linux.guests.plug("web", VF2);
  const start = (from: number | "pf", to: number | "pf", framesPerSecond = 1000, bytes = 64) =>
    linux.flows.start({ netdev: "eth0", from, to, framesPerSecond, bytes });
  const report = (id: number): FlowReport => {
    const found = linux.flows.all.find((flow) => flow.id === id);
    assert.ok(found);
    return found;
  };
  return {
    kernel,
    linux,
    start,
    report,
    pass: (seconds: number) => linux.machine.clock.advance(seconds * NS_PER_SECOND),
    set: async (change: VfChange) => void (await kernel.setVfs("eth0", [change])),
    fault: (fault: Fault) => injectFault(linux.machine, fault),
  };
}

/** Each frame that was due is in one count, and of each that was sent it is known what came of it. */
function assertWhole({ sent, received, unsent, dropped, seconds, framesPerSecond }: FlowReport): void {
  const notSent = unsent.noDriver + unsent.ringFull + unsent.overload;
  assert.equal(sent + notSent, Math.floor(seconds * framesPerSecond));
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const inFlight = sent - received - lost;
  assert.ok(inFlight >= 0 && inFlight <= IN_RINGS, `${inFlight} of ${sent} frames in flight`);
}

test("flows go on with the model's clock: between interfaces, guests and the PF, at their rates", async () => {
  const { start, report, pass, linux, kernel } = await lab();
  const ids = [start(0, 1, 1000), start(1, 2, 7, 1518), start(2, "pf", 500), start("pf", 0, 250)];
  // A little more, for the receivers' interrupts.
  pass(4.0005);
  assert.deepEqual(
    ids.map((id) => [report(id).sent, report(id).received]),
    [
      [4000, 4000],
      [28, 28],
      [2000, 2000],
      [1000, 1000],
    ],
  );
  for (const id of ids) assertWhole(report(id));
  const json = await kernel.ipLink("eth1");
  assert.ok(!isUnread(json));
  const { rx, tx } = (JSON.parse(json) as { stats64: Record<"rx" | "tx", Record<string, number>> }[])[0]?.stats64 ?? {};
  assert.deepEqual([tx?.packets, rx?.packets], [4000, 1000]);
  const files = await kernel.read("/sys/class/net/eth0/statistics/rx_packets");
  assert.equal(new TextDecoder().decode(files as Uint8Array), "2000\n");
  // To end one leaves the others as they are; without any, nothing is scheduled.
  assert.equal(linux.flows.stop(ids[0] ?? 0).sent, 4000);
  pass(1);
  assert.equal(report(ids[2] ?? 0).sent, 2500);
  for (const id of ids.slice(1)) linux.flows.stop(id);
  assert.equal(linux.flows.count, 0);
  assert.throws(() => linux.flows.stop(ids[0] ?? 0), { errno: "ENOENT" });
});

test("a flow to a guest tells how it went on as the guest stopped, or began to run", async () => {
  const { start, pass, linux } = await lab();
  const id = start("pf", 2, 250);
  start("pf", 0, 250);
  const flow = () => {
    const [found, ...others] = linux.flows.to([VF2]);
    assert.ok(found && others.length === 0);
    return found;
  };
  assert.deepEqual(flow(), { id, framesPerSecond: 250, received: 0, move: null });
  linux.flows.guestMoves([VF2]);
  assert.deepEqual(flow().move, { silentNs: null, firstNs: null, received: 0 });
  pass(1.0005);
  // Due each 4 ms, in turns, and received with the next interrupt.
  const { firstNs } = flow().move ?? {};
  assert.ok(firstNs && firstNs >= 4e6 && firstNs < 6e6, `${firstNs}`);
  pass(0.002);
  const { received } = flow();
  linux.flows.guestMoves([VF2]);
  const { silentNs } = flow().move ?? {};
  assert.ok(silentNs && silentNs > 1e6 && silentNs < 4e6, `${silentNs}`);
  assert.deepEqual(flow().move, { silentNs, firstNs: null, received });
  await linux.guests.unplug("web", VF2);
  assert.equal(flow().id, id);
  linux.flows.stop(id);
  assert.deepEqual(linux.flows.to([VF2]), []);
});

test("more than the machine can send is not sent, and flows share what it can", async () => {
  const { start, report, pass } = await lab();
  const ids = [start(0, 1, 1_488_095), start(2, 1, 1_488_095)];
  pass(0.2);
  for (const id of ids) {
    const flow = report(id);
    assertWhole(flow);
    assert.ok(flow.sent > 4500 && flow.sent < 5500, `${flow.sent} of 10,000 for both`);
    assert.equal(flow.unsent.overload + flow.unsent.ringFull, Math.floor(flow.seconds * 1_488_095) - flow.sent);
  }
});

test("a flow outlives its ends: frames for a guest's VF that is taken away, and from it, are counted as lost", async () => {
  const { start, report, pass, linux } = await lab();
  const [to, from] = [start(0, 2), start(2, 0)];
  pass(1);
  await linux.guests.unplug("web", VF2);
  const sentBefore = report(from).sent;
  pass(1);
  const away = report(from);
  assert.equal(away.sent, sentBefore);
  assert.ok(away.unsent.noDriver >= 1000);
  await linux.guests.plug("web", VF2);
  pass(1);
  for (const flow of [report(to), report(from)]) {
    assertWhole(flow);
    const lost = flow.framesPerSecond * flow.seconds - flow.received;
    assert.ok(lost > 1000 && lost < 1600, `${lost} lost in ${flow.seconds} s`);
  }
  assert.ok(report(from).sent > sentBefore + 900);
});

test("spoof checks and VLANs hold for flows, and a report says which frames they took", async () => {
  const { start, report, pass, set } = await lab();
  const id = start(0, 1, 100);
  pass(1);
  await set({ vfIndex: 0, mac: "52:54:00:12:34:56" });
  pass(1);
  assert.deepEqual([report(id).sent, report(id).received, report(id).dropped.spoofed], [200, 100, 100]);
  await set({ vfIndex: 0, spoofCheck: false });
  await set({ vfIndex: 1, vlan: { id: 100 } });
  pass(1);
  const parted = report(id);
  assert.equal(parted.received, 100);
  assert.equal(parted.dropped.toNetwork + parted.dropped.noReceiver, 100);
  await set({ vfIndex: 0, vlan: { id: 100 } });
  pass(1);
  assert.equal(report(id).received, 200);
  assertWhole(report(id));
});

test("faults of the hardware act on flows: a poisoned read, a link that fails, a card pulled out", async () => {
  const { start, report, pass, fault, kernel, linux } = await lab();
  const id = start(0, 1, 100);
  pass(1);
  fault({ kind: "poisoned dma", function: "82576", vf: 0 });
  pass(1);
  const poisoned = report(id);
  assert.equal(linux.machine.functions.get("82576")?.vfs?.vf(0)?.faults.poisonNextDma, false, "a read has met it");
  assert.ok(poisoned.received >= 198, "the descriptor is read again");
  fault({ kind: "link down", port: PORT });
  pass(1);
  const dead = report(id);
  assert.equal(dead.received, poisoned.received, "no register is reached, and no memory");
  fault({ kind: "removal", port: PORT });
  pass(5);
  assert.equal(report(id).received, poisoned.received);
  assert.ok(report(id).unsent.ringFull > 0, "the ring is full, and stays so");
  await linux.guests.stop("web");
  assert.equal((await kernel.write(`${PF}/remove`, "1")).kind, "done");
  pass(1);
  assert.ok(report(id).unsent.noDriver > 0);
  linux.flows.stop(id);
});

test("what cannot be a flow is refused", async () => {
  const { linux, start } = await lab();
  const flow = { netdev: "eth0", from: 0, to: 1, framesPerSecond: 10, bytes: 64 } as const;
  for (const [more, errno] of [
    [{ framesPerSecond: 0 }, "EINVAL"],
    [{ framesPerSecond: 1.5 }, "EINVAL"],
    [{ bytes: 1519 }, "EINVAL"],
    [{ netdev: "eth1" }, "ENODEV"],
    [{ from: 7 }, "ENODEV"],
  ] as const) {
    assert.throws(() => linux.flows.start({ ...flow, ...more }), { errno });
  }
  for (let count = 0; count < 64; count++) start(0, 1, 1);
  assert.throws(() => start(0, 1, 1), { errno: "ENOSPC" });
});
