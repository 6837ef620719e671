import assert from "node:assert/strict";
import { test } from "node:test";
import { NS_PER_MS } from "../clock.ts";
import { E1000 } from "./registers-82576.ts";
import { BROADCAST, CardWithGuests, frame, vfAddress } from "./testing/card-with-guests.ts";
import { NetworkSegment, type WireEnd } from "./wire.ts";

const GROUP = Uint8Array.of(0x01, 0x00, 0x5e, 0x00, 0x00, 0x01);
const STRANGER = Uint8Array.of(0x52, 0x54, 0x99, 0x00, 0x00, 0x01);
const LB = 0x4_0000;

/** A station on the wire that keeps what it hears. */
class Station implements WireEnd {
  readonly heard: Uint8Array[] = [];

  receive(bytes: Uint8Array, at: number, length: number): void {
    this.heard.push(bytes.slice(at, at + length));
  }
}

function lab(numVfs: number) {
  const wire = new NetworkSegment();
  const station = new Station();
  const guests = new CardWithGuests({ numVfs, wire });
  wire.join(guests.card);
  wire.join(station);
  const counts = () => {
    guests.clock.advance(NS_PER_MS);
    const result = guests.received.map((list) => list.length);
    guests.forget();
    return [...result, station.heard.splice(0).length];
  };
  const fromWire = (bytes: Uint8Array) => wire.transmit(station, bytes, 0, bytes.length);
  return { ...guests, guests, card: guests.card, vfs: guests.vfs, pf: guests.pf, station, counts, fromWire };
}

type Lab = ReturnType<typeof lab>;
const send = (from: Lab, vf: number, to: Uint8Array, options = {}) =>
  assert.equal(from.vfs[vf]?.send(frame(to, from.vfs[vf].address, options)), true);

test("a frame between VFs stays in the card, and arrives as it was sent", () => {
  const net = lab(3);
  const bytes = frame(vfAddress(1), vfAddress(0), { length: 1514 });
  net.vfs[0]?.send(bytes);
  net.guests.clock.advance(NS_PER_MS);
  const [got] = net.guests.received[1] ?? [];
  assert.deepEqual(got?.bytes, bytes);
  assert.equal((got?.status ?? 0) & LB, LB);
  assert.deepEqual(net.counts(), [0, 1, 0, 0, 0]);
});

test("the counters of VFs count octets with check sequence, and loopback beside (igbvf_update_stats)", () => {
  const net = lab(2);
  send(net, 0, vfAddress(1), { length: 100 });
  send(net, 0, STRANGER, { length: 60 });
  assert.deepEqual(net.counts(), [0, 1, 0, 1]);
  const { txPackets, txBytes, txLoopbackPackets, txLoopbackBytes } = net.vfs[0]?.statistics() ?? {};
  assert.deepEqual([txPackets, txBytes, txLoopbackPackets, txLoopbackBytes], [2, 168, 1, 104]);
  const { rxPackets, rxBytes, rxLoopbackPackets, rxLoopbackBytes } = net.vfs[1]?.statistics() ?? {};
  assert.deepEqual([rxPackets, rxBytes, rxLoopbackPackets, rxLoopbackBytes], [1, 104, 1, 104]);
  assert.equal(net.card.read(E1000.GPTC), 1, "of the network's only one");
  assert.equal(net.card.read(E1000.HGPTC), 2);
});

test("short frames are padded to 60 bytes with zeros (TCTL.PSP)", () => {
  const net = lab(2);
  send(net, 0, vfAddress(1), { length: 20 });
  net.guests.clock.advance(NS_PER_MS);
  const [got] = net.guests.received[1] ?? [];
  assert.equal(got?.bytes.length, 60);
  assert.ok(got?.bytes.subarray(20).every((byte) => byte === 0));
});

test("broadcasts reach every pool but the sender's, and the network", () => {
  const net = lab(3);
  send(net, 1, BROADCAST);
  assert.deepEqual(net.counts(), [1, 0, 1, 1, 1]);
  net.fromWire(frame(BROADCAST, STRANGER));
  assert.deepEqual(net.counts(), [1, 1, 1, 1, 0]);
});

