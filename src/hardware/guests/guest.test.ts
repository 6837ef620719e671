import assert from "node:assert/strict";
import { test } from "node:test";
import { NS_PER_MS } from "../clock.ts";
import { FaultReason } from "../iommu/fault-reason.ts";
import { restoreMachine, saveMachine } from "../machine-state.ts";
import { E1000 } from "../nic/registers-82576.ts";
import { frame } from "../nic/testing/card-with-guests.ts";
import { NetworkSegment } from "../nic/wire.ts";
import { barAddressOf } from "./bar-address.ts";
import { TenantMachine, type TenantOptions } from "./testing/tenant-machine.ts";

const ALL_ONES = 0xffff_ffff;
const HANDLE_SHIFT = 2 ** 48;
const QUEUE_ENABLE = 0x0200_0000;
const RECEIVED_MASTER_ABORT = 0x2000;
/** Registers of a VF's queue (82576 data sheet §8.26). */
const RX = 0x2800;
const TX = 0x3800;
const [BASE, BASE_HIGH, LENGTH, HEAD, TAIL, CONTROL, HEAD_WRITE_BACK] = [0, 4, 8, 0x10, 0x18, 0x28, 0x38];
/** One frame of a buffer, to be written back. */
const SEND = 0x2b30_0000;

function tenants(options: Partial<TenantOptions> = {}) {
  const lab = new TenantMachine({ numVfs: 3, ...options });
  const send = (from: number, to: number, length = 64) =>
    lab.guest(from).driver.send(frame(lab.addressOf(to), lab.addressOf(from), { length }));
  const counts = () => {
    lab.machine.clock.advance(NS_PER_MS);
    const result = lab.received.map((list) => list.length);
    for (const list of lab.received) list.length = 0;
    return result;
  };
  /** All RAM but that of some guests. */
  const ramWithout = (...guests: readonly number[]) => {
    const bytes = lab.machine.memory.bytes.slice();
    for (const guest of guests) bytes.fill(0, lab.baseOf(guest), lab.baseOf(guest) + lab.guestBytes);
    return bytes;
  };
  return { lab, send, counts, ramWithout, host: lab.host, machine: lab.machine };
}

test("guests' frames go through rings, two translations and the switch, each to its own memory", () => {
  const { lab, send, counts, ramWithout, host } = tenants();
  const before = ramWithout(0, 1);
  for (let length = 60; length <= 1514; length += 97) assert.equal(send(0, 1, length), true);
  assert.deepEqual(counts(), [0, 15, 0, 0]);
  assert.equal(Buffer.compare(ramWithout(0, 1), before), 0);
  assert.equal(lab.guest(1).driver.statistics().rxPackets, 15);
  assert.equal(lab.guest(0).driver.statistics().txLoopbackPackets, 15);
  lab.guest(2).driver.send(frame(new Uint8Array(6).fill(0xff), lab.addressOf(2)));
  assert.deepEqual(counts(), [1, 1, 0, 1], "the host, too");
  assert.equal(host.pf.send(frame(lab.addressOf(2), host.pf.address)), true);
  assert.deepEqual(counts(), [0, 0, 1, 0]);
  assert.deepEqual(host.takeFaults(), []);
  assert.equal(host.interrupts.spurious, 0);
});

test("a guest's addresses are its own: what is host memory by number is the guest's by address", () => {
  const { lab, host } = tenants();
  const { fabric, memory } = lab.machine;
  const { rid } = lab.guest(1);
  const port = fabric.portOf(host.function(rid));
  const inHost = memory.bytes[0x1000];
  assert.equal(port.write(0x1000, Uint8Array.of(0x77), 0, 1), true);
  assert.equal(memory.bytes[lab.baseOf(1) + 0x1000], 0x77);
  assert.equal(memory.bytes[0x1000], inHost);
});

/** What a guest must not reach, and the fault that tells of it; none where the specification has none. */
const TARGETS: readonly { what: string; at: (lab: TenantMachine) => number; silent?: true; beyond?: true }[] = [
  { what: "another guest's memory", at: (lab) => lab.baseOf(1) },
  { what: "the host driver's memory", at: () => 0x50_0000 },
  { what: "the first page after its own", at: (lab) => lab.guestBytes },
  // VT-d §3.14: not a request for an interrupt, and no fault of its own.
  { what: "the interrupt address range", at: () => 0xfee0_0000, silent: true },
  { what: "a peer's BAR", at: (lab) => barAddressOf(lab.host.vf(1), 0) },
  { what: "the PF's BAR", at: (lab) => barAddressOf(lab.host.function(lab.host.pfRid), 0) },
  { what: "an address wider than its tables", at: () => 2 ** 48, beyond: true },
];

