import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bdf } from "../../pci/bdf.ts";
import { isUnread } from "../port.ts";
import type { VfChange } from "../port-link.ts";
import { isPending } from "../port-outcome.ts";
import { openModel } from "./model-kernel.ts";
import { labModel } from "./testing/lab-models.ts";
import { sendTraffic } from "./traffic.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";
const VF1 = "0000:01:10.2" as Bdf;

/** An 82576 whose interface is up; VFs 0 and 1 with igbvf, up, as eth1 and eth2. */
async function lab() {
  const description = labModel("igb");
  assert.ok(description);
  const kernel = await openModel({ ...description, modules: ["igb", "igbvf", "vfio-pci"] }, "igb");
  const { linux } = kernel;
  assert.equal((await kernel.write(`${PF}/sriov_numvfs`, "3")).kind, "done");
  for (const name of ["eth0", "eth1", "eth2"]) {
    assert.equal(await kernel.setLink(name, { up: true }).then(({ kind }) => kind), "done");
  }
  linux.machine.clock.advance(5e9);
  const set = async (...changes: VfChange[]) => {
    const outcomes = await kernel.setVfs("eth0", changes);
    assert.ok(!isPending(outcomes) && outcomes.every(({ outcome }) => outcome.kind === "done"));
  };
  const stats = async (name: string) => {
    const json = await kernel.ipLink(name);
    assert.ok(!isUnread(json));
    return (JSON.parse(json) as { stats64: { rx: Record<string, number>; tx: Record<string, number> } }[])[0]?.stats64;
  };
  return { kernel, linux, set, stats };
}

test("traffic between two VFs runs through their rings, and shows in their interfaces' counters", async () => {
  const { linux, stats } = await lab();
  const { sent, received, vfs, drops, toNetwork, faults, tookNs } = sendTraffic(linux, "eth0", {
    from: 0,
    to: 1,
    frames: 1000,
    bytes: 128,
  });
  assert.deepEqual([sent, received, toNetwork, faults], [1000, 1000, 0, []]);
  assert.deepEqual(drops, { spoofed: 0, noReceiver: 0, notFetched: 0 });
  assert.ok(tookNs > 1_000_000);
  assert.deepEqual(vfs, [
    { vf: 0, rxPackets: 0, rxBytes: 0, txPackets: 1000, txBytes: 128_000, dropped: 0 },
    { vf: 1, rxPackets: 1000, rxBytes: 128_000, txPackets: 0, txBytes: 0, dropped: 0 },
  ]);
  const [from, to] = [await stats("eth1"), await stats("eth2")];
  assert.deepEqual([from?.tx.packets, from?.tx.bytes, to?.rx.packets], [1000, 128_000, 1000]);
  sendTraffic(linux, "eth0", { from: 1, to: "pf", frames: 5, bytes: 64 });
  assert.equal((await stats("eth0"))?.rx.packets, 5);
  assert.equal((await stats("eth2"))?.tx.packets, 5);
});

test("what the administrator set of VFs decides: VLANs part them, a rate slows them", async () => {
  const { linux, set } = await lab();
  const quick = sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 500, bytes: 1518 });
  await set({ vfIndex: 0, txRateMbps: { max: 100 } });
  const slow = sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 500, bytes: 1518 });
  assert.equal(slow.received, 500);
  assert.ok(slow.tookNs > 3 * quick.tookNs, `${slow.tookNs} ns against ${quick.tookNs}`);
  await set({ vfIndex: 0, vlan: { id: 100 } });
  const parted = sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 10, bytes: 64 });
  assert.deepEqual([parted.sent, parted.received], [10, 0]);
  assert.equal(parted.drops.noReceiver + parted.toNetwork, 10);
  await set({ vfIndex: 1, vlan: { id: 100 } });
  assert.equal(sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 10, bytes: 64 }).received, 10);
});

test("a VF that got another address under its driver is a spoofer, until it may be (DTXSWC.MACAS)", async () => {
  const { linux, set } = await lab();
  const send = () => sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 4, bytes: 64 });
  await set({ vfIndex: 0, mac: "52:54:00:12:34:56" });
  const stopped = send();
  assert.deepEqual([stopped.sent, stopped.received, stopped.drops.spoofed], [4, 0, 4]);
  await set({ vfIndex: 0, spoofCheck: false });
  const allowed = send();
  assert.deepEqual([allowed.received, allowed.drops.spoofed], [4, 0]);
  await set({ vfIndex: 1, mac: "52:54:00:12:34:57" });
  const lost = send();
  assert.deepEqual([lost.received, lost.toNetwork], [0, 4], "the card knows nobody by the receiver's old address");
});

test("a VF that nobody uses cannot send, and a guest can that has it by VFIO", async () => {
  const { kernel, linux } = await lab();
  const send = () => sendTraffic(linux, "eth0", { from: 1, to: 0, frames: 3, bytes: 64 });
  await kernel.write(`/sys/bus/pci/devices/${VF1}/driver/unbind`, VF1);
  assert.throws(send, { errno: "ENETDOWN" });
  await kernel.write(`/sys/bus/pci/devices/${VF1}/driver_override`, "vfio-pci");
  assert.equal((await kernel.write("/sys/bus/pci/drivers_probe", VF1)).kind, "done");
  const group = linux.devices.get(VF1)?.iommuGroup?.id;
  const holder = linux.processes.start("sleep", `/dev/vfio/${group}`, [VF1]);
  assert.throws(send, { errno: "ENETDOWN" }, "who merely has it open has no driver");
  holder.end();
  linux.guests.start({ name: "web", memoryMib: 64 });
  await linux.guests.plug("web", VF1);
  assert.equal(send().received, 3);
  await linux.guests.stop("web");
  assert.throws(send, { errno: "ENETDOWN" });
});

test("an interface that is down takes its VFs' traffic along (igb_close)", async () => {
  const { kernel, linux } = await lab();
  await kernel.setLink("eth0", { up: false });
  const { received, sent } = sendTraffic(linux, "eth0", { from: 0, to: 1, frames: 300, bytes: 64 });
  assert.equal(received, 0);
  assert.ok(sent < 300, "the ring is full, and stays so");
});

test("what cannot be sent is refused", async () => {
  const { linux } = await lab();
  const send = (netdev: string, more: object) =>
    sendTraffic(linux, netdev, { from: 0, to: 1, frames: 1, bytes: 64, ...more });
  assert.throws(() => send("eth0", { bytes: 63 }), { errno: "EINVAL" });
  assert.throws(() => send("eth0", { frames: 0 }), { errno: "EINVAL" });
  assert.throws(() => send("eth9", {}), { errno: "ENODEV" });
  assert.throws(() => send("eth1", {}), { errno: "ENODEV" });
  assert.throws(() => send("eth0", { from: 7 }), { errno: "ENODEV" });
  assert.throws(() => send("eth0", { from: 2 }), { errno: "ENETDOWN" });
});