test("groups reach who joined them, by igbvf's hash in the PF's table", () => {
  const net = lab(3);
  net.vfs[2]?.setMulticast([GROUP]);
  net.fromWire(frame(GROUP, STRANGER));
  assert.deepEqual(net.counts(), [0, 0, 1, 0, 0]);
  send(net, 2, GROUP);
  assert.deepEqual(net.counts(), [0, 0, 0, 0, 1]);
  net.vfs[2]?.setMulticast([]);
  net.fromWire(frame(GROUP, STRANGER));
  assert.deepEqual(net.counts(), [0, 0, 0, 0, 0]);
});

test("frames for nobody go to the default pool, the PF's, from the network only", () => {
  const net = lab(2);
  net.fromWire(
    frame(
      STRANGER,
      GROUP.map((byte, index) => (index === 0 ? 2 : byte)),
    ),
  );
  assert.deepEqual(net.counts(), [0, 0, 1, 0]);
  send(net, 0, STRANGER);
  assert.deepEqual(net.counts(), [0, 0, 0, 1]);
});

test("the PF's own frames reach VFs and network, and theirs the PF", () => {
  const net = lab(2);
  assert.equal(net.pf.send(frame(vfAddress(0), net.pf.address)), true);
  assert.equal(net.pf.send(frame(STRANGER, net.pf.address)), true);
  assert.deepEqual(net.counts(), [1, 0, 0, 1]);
  send(net, 1, net.pf.address);
  assert.deepEqual(net.counts(), [0, 0, 1, 0]);
});

test("a port VLAN separates tenants: tagged on the wire, stripped for the VF, closed to others (igb_enable_port_vlan)", () => {
  const net = lab(3);
  assert.equal(net.pf.vfs?.setVlan(0, 100, 3), undefined);
  assert.equal(net.pf.vfs?.setVlan(1, 100, 0), undefined);
  assert.equal(net.pf.vfs?.setVlan(2, 200, 0), undefined);
  send(net, 0, BROADCAST);
  net.guests.clock.advance(NS_PER_MS);
  assert.deepEqual([...(net.station.heard[0]?.subarray(12, 16) ?? [])], [0x81, 0, 0x60, 100], "priority 3");
  assert.equal(net.guests.received[1]?.[0]?.vlan, 0x6064);
  assert.equal(net.guests.received[1]?.[0]?.bytes.length, 64);
  assert.deepEqual(net.counts(), [0, 1, 0, 0, 1]);
  send(net, 0, vfAddress(2));
  assert.deepEqual(net.counts(), [0, 0, 0, 0, 0]);
  net.fromWire(frame(vfAddress(2), STRANGER, { vlan: 200 }));
  net.fromWire(frame(vfAddress(2), STRANGER, { vlan: 100 }));
  net.fromWire(frame(vfAddress(2), STRANGER));
  assert.deepEqual(net.counts(), [0, 0, 1, 2, 0], "what is not its VLAN's is the default pool's");
  assert.equal(net.pf.vfs?.setVlan(2, 0, 0), undefined);
  net.fromWire(frame(vfAddress(2), STRANGER));
  assert.deepEqual(net.counts(), [0, 0, 1, 0, 0]);
});

test("a VF's own VLANs: tags inserted by descriptor, stripped where it is a member (igb_set_vf_vlan_msg)", () => {
  const net = lab(2);
  for (const vf of net.vfs) assert.equal(vf.setVlan(7, true), true);
  net.vfs[0]?.send(frame(vfAddress(1), vfAddress(0)), { vlan: 0x2007 });
  net.guests.clock.advance(NS_PER_MS);
  assert.equal(net.guests.received[1]?.[0]?.vlan, 0x2007);
  net.vfs[0]?.send(frame(STRANGER, vfAddress(0)), { vlan: 7 });
  assert.deepEqual([...(net.station.heard[0]?.subarray(12, 16) ?? [])], [0x81, 0, 0, 7]);
  net.counts();
  assert.equal(net.vfs[1]?.setVlan(7, false), true);
  net.vfs[0]?.send(frame(vfAddress(1), vfAddress(0)), { vlan: 7 });
  assert.deepEqual(net.counts(), [0, 0, 0, 0]);
  assert.equal(net.card.read(E1000.SDPC), 1);
});

