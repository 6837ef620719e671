import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { NS_PER_MS } from "../clock.ts";
import { E1000 } from "./registers-82576.ts";
import { BROADCAST, CardWithGuests, frame, vfAddress } from "./testing/card-with-guests.ts";
import { NetworkSegment, type WireEnd } from "./wire.ts";

const VFS = 4;
const DESCRIPTORS = 16;
const STRANGER = Uint8Array.of(0x52, 0x54, 0x99, 0x00, 0x00, 0x01);
const RQDPC = 0x2830;
const ETHERNET = 14;

/** Where a frame goes: a VF by number, all, or somebody beyond the wire. */
const destinations = fc.oneof(fc.nat({ max: VFS - 1 }), fc.constantFrom("all" as const, "stranger" as const));
const addressOf = (to: number | "all" | "stranger") =>
  to === "all" ? BROADCAST : to === "stranger" ? STRANGER : vfAddress(to);

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("send" as const),
        from: fc.nat({ max: VFS - 1 }),
        to: destinations,
        times: fc.integer({ min: 1, max: 6 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("wire" as const),
        vlan: fc.constantFrom(-1, 10, 20, 30),
        to: destinations,
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("poll" as const), vf: fc.nat({ max: VFS - 1 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("spoof" as const), from: fc.nat({ max: VFS - 1 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), us: fc.nat({ max: 300 }) }) },
  ),
  { maxLength: 60 },
);
const tenants = fc.array(fc.constantFrom(0, 10, 20), { minLength: VFS, maxLength: VFS });

type Step = typeof steps extends fc.Arbitrary<readonly (infer T)[]> ? T : never;

/** A number in a frame's payload that tells it from all others. */
function numbered(to: Uint8Array, from: Uint8Array, vlan: number, number: number): Uint8Array {
  const bytes = frame(to, from, { vlan });
  new DataView(bytes.buffer).setUint32(bytes.length - 4, number);
  return bytes;
}

function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4);
}

class Listener implements WireEnd {
  readonly heard: Uint8Array[] = [];

  receive(bytes: Uint8Array, at: number, length: number): void {
    this.heard.push(bytes.slice(at, at + length));
  }
}

function start(vlans: readonly number[]) {
  const wire = new NetworkSegment();
  const listener = new Listener();
  const lab = new CardWithGuests({ numVfs: VFS, wire, descriptors: DESCRIPTORS });
  wire.join(lab.card);
  wire.join(listener);
  vlans.forEach((vlan, vf) => {
    assert.equal(lab.pf.vfs?.setVlan(vf, vlan, 0), undefined);
  });
  const run = (step: Step, number: number) => {
    if (step.kind === "send") {
      for (let time = 0; time < step.times; time++) {
        lab.vfs[step.from]?.send(numbered(addressOf(step.to), vfAddress(step.from), -1, number));
      }
    } else if (step.kind === "wire") {
      const bytes = numbered(addressOf(step.to), STRANGER, step.vlan, number);
      lab.card.receive(bytes, 0, bytes.length);
    } else if (step.kind === "poll") {
      lab.vfs[step.vf]?.poll();
    } else if (step.kind === "spoof") {
      lab.vfs[step.from]?.send(numbered(BROADCAST, STRANGER, -1, number));
    } else {
      lab.clock.advance(step.us * 1000);
    }
  };
  return { lab, listener, run };
}

/** The VFs that a step's frames are for, by who is whose tenant: the whole of isolation in one line each. */
function recipients(step: Step, vlans: readonly number[]): number[] {
  const all = vlans.map((_, vf) => vf);
  if (step.kind === "send") {
    const peers = all.filter((vf) => vf !== step.from && vlans[vf] === vlans[step.from]);
    return step.to === "all" ? peers : peers.filter((vf) => vf === step.to);
  }
  if (step.kind !== "wire") return [];
  const members = all.filter((vf) => vlans[vf] === Math.max(0, step.vlan));
  return step.to === "all" ? members : members.filter((vf) => vf === step.to);
}