interface Attack {
  readonly how: string;
  readonly write: boolean;
  run(lab: TenantMachine, address: number): void;
}

function setRing(lab: TenantMachine, ring: number, address: number): void {
  const { mmio } = lab.guest(0);
  mmio.write32(ring + CONTROL, 0);
  mmio.write32(ring + BASE, address >>> 0);
  mmio.write32(ring + BASE_HIGH, Math.floor(address / 2 ** 32));
  mmio.write32(ring + LENGTH, 128);
  mmio.write32(ring + HEAD, 0);
  mmio.write32(ring + TAIL, 0);
  mmio.write32(ring + CONTROL, QUEUE_ENABLE);
}

function stop(lab: TenantMachine): void {
  for (const ring of [RX, TX]) lab.guest(0).mmio.write32(ring + CONTROL, 0);
}

/** A ring in the attacker's own memory, with one descriptor. */
function oneDescriptor(lab: TenantMachine, ring: number, address: number, command: number): void {
  const { memory } = lab.guest(0).memory;
  memory.bytes.fill(0, 0, 128);
  memory.write64(0, address);
  memory.write32(8, command);
  setRing(lab, ring, 0);
}

const STATION = { receive: () => {} };

function fromNetwork(lab: TenantMachine, wire: NetworkSegment): void {
  const bytes = frame(lab.addressOf(0), Uint8Array.of(2, 0, 0, 0, 0, 9));
  wire.transmit(STATION, bytes, 0, bytes.length);
}

for (const { what, at, silent, beyond } of TARGETS) {
  test(`a guest that programs its rings with ${what} gets faults, and changes nothing (VT-d §7)`, () => {
    const wire = new NetworkSegment();
    const attacks: readonly Attack[] = [
      { how: "a transmit ring", write: false, run: (lab, address) => setRing(lab, TX, address) },
      { how: "a frame to send", write: false, run: (lab, address) => oneDescriptor(lab, TX, address, SEND | 64) },
      {
        how: "where the transmit head is written to",
        write: true,
        run: (lab, address) => {
          oneDescriptor(lab, TX, 0x1000, SEND | 64);
          lab.guest(0).mmio.write32(TX + HEAD_WRITE_BACK, (address >>> 0) | 1);
          lab.guest(0).mmio.write32(TX + HEAD_WRITE_BACK + 4, Math.floor(address / 2 ** 32));
        },
      },
      { how: "a receive ring", write: false, run: (lab, address) => setRing(lab, RX, address) },
      { how: "a receive buffer", write: true, run: (lab, address) => oneDescriptor(lab, RX, address, 0) },
    ];
    const { lab, ramWithout, host, counts } = tenants({ wire });
    const { rid } = lab.guest(0);
    const address = at(lab);
    stop(lab);
    for (const { how, write, run } of attacks) {
      run(lab, address);
      const before = ramWithout(0);
      lab.guest(0).mmio.write32(TX + TAIL, 1);
      lab.guest(0).mmio.write32(RX + TAIL, 1);
      fromNetwork(lab, wire);
      assert.equal(Buffer.compare(ramWithout(0), before), 0, how);
      const reason = beyond
        ? FaultReason.beyondAddressWidth
        : write
          ? FaultReason.writeNotPermitted
          : FaultReason.readNotPermitted;
      const kind = write ? "write" : "read";
      const faults = silent ? [] : [{ reason, sourceId: rid, kind, addressType: 0, info: address - (address % 4096) }];
      assert.deepEqual(host.takeFaults(), faults, how);
      stop(lab);
    }
    const status = lab.machine.fabric.configRead(rid, 0x06, 2);
    assert.equal(host.interrupts.faultEvents, silent ? 0 : attacks.length);
    assert.equal(status & RECEIVED_MASTER_ABORT, RECEIVED_MASTER_ABORT, "the VF saw its reads fail");
    assert.equal(host.interrupts.spurious, 0);
    counts();
    lab.guest(1).driver.send(frame(lab.addressOf(2), lab.addressOf(1)));
    assert.deepEqual(counts(), [0, 0, 1, 0], "others carry on");
  });
}