test("spoofed addresses and VLANs are stopped, counted, and told to the PF (DTXSWC, WVBR, DOUTSYNC)", () => {
  const net = lab(2);
  net.vfs[0]?.send(frame(vfAddress(1), STRANGER));
  net.vfs[0]?.send(frame(vfAddress(1), vfAddress(0), { vlan: 9 }));
  assert.deepEqual(net.counts(), [0, 0, 0, 0]);
  assert.equal(net.card.read(E1000.SSVPC), 2);
  net.pf.watchdog();
  assert.ok(net.guests.log.includes("Spoof event(s) detected on VF 0"));
  assert.equal(net.vfs[0]?.statistics().txPackets, 0);
  assert.equal(net.pf.vfs?.setSpoofCheck(0, false), undefined);
  net.vfs[0]?.send(frame(vfAddress(1), STRANGER));
  assert.deepEqual(net.counts(), [0, 1, 0, 0]);
});

test("a rate limit is kept over time, and begins with a burst of the memory window (igb_set_vf_rate_limit)", () => {
  const net = lab(2);
  assert.equal(net.pf.vfs?.setRate(0, 0, 100), undefined);
  const length = 1000;
  let sent = 0;
  const started = net.guests.clock.nowNs;
  while (net.guests.clock.nowNs - started < 100 * NS_PER_MS) {
    while (sent < 100_000 && net.vfs[0]?.send(frame(vfAddress(1), vfAddress(0), { length }))) sent++;
    net.guests.clock.advance(NS_PER_MS / 2);
  }
  const octets = (net.vfs[0]?.statistics().txPackets ?? 0) * (length + 24);
  const wanted = (100e6 / 8) * 0.1;
  assert.ok(octets > wanted * 0.98 && octets < wanted * 1.02 + 20 * 1024, `${octets} of ${wanted}`);
  assert.equal(net.pf.vfs?.setRate(0, 0, 0), undefined);
  net.guests.clock.advance(NS_PER_MS);
  const before = net.vfs[0]?.statistics().txPackets ?? 0;
  for (let i = 0; i < 200; i++) net.vfs[0]?.send(frame(vfAddress(1), vfAddress(0), { length }));
  assert.equal((net.vfs[0]?.statistics().txPackets ?? 0) - before, 200, "none without a limit");
});

test("a rate factor is the link's speed over the rate, to 14 bits", () => {
  const net = lab(1);
  net.pf.vfs?.setRate(0, 0, 300);
  net.card.write(E1000.RTTDQSEL, 0);
  assert.equal(net.card.read(E1000.RTTBCNRC), (0x8000_0000 | (3 << 14) | Math.floor((100 * 16384) / 300)) >>> 0);
});

test("a frame too long for a VF is counted in ROC, and one that VMOLR.RLPML allows arrives in parts", () => {
  const net = lab(2);
  net.vfs[0]?.setMaximumFrame(4000);
  const long = frame(vfAddress(0), STRANGER, { length: 3900 });
  net.fromWire(long);
  net.guests.clock.advance(NS_PER_MS);
  assert.deepEqual(net.guests.received[0]?.[0]?.bytes, long);
  net.counts();
  net.card.read(E1000.ROC);
  net.fromWire(frame(vfAddress(1), STRANGER, { length: 3900 }));
  assert.deepEqual(net.counts(), [0, 0, 0, 0]);
  assert.equal(net.card.read(E1000.ROC), 1);
});

test("frames without a descriptor are dropped and counted in RQDPC", () => {
  const net = lab(2);
  net.card.vf(1).writeBar(0, E1000.EIMC, 4, 7);
  for (let i = 0; i < 300; i++) send(net, 0, vfAddress(1));
  assert.equal(net.card.vf(1).readBar(0, 0x2830, 4), 45, "300 less 255");
  assert.equal(net.vfs[1]?.poll(), 255);
  assert.equal(net.vfs[1]?.statistics().rxPackets, 255);
});