test("every frame reaches those it is for, or is counted as dropped, and reaches nobody else", () => {
  fc.assert(
    fc.property(tenants, steps, (vlans, list) => {
      const { lab, listener, run } = start(vlans);
      // Frames wait in rings until a step polls, so that some find no descriptor.
      for (let vf = 0; vf < VFS; vf++) lab.card.vf(vf).writeBar(0, E1000.EIMC, 4, 7);
      const expected = vlans.map(() => 0);
      let sent = 0;
      let spoofed = 0;
      list.forEach((step, number) => {
        run(step, number);
        const times = step.kind === "send" ? step.times : 1;
        for (const vf of recipients(step, vlans)) expected[vf] = (expected[vf] ?? 0) + times;
        if (step.kind === "send") sent += step.times;
        if (step.kind === "spoof") spoofed++;
      });
      for (const vf of lab.vfs) vf.poll();
      expected.forEach((count, vf) => {
        const dropped = lab.card.vf(vf).readBar(0, RQDPC, 4);
        const got = lab.received[vf] ?? [];
        assert.equal(got.length + dropped, count, `VF ${vf}`);
        assert.equal(lab.vfs[vf]?.statistics().rxPackets, got.length);
        for (const { bytes } of got) assert.ok(recipients(list[numberOf(bytes)] as Step, vlans).includes(vf));
      });
      assert.equal(lab.card.read(E1000.HGPTC), sent);
      assert.equal(lab.card.read(E1000.SSVPC), spoofed);
      assert.equal(lab.card.read(E1000.GPTC), listener.heard.length);
      for (const bytes of listener.heard) {
        const step = list[numberOf(bytes)] as Step;
        assert.equal(step.kind, "send");
        const vlan = vlans[step.kind === "send" ? step.from : 0] ?? 0;
        const tag = bytes[12] === 0x81 && bytes[13] === 0 ? new DataView(bytes.buffer).getUint16(ETHERNET) : 0;
        assert.equal(tag, vlan, "on the wire, a tenant's frames carry its VLAN");
      }
    }),
    { numRuns: 150 },
  );
});

test("a card whose state went through JSON in the middle of traffic goes on as the one that was never stopped", () => {
  fc.assert(
    fc.property(tenants, steps, fc.nat(), (vlans, list, where) => {
      const outcome = (replaceAt: number) => {
        const { lab, listener, run } = start(vlans);
        lab.pf.vfs?.setRate(1, 0, 50);
        list.forEach((step, number) => {
          if (number === replaceAt) lab.replaceCard();
          run(step, number);
        });
        lab.clock.advance(20 * NS_PER_MS);
        return {
          received: lab.received,
          statistics: lab.vfs.map((vf) => vf.statistics()),
          interrupts: lab.interrupts,
          heard: listener.heard.length,
          state: lab.card.save(),
          memory: createHash("sha256").update(lab.memory.bytes).digest("hex"),
        };
      };
      const end = outcome(-1);
      if (list.length > 0) assert.deepEqual(outcome(where % list.length), end);
    }),
    { numRuns: 25 },
  );
});

test("a VF's state alone, taken and given back after a reset, is the VF as it was (VFIO migration)", () => {
  const { lab } = start([0, 0, 0, 0]);
  lab.card.vf(1).writeBar(0, E1000.EIMC, 4, 7);
  for (let i = 0; i < 5; i++) lab.vfs[0]?.send(numbered(vfAddress(1), vfAddress(0), -1, i));
  const state = JSON.stringify(lab.card.vf(1).save());
  lab.card.vf(1).reset("flr");
  assert.equal(lab.card.vf(1).readBar(0, 0x2808, 4), 0);
  lab.card.vf(1).restore(JSON.parse(state));
  assert.equal(JSON.stringify(lab.card.vf(1).save()), state);
  assert.equal(lab.vfs[1]?.poll(), 5);
  // The PF's part is the PF's to bring back: it lets the pool receive again.
  lab.card.write(E1000.VFRE, 0xff);
  lab.card.write(E1000.VFTE, 0xff);
  lab.pf.vfs?.setMac(1, vfAddress(1));
  lab.pf.vfs?.setVlan(1, 0, 0);
  lab.vfs[0]?.send(numbered(vfAddress(1), vfAddress(0), -1, 6));
  assert.equal(lab.vfs[1]?.poll(), 1);
  lab.vfs[1]?.send(numbered(vfAddress(0), vfAddress(1), -1, 7));
  lab.clock.advance(NS_PER_MS);
  assert.equal(lab.received[0]?.length, 1);
});
