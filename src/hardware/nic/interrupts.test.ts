import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ModelClock } from "../clock.ts";
import { PhysicalMemory } from "../memory.ts";
import { FlatPort } from "../testing/flat-port.ts";
import { Igb82576 } from "./igb-82576.ts";
import { E1000 } from "./registers-82576.ts";

const GPIE_OF_IGB = 0xc000_0011;
const US = 1000;

/** A card with three VFs, and the messages that each function sent: "pf 1", "vf2 0". */
function newCard() {
  const clock = new ModelClock();
  const memory = new PhysicalMemory(4096);
  const messages: string[] = [];
  const portOf = (name: string) => new FlatPort(memory, clock, (vector) => messages.push(`${name} ${vector}`));
  const card = new Igb82576({ port: portOf("pf"), vfPort: (vf) => portOf(`vf${vf}`), macAddress: new Uint8Array(6) });
  card.enableVfs(3);
  card.write(E1000.GPIE, GPIE_OF_IGB);
  const take = () => messages.splice(0);
  return { clock, card, take };
}

test("a VF's vectors are the card's from 22 - 3n on, and only the VF changes them", () => {
  const { card, take } = newCard();
  card.write(E1000.EIMS, 0x01ff_ffff);
  assert.equal(card.read(E1000.EIMS), 0x0000_ffff, "nine of 25 are VFs'");
  const vf = card.vf(1);
  vf.writeBar(0, E1000.EIMS, 4, 0x7);
  assert.equal(card.read(E1000.EIMS), 0x0038_ffff);
  vf.writeBar(0, E1000.EICS, 4, 0x5);
  assert.deepEqual(take(), ["vf1 0", "vf1 2"]);
  assert.equal(vf.readBar(0, E1000.EICR, 4), 5);
  assert.equal(vf.readBar(0, E1000.EICR, 4), 0, "read to clear");
  card.write(E1000.EICS, 1 << 19);
  assert.deepEqual(take(), []);
});

test("EIAC clears the cause when the message is sent, EIAM masks the vector (GPIE.EIAME)", () => {
  const { card, take } = newCard();
  card.write(E1000.EIAC, 2);
  card.write(E1000.EIAM, 2);
  card.write(E1000.EIMS, 2);
  card.write(E1000.EICS, 2);
  assert.deepEqual(take(), ["pf 1"]);
  assert.equal(card.read(E1000.EIMS), 0);
  assert.equal(card.read(E1000.EICR), 0);
});

test("EICS unmasks what EIAM has, as igbvf_intr_msix_tx relies on", () => {
  const { card, take } = newCard();
  card.write(E1000.EIAC, 2);
  card.write(E1000.EIAM, 2);
  card.write(E1000.EICS, 2);
  assert.deepEqual(take(), ["pf 1"]);
});

test("a cause that comes while masked is sent when it is unmasked, once", () => {
  const { card, take } = newCard();
  card.write(E1000.EICS, 4);
  assert.deepEqual(take(), []);
  card.write(E1000.EIMS, 4);
  card.write(E1000.EIMS, 4);
  assert.deepEqual(take(), ["pf 2"]);
});

test("EITR holds messages back until the interval is over (§7.3: moderation), in microseconds from bit 2", () => {
  const { card, clock, take } = newCard();
  card.write(E1000.EIAC, 2);
  card.write(E1000.EIMS, 2);
  card.write(E1000.EITR + 4, 100 << 2);
  card.write(E1000.EICS, 2);
  assert.deepEqual(take(), ["pf 1"]);
  clock.advance(40 * US);
  card.write(E1000.EICS, 2);
  card.write(E1000.EICS, 2);
  clock.advance(59 * US);
  assert.deepEqual(take(), []);
  clock.advance(US);
  assert.deepEqual(take(), ["pf 1"], "both in one");
  clock.advance(1000 * US);
  assert.deepEqual(take(), []);
});