test("the wire's carrier reaches VFs by the PF's mailbox; without it nothing is sent, after it all is", () => {
  const net = lab(2);
  net.card.carrier = false;
  assert.deepEqual(
    net.vfs.map((vf) => vf.watchdog()),
    [false, false],
  );
  assert.ok(net.guests.log.includes("NIC Link is Down"));
  send(net, 0, vfAddress(1));
  assert.deepEqual(net.counts(), [0, 0, 0, 0]);
  net.card.carrier = true;
  net.guests.clock.advance(600 * NS_PER_MS);
  assert.deepEqual(
    net.vfs.map((vf) => vf.watchdog()),
    [true, true],
  );
  assert.deepEqual(net.counts(), [0, 1, 0, 0]);
});

test("a VF's link can be held down, or up though the wire is dead", () => {
  const net = lab(3);
  net.card.setVfLink(0, "disable");
  net.vfs[0]?.interrupt(2);
  assert.equal(net.vfs[0]?.watchdog(), false);
  send(net, 0, vfAddress(1));
  send(net, 1, vfAddress(0));
  assert.deepEqual(net.counts(), [0, 0, 0, 0, 0]);
  net.card.setVfLink(0, "auto");
  assert.deepEqual(net.counts(), [0, 1, 0, 0, 0], "what was in its ring");
  net.card.carrier = false;
  net.card.setVfLink(1, "enable");
  send(net, 1, vfAddress(2));
  send(net, 1, STRANGER);
  send(net, 2, vfAddress(1));
  assert.deepEqual(net.counts(), [0, 0, 1, 0, 0]);
});

test("mirroring a VF's traffic to another pool", () => {
  const net = lab(3);
  net.card.write(E1000.VMRVM, 1 << 1);
  net.card.write(E1000.VMRCTL, 1 | (2 << 8));
  send(net, 0, vfAddress(1));
  assert.deepEqual(net.counts(), [0, 1, 1, 0, 0]);
  send(net, 1, vfAddress(0));
  assert.deepEqual(net.counts(), [1, 0, 0, 0, 0]);
});

test("a VF whose memory fails sends nothing, and others go on", () => {
  const net = lab(2);
  net.card.vf(0).writeBar(0, 0x3804, 4, 0xffff);
  send(net, 0, vfAddress(1));
  send(net, 1, vfAddress(0));
  assert.deepEqual(net.counts(), [1, 0, 0, 0]);
});

test("two cards on one wire: guests of both talk", () => {
  const wire = new NetworkSegment();
  const first = new CardWithGuests({ numVfs: 1, wire, macAddress: Uint8Array.of(2, 0, 0, 0, 0, 1) });
  const second = new CardWithGuests({ numVfs: 2, wire, macAddress: Uint8Array.of(2, 0, 0, 0, 0, 2) });
  wire.join(first.card);
  wire.join(second.card);
  first.vfs[0]?.send(frame(vfAddress(1), vfAddress(0)));
  second.clock.advance(NS_PER_MS);
  assert.equal(second.received[1]?.length, 1);
  assert.equal((second.received[1]?.[0]?.status ?? 0) & LB, 0);
  assert.equal(second.received[0]?.length, 0);
});

test("without VFs the PF filters for itself: its address, broadcasts, groups, promiscuity (hostAccepts)", () => {
  const net = lab(0);
  for (const to of [net.pf.address, BROADCAST, GROUP, STRANGER]) net.fromWire(frame(to, STRANGER));
  assert.deepEqual(net.counts(), [2, 0]);
  net.pf.setMulticast([GROUP]);
  net.fromWire(frame(GROUP, STRANGER));
  assert.deepEqual(net.counts(), [1, 0]);
  net.pf.setPromiscuous(true);
  net.fromWire(frame(STRANGER, GROUP));
  assert.deepEqual(net.counts(), [1, 0]);
  net.fromWire(frame(net.pf.address, STRANGER, { vlan: 5 }));
  assert.deepEqual(net.counts(), [0, 0]);
  net.pf.setVlan(5, true);
  net.fromWire(frame(net.pf.address, STRANGER, { vlan: 5 }));
  net.guests.clock.advance(NS_PER_MS);
  assert.deepEqual(
    net.guests.received[0]?.map(({ vlan }) => vlan),
    [5],
  );
});
