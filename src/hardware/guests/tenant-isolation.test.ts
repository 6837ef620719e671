import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FaultReason } from "../iommu/fault-reason.ts";
import type { Fault } from "../iommu/intel-iommu.ts";
import { frame } from "../nic/testing/card-with-guests.ts";
import { barAddressOf } from "./bar-address.ts";
import type { Guest } from "./guest.ts";
import { TenantMachine } from "./testing/tenant-machine.ts";

const PAGE = 4096;
const GUESTS = 3;
/** Of each guest: the driver's rings and buffers at the beginning, and pages beyond that only these tests use. */
const GUEST_PAGES = 24;
const FIRST_FREE_PAGE = 18;
const QUEUE_ENABLE = 0x0200_0000;
const SEND = 0x2b30_0000;
const RX = 0x2800;
const TX = 0x3800;
const [BASE, BASE_HIGH, LENGTH, HEAD, TAIL, CONTROL] = [0, 4, 8, 0x10, 0x18, 0x28];
const RING_BYTES = 128;

interface Mapping {
  readonly page: number;
  readonly read: boolean;
  readonly write: boolean;
}

/** Where an access goes: a page of the guest's own, by its address; or somewhere that is nobody's or another's. */
type Place = { readonly own: number } | { readonly elsewhere: number };
type Step =
  | { do: "map"; guest: number; at: number; page: number; read: boolean; write: boolean }
  | { do: "unmap"; guest: number; at: number }
  | { do: "detach"; guest: number }
  | { do: "flr"; guest: number }
  | { do: "attach"; guest: number; vf: number }
  | { do: "dma"; guest: number; place: Place; write: boolean }
  | { do: "transmit"; guest: number; ring: Place; buffer: Place }
  | { do: "receive"; guest: number; ring: Place; buffer: Place }
  | { do: "traffic"; guest: number; to: number }
  | { do: "message"; guest: number; victim: number };

const small = (max: number) => fc.nat({ max });
const mostly = small(3).map((number) => number > 0);
const guest = small(GUESTS - 1);
const place: fc.Arbitrary<Place> = fc.oneof(
  { weight: 3, arbitrary: small(3).map((own) => ({ own })) },
  { weight: 2, arbitrary: small(9).map((elsewhere) => ({ elsewhere })) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("map" as const),
      guest,
      at: small(3),
      page: fc.integer({ min: FIRST_FREE_PAGE, max: GUEST_PAGES - 1 }),
      read: mostly,
      write: mostly,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("unmap" as const), guest, at: small(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("detach" as const), guest }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("flr" as const), guest }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("attach" as const), guest, vf: guest }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("dma" as const), guest, place, write: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("transmit" as const, "receive" as const),
      guest,
      ring: place,
      buffer: place,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("traffic" as const), guest, to: guest }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("message" as const), guest, victim: guest }) },
);

/** Where each guest's changing mappings are, by its address: above its memory. */
const WINDOW = 0x4000_0000;

/** A machine with tenants, beside the little that there is to know of it. */
class Tenants {
  readonly lab = new TenantMachine({ numVfs: GUESTS, guestBytes: GUEST_PAGES * PAGE, descriptors: 16 });
  readonly mapped: Map<number, Mapping>[] = Array.from({ length: GUESTS }, () => new Map());
  /** The VF that each has. */
  readonly vfOf: (number | undefined)[] = Array.from({ length: GUESTS }, (_, index) => index);
  /** VFs whose driver and card agree: no ring of theirs was set from here, nor have they been reset. */
  readonly sound = new Set(this.lab.guests.keys());
  readonly #pfBar = barAddressOf(this.lab.host.function(this.lab.host.pfRid), 0);
  landed = 0;
  faults = 0;

  run(step: Step): void {
    const { lab } = this;
    const before = lab.machine.memory.bytes.slice(lab.baseOf(0));
    const touched = this.#run(step);
    // Guests that the step gave nothing to have what they had.
    const after = lab.machine.memory.bytes;
    for (let index = 0; index < GUESTS; index++) {
      if (touched.includes(index)) continue;
      const start = index * lab.guestBytes;
      const was = before.subarray(start, start + lab.guestBytes);
      const is = after.subarray(lab.baseOf(index), lab.baseOf(index) + lab.guestBytes);
      assert.equal(Buffer.compare(was, is), 0, `the memory of guest ${index} changed`);
    }
    assert.equal(lab.host.interrupts.spurious, 0);
  }