test("a VF cannot raise another's vectors, whatever message it writes (VT-d §9.10, SVT and SID)", () => {
  const { lab, host, machine } = tenants();
  const { fabric } = machine;
  const victim = host.vf(1);
  const message = fabric.memoryRead(barAddressOf(victim, 3), 4);
  const handle = (message >>> 5) & 0x7fff;
  const arrived: number[] = [];
  const { interruptSink } = fabric;
  fabric.interruptSink = (interrupt) => {
    // But for the unit's own, of faults.
    if (interrupt.requesterId !== 0) arrived.push(interrupt.requesterId);
    interruptSink?.(interrupt);
  };
  const attacker = fabric.portOf(host.vf(0));
  assert.equal(attacker.writeMessage(message, 0), false);
  const expected = { sourceId: lab.guest(0).rid, kind: "write", addressType: 0 };
  assert.deepEqual(host.takeFaults(), [
    { ...expected, reason: FaultReason.sourceIdVerification, info: handle * HANDLE_SHIFT },
  ]);
  assert.equal(attacker.writeMessage(0xfee0_0000, 0x31), false, "nor in the format without remapping");
  assert.deepEqual(host.takeFaults(), [{ ...expected, reason: FaultReason.compatibilityFormatBlocked, info: 0 }]);
  assert.deepEqual(arrived, []);
  assert.equal(fabric.portOf(victim).writeMessage(message, 0), true);
  assert.deepEqual(arrived, [lab.guest(1).rid]);
});

test("a VF that is taken away amid traffic writes nothing more, and no fault is left", () => {
  const { lab, send, counts, host } = tenants();
  for (let sent = 0; sent < 5; sent++) send(0, 1);
  const { mmio } = lab.guest(1);
  lab.guest(1).detach();
  assert.equal(mmio.read32(E1000.STATUS), ALL_ONES);
  const memory = lab.guest(1).memory.memory.bytes.slice();
  counts();
  for (let sent = 0; sent < 5; sent++) send(0, 1);
  assert.equal(send(0, 2), true);
  assert.deepEqual(counts(), [0, 0, 1, 0]);
  assert.equal(Buffer.compare(lab.guest(1).memory.memory.bytes, memory), 0);
  assert.deepEqual(host.takeFaults(), []);
  lab.guest(1).attach(1);
  assert.equal(send(0, 1), true);
  assert.deepEqual(counts(), [0, 1, 0, 0], "another driver begins on the same VF");
});

test("a VF whose domain ends under it faults at each request: its context is gone, cached translations too", () => {
  const { lab, send, host, ramWithout } = tenants();
  send(0, 1);
  lab.machine.clock.advance(NS_PER_MS);
  const { rid } = lab.guest(1);
  lab.guest(1).domain.detach(rid);
  const before = ramWithout(0);
  send(0, 1);
  const faults = host.takeFaults();
  assert.ok(faults.length > 0);
  for (const { reason, sourceId } of faults) {
    assert.deepEqual([reason, sourceId], [FaultReason.contextNotPresent, rid]);
  }
  assert.equal(Buffer.compare(ramWithout(0), before), 0);
});

test("a page that is unmapped amid traffic is not written any more (qi_flush_iotlb)", () => {
  const { lab, send, host } = tenants({ guestBytes: 2 ** 21 + 4096 });
  send(0, 1);
  lab.machine.clock.advance(NS_PER_MS);
  const guest = lab.guest(1);
  guest.domain.unmap(0, lab.guestBytes);
  const memory = guest.memory.memory.bytes.slice();
  send(0, 1);
  assert.ok(host.takeFaults().some(({ sourceId }) => sourceId === guest.rid));
  assert.equal(Buffer.compare(guest.memory.memory.bytes, memory), 0);
  guest.domain.map(0, lab.baseOf(1), lab.guestBytes);
  assert.equal(guest.memory.memory.bytes.length, lab.guestBytes);
});

test("FLR of one VF ends its traffic and nobody else's (PCIe 6.0 §9.2.2.2)", () => {
  const { lab, send, counts, host } = tenants();
  send(2, 0);
  assert.deepEqual(counts(), [1, 0, 0, 0]);
  host.resetFunction(lab.guest(2).rid);
  send(2, 0);
  send(0, 2);
  for (let sent = 0; sent < 4; sent++) send(0, 1);
  assert.deepEqual(counts(), [0, 4, 0, 0]);
  assert.deepEqual(host.takeFaults(), []);
  lab.guest(2).detach();
  lab.guest(2).attach(2);
  send(2, 0);
  send(0, 2);
  assert.deepEqual(counts(), [1, 0, 1, 0]);
});