test("a write of EITR begins anew unless CNT_IGNR is set (igb_write_itr sets it)", () => {
  const { card, clock, take } = newCard();
  card.write(E1000.EIAC, 2);
  card.write(E1000.EIMS, 2);
  card.write(E1000.EITR + 4, 100 << 2);
  card.write(E1000.EICS, 2);
  card.write(E1000.EICS, 2);
  card.write(E1000.EITR + 4, 0x8000_0000 | (50 << 2));
  assert.deepEqual(take(), ["pf 1"]);
  card.write(E1000.EITR + 4, 50 << 2);
  assert.deepEqual(take(), ["pf 1"]);
  assert.equal(card.read(E1000.EITR + 4), 50 << 2);
  clock.advance(1000 * US);
  assert.deepEqual(take(), []);
});

test("never more messages than EITR allows, and none is lost", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 40 }), (gaps) => {
      const { card, clock, take } = newCard();
      card.write(E1000.EIAC, 2);
      card.write(E1000.EIMS, 2);
      card.write(E1000.EITR + 4, 50 << 2);
      let last = Number.NEGATIVE_INFINITY;
      const seen = () => {
        for (const _ of take()) {
          assert.ok(clock.nowNs - last >= 50 * US);
          last = clock.nowNs;
        }
      };
      for (const gap of gaps) {
        card.write(E1000.EICS, 2);
        seen();
        for (let us = 0; us < gap; us++) {
          clock.advance(US);
          seen();
        }
      }
      clock.advance(50 * US);
      seen();
      assert.equal(card.read(E1000.EICR) & 2, 0, "all that was caused was told");
    }),
  );
});

test("causes of ICR share the vector of IVAR_MISC; reading ICR clears all (GPIE.NSICR)", () => {
  const { card, take } = newCard();
  card.write(E1000.EIMS, 1);
  card.write(E1000.EIAC, 1);
  card.write(E1000.IVAR_MISC, 0x8000);
  card.write(E1000.IMS, 0x4);
  card.write(E1000.ICS, 0x104);
  assert.deepEqual(take(), ["pf 0"]);
  assert.equal(card.read(E1000.ICR), 0x8000_0104);
  assert.equal(card.read(E1000.ICR), 0);
  assert.equal(card.read(E1000.IMC), 4, "§8.8.10");
});

test("without MSI-X there is one message for all causes", () => {
  const { card, take } = newCard();
  card.write(E1000.GPIE, 0);
  card.write(E1000.IMS, 0x4);
  card.write(E1000.ICS, 0x4);
  assert.deepEqual(take(), ["pf 0"]);
  card.write(E1000.ICS, 0x4);
  assert.deepEqual(take(), [], "pending already");
  card.read(E1000.ICR);
  card.write(E1000.ICS, 0x4);
  assert.deepEqual(take(), ["pf 0"]);
});

test("without MSI-X the wire is asserted while a cause of ICR is not masked: until it is read, or masked", () => {
  const clock = new ModelClock();
  const levels: boolean[] = [];
  const port = new FlatPort(
    new PhysicalMemory(4096),
    clock,
    () => {},
    (pending) => levels.push(pending),
  );
  const card = new Igb82576({ port, vfPort: () => port, macAddress: new Uint8Array(6) });
  card.write(E1000.ICS, 4);
  assert.deepEqual(levels, []);
  card.write(E1000.IMS, 4);
  assert.deepEqual(levels, [true]);
  assert.equal(card.read(E1000.ICR) & 4, 4);
  assert.deepEqual(levels, [true, false]);
  card.write(E1000.ICS, 4);
  card.write(E1000.IMC, 4);
  assert.deepEqual(levels, [true, false, true, false]);
  card.write(E1000.GPIE, GPIE_OF_IGB);
  card.write(E1000.IMS, 4);
  assert.deepEqual(levels.splice(0), [true, false, true, false], "with MSI-X there is none");
});