  /** @returns the guests whose memory it may have changed */
  #run(step: Step): number[] {
    const { lab } = this;
    const own = lab.guest(step.guest);
    const vf = this.vfOf[step.guest];
    if (step.do === "map") this.#map(own, step);
    else if (step.do === "unmap") this.#unmap(own, step);
    else if (step.do === "attach") return this.#attach(own, step);
    else if (vf === undefined) return [];
    else if (step.do === "detach") {
      own.detach();
      this.vfOf[step.guest] = undefined;
    } else if (step.do === "flr") {
      this.sound.delete(step.guest);
      lab.host.resetFunction(own.rid);
      // The guest's system restores what it had (pci_restore_state).
      own.setBusMaster(true);
    } else if (step.do === "dma") return this.#dma(own, step);
    else if (step.do === "traffic") return this.#traffic(own, step);
    else if (step.do === "message") this.#message(own, step);
    else return this.#ring(own, step);
    this.#left([]);
    return [];
  }

  #map(own: Guest, { guest, at, page, read, write }: Step & { do: "map" }): void {
    const iova = WINDOW + at * PAGE;
    const mapped = this.mapped[guest];
    if (mapped?.has(iova) || !(read || write)) return;
    own.domain.map(iova, this.lab.baseOf(guest) + page * PAGE, PAGE, { read, write });
    mapped?.set(iova, { page, read, write });
  }

  #unmap(own: Guest, { guest, at }: Step & { do: "unmap" }): void {
    if (this.mapped[guest]?.delete(WINDOW + at * PAGE)) own.domain.unmap(WINDOW + at * PAGE, PAGE);
  }

  #attach(own: Guest, { guest, vf }: Step & { do: "attach" }): number[] {
    if (this.vfOf[guest] !== undefined || this.vfOf.includes(vf)) return [];
    own.attach(vf);
    this.vfOf[guest] = vf;
    this.sound.add(guest);
    this.#left([]);
    return [guest];
  }

  #dma(own: Guest, { guest, place, write }: Step & { do: "dma" }): number[] {
    const { lab } = this;
    const address = this.#addressOf(guest, place) + 24;
    const port = lab.machine.fabric.portOf(lab.host.function(own.rid));
    const expected = this.#expected(own, guest, address, write);
    const bytes = Uint8Array.of(1, 2, 3, 4, 5);
    const done = write ? port.write(address, bytes, 0, 5) : port.read(address, bytes, 0, 5);
    assert.equal(done, expected === undefined);
    this.#left(expected === undefined || expected === "silent" ? [] : [expected]);
    if (!done) return [];
    this.landed++;
    const page = this.#pageOf(guest, address);
    const at = lab.baseOf(guest) + page * PAGE + (address % PAGE);
    if (write) assert.deepEqual([...lab.machine.memory.bytes.subarray(at, at + 5)], [1, 2, 3, 4, 5]);
    else assert.deepEqual([...bytes], [...lab.machine.memory.bytes.subarray(at, at + 5)]);
    return write ? [guest] : [];
  }

  /** The guest sets a ring itself, wherever it likes, with one descriptor if it can put it there. */
  #ring(own: Guest, step: Step & { do: "transmit" | "receive" }): number[] {
    const { lab } = this;
    this.sound.delete(step.guest);
    const ring = this.#addressOf(step.guest, step.ring);
    const buffer = this.#addressOf(step.guest, step.buffer);
    const page = this.#pageOf(step.guest, ring);
    const at = page * PAGE;
    const { memory } = own.memory;
    if (page >= 0) {
      memory.bytes.fill(0, at, at + RING_BYTES);
      memory.write64(at, buffer);
      memory.write32(at + 8, step.do === "transmit" ? SEND | 64 : 0);
    }
    const registers = step.do === "transmit" ? TX : RX;
    own.mmio.write32(registers + CONTROL, 0);
    own.mmio.write32(registers + BASE, ring >>> 0);
    own.mmio.write32(registers + BASE_HIGH, Math.floor(ring / 2 ** 32));
    own.mmio.write32(registers + LENGTH, RING_BYTES);
    own.mmio.write32(registers + HEAD, 0);
    own.mmio.write32(registers + TAIL, 0);
    own.mmio.write32(registers + CONTROL, QUEUE_ENABLE);
    const card = lab.machine.fabric;
    const vf = this.vfOf[step.guest] as number;
    // A VF that was reset is not let send or receive until its driver talks to the PF.
    const enabled = (card.memoryRead(this.#pfBar + (step.do === "transmit" ? 0xc90 : 0xc8c), 4) & (1 << vf)) !== 0;
    const expected: Fault[] = [];
    const goesOn = (address: number, write: boolean): boolean => {
      const fault = this.#expected(own, step.guest, address, write);
      if (fault !== undefined && fault !== "silent") expected.push(fault);
      if (fault === undefined) this.landed++;
      return fault === undefined;
    };
    own.mmio.write32(registers + TAIL, 1);
    if (step.do === "receive") {
      // From the network, for this guest alone; no other memory has a part in it.
      const bytes = frame(own.driver.address, Uint8Array.of(2, 0, 0, 0, 0, 9));
      lab.card.receive(bytes, 0, bytes.length);
      if (enabled && goesOn(ring, false) && goesOn(buffer, true)) goesOn(ring, true);
    } else if (enabled && goesOn(ring, false)) {
      goesOn(buffer, false);
      goesOn(ring, true);
    }
    this.#left(expected);
    own.mmio.write32(registers + CONTROL, 0);
    return [step.guest];
  }

  #traffic(own: Guest, { guest, to }: Step & { do: "traffic" }): number[] {
    const { lab } = this;
    const works = [guest, to].every((index) => this.sound.has(index) && this.vfOf[index] !== undefined);
    if (!works || guest === to) return [];
    const list = lab.received[to] as Uint8Array[];
    list.length = 0;
    const bytes = frame(lab.guest(to).driver.address, own.driver.address);
    assert.equal(own.driver.send(bytes), true);
    lab.machine.clock.advance(1_000_000);
    assert.deepEqual(list, [bytes]);
    this.#left([]);
    return [guest, to];
  }

  #message(own: Guest, { victim }: Step & { do: "message" }): void {
    const { lab } = this;
    const { fabric } = lab.machine;
    const address = 0xfee0_0018 | ((1 + victim) << 5);
    const { rid } = own;
    const heard = lab.host.interrupts.faultEvents;
    const done = fabric.portOf(lab.host.function(rid)).writeMessage(address >>> 0, 0);
    // Handles from 1 on are the PF's ten.
    assert.equal(done, false);
    const info = (1 + victim) * 2 ** 48;
    this.#left([{ reason: FaultReason.sourceIdVerification, sourceId: rid, kind: "write", addressType: 0, info }]);
    assert.equal(lab.host.interrupts.faultEvents, heard + 1);
  }

  #addressOf(guest: number, place: Place): number {
    if ("own" in place) return WINDOW + place.own * PAGE;
    const { lab } = this;
    const places = [
      ...lab.guests.map((_, index) => lab.baseOf(index) + FIRST_FREE_PAGE * PAGE),
      lab.guestBytes,
      0x50_0000,
      0xfee0_0000,
      this.#pfBar,
      lab.baseOf((guest + 1) % GUESTS),
      2 ** 48,
      WINDOW - PAGE,
    ];
    return places[place.elsewhere] as number;
  }

  /** The page of the guest's memory at an address of its own, or -1. */
  #pageOf(guest: number, address: number): number {
    return this.mapped[guest]?.get(address - (address % PAGE))?.page ?? -1;
  }

  #expected(own: Guest, guest: number, address: number, write: boolean): Fault | "silent" | undefined {
    // VT-d §3.14: blocked, without a fault of its own.
    if (address >= 0xfee0_0000 && address < 0xfef0_0000) return "silent";
    const page = address - (address % PAGE);
    const mapping = this.mapped[guest]?.get(page);
    if (write ? mapping?.write : mapping?.read) return undefined;
    const reason =
      address >= 2 ** 48
        ? FaultReason.beyondAddressWidth
        : write
          ? FaultReason.writeNotPermitted
          : FaultReason.readNotPermitted;
    return { reason, sourceId: own.rid, kind: write ? "write" : "read", addressType: 0, info: page };
  }

  /** Exactly these faults were recorded. */
  #left(expected: readonly Fault[]): void {
    this.faults += expected.length;
    assert.deepEqual(this.lab.host.takeFaults(), expected);
  }
}

test("no access of a VF lands outside its guest, and each violation leaves its fault: 400 histories of a whole machine", {
  timeout: 600_000,
}, () => {
  let landed = 0;
  let faults = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 80 }), (steps) => {
      const tenants = new Tenants();
      for (const each of steps) tenants.run(each);
      landed += tenants.landed;
      faults += tenants.faults;
    }),
    { numRuns: 400 },
  );
  assert.ok(landed > 1000 && faults > 5000, `${landed} accesses landed, ${faults} faults`);
});