test("FLR of the PF ends all: VF Enable is clear, and the VFs are gone (PCIe 6.0 §9.2.2.3)", () => {
  const { lab, send, counts, host, machine } = tenants();
  const rids = lab.guests.map(({ rid }) => rid);
  host.resetFunction(host.pfRid);
  for (const rid of rids) assert.equal(machine.fabric.functionAt(rid), undefined);
  assert.equal(lab.guest(0).mmio.read32(E1000.STATUS), ALL_ONES);
  const before = machine.memory.bytes.slice(0, lab.baseOf(0));
  send(0, 1);
  assert.deepEqual(counts(), [0, 0, 0, 0]);
  for (const guest of lab.guests) guest.detach();
  assert.deepEqual(host.takeFaults(), []);
  assert.equal(before.length, lab.baseOf(0));
});

test("guests' memories are disjoint parts of RAM", () => {
  const { lab } = tenants();
  const marks = lab.guests.map(({ memory }, index) => {
    memory.memory.bytes.fill(index + 1);
    return index + 1;
  });
  for (const [index, { memory }] of lab.guests.entries()) {
    assert.ok(memory.memory.bytes.every((byte) => byte === marks[index]));
  }
});

test("a machine whose whole state went through JSON amid traffic goes on as the one that was never stopped", () => {
  const outcome = (replaceAt: number) => {
    const { lab, machine, host } = tenants({ descriptors: 32, guestBytes: 2 ** 18 });
    host.pf.vfs?.setRate(1, 0, 50);
    for (let step = 0; step < 60; step++) {
      if (step === replaceAt) replaceState(lab);
      const from = lab.guest(step % 3);
      from.driver.send(frame(lab.addressOf((step * 7 + 1) % 3), lab.addressOf(step % 3), { length: 60 + step * 20 }));
      if (step % 5 === 0) machine.clock.advance(step * 3000);
      if (step === 40) host.resetFunction(lab.guest(2).rid);
    }
    machine.clock.advance(20 * NS_PER_MS);
    return {
      received: lab.received,
      statistics: lab.guests.map(({ driver }) => ({ ...driver.statistics() })),
      faults: host.takeFaults(),
      state: JSON.stringify(saveMachine(machine)),
    };
  };
  const end = outcome(-1);
  assert.ok(end.received.flat().length > 20);
  for (const at of [0, 1, 17, 33, 41, 59]) assert.deepEqual(outcome(at), end, `at step ${at}`);
});

test("a state goes into a machine that has never had VFs, and the card there does its DMA as those", () => {
  const { lab, machine } = tenants();
  const TDT = 0x3818;
  const RDH = 0x2810;
  lab.guest(0).driver.send(frame(lab.addressOf(1), lab.addressOf(0)), undefined, true);
  const state = JSON.stringify(saveMachine(machine));
  const fresh = new TenantMachine({ numVfs: 0, guestBytes: 4 * lab.guestBytes });
  restoreMachine(fresh.machine, JSON.parse(state));
  const { fabric } = fresh.machine;
  const [sender, receiver] = [0, 1].map((vf) => barAddressOf(fresh.host.vf(vf), 0)) as [number, number];
  assert.equal(fabric.memoryRead(receiver + RDH, 4), 0);
  fabric.memoryWrite(sender + TDT, 4, 1);
  assert.equal(fabric.memoryRead(receiver + RDH, 4), 1);
  // Its VF may not do DMA any more: the restored function's own register decides.
  fabric.configWrite(fresh.host.vf(1).routingId, 0x04, 2, 0);
  lab.guest(0).driver.send(frame(lab.addressOf(1), lab.addressOf(0)), undefined, true);
  fresh.machine.memory.bytes.set(lab.guest(0).memory.memory.bytes, lab.baseOf(0));
  const before = fresh.machine.memory.bytes.slice(lab.baseOf(1), lab.baseOf(2));
  fabric.memoryWrite(sender + TDT, 4, 2);
  assert.equal(Buffer.compare(fresh.machine.memory.bytes.subarray(lab.baseOf(1), lab.baseOf(2)), before), 0);
});

/** Takes the state, spoils all that there is of it, and puts it back. */
function replaceState({ machine, host }: TenantMachine): void {
  const state = JSON.stringify(saveMachine(machine));
  const { interruptSink } = machine.fabric;
  machine.fabric.interruptSink = undefined;
  host.resetFunction(host.pfRid);
  machine.memory.bytes.fill(0xa5);
  restoreMachine(machine, JSON.parse(state));
  machine.fabric.interruptSink = interruptSink;
}
