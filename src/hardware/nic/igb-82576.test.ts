import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelClock, NS_PER_MS } from "../clock.ts";
import { PhysicalMemory } from "../memory.ts";
import { FlatPort } from "../testing/flat-port.ts";
import { Igb82576 } from "./igb-82576.ts";
import { E1000, type RegisterName } from "./registers-82576.ts";
import { CardWithGuests, frame } from "./testing/card-with-guests.ts";

const MAC = Uint8Array.of(0x00, 0x1b, 0x21, 0x82, 0x57, 0x60);
const SLU = 0x40;
const LU = 0x2;

function newCard() {
  const clock = new ModelClock();
  const vectors: number[] = [];
  const memory = new PhysicalMemory(1 << 16);
  const port = new FlatPort(memory, clock, (vector) => vectors.push(vector));
  const card = new Igb82576({ port, vfPort: () => port, macAddress: MAC, lanId: 1 });
  const mdic = (value: number) => {
    card.write(E1000.MDIC, value);
    return card.read(E1000.MDIC);
  };
  return { clock, card, vectors, mdic };
}

test("the EEPROM adds up to 0xBABA, as igb_validate_nvm_checksum wants, and begins with the address", () => {
  const { card } = newCard();
  const words = Array.from({ length: 0x40 }, (_, word) => {
    card.write(E1000.EERD, (word << 2) | 1);
    const value = card.read(E1000.EERD);
    assert.equal(value & 2, 2, "done");
    return value >>> 16;
  });
  assert.equal(words.reduce((sum, word) => sum + word, 0) & 0xffff, 0xbaba);
  assert.deepEqual(words.slice(0, 3), [0x1b00, 0x8221, 0x6057]);
  card.write(E1000.EERD, (0x3000 << 2) | 1);
  assert.equal(card.read(E1000.EERD) & 2, 0, "a word that there is not is never done");
});

test("igb_read_mac_addr finds the address in the first receive address", () => {
  const { card } = newCard();
  assert.equal(card.read(E1000.RAL), 0x8221_1b00);
  assert.equal(card.read(E1000.RAH), 0x8000_6057);
});

test("igb_acquire_nvm: the grant follows the request; igb_get_auto_rd_done finds the EEPROM read", () => {
  const { card } = newCard();
  assert.equal(card.read(E1000.EECD) & 0x3c0, 0x300);
  card.write(E1000.EECD, card.read(E1000.EECD) | 0x40);
  assert.equal(card.read(E1000.EECD) & 0x3c0, 0x3c0);
  card.write(E1000.EECD, card.read(E1000.EECD) & ~0x40);
  assert.equal(card.read(E1000.EECD) & 0x80, 0);
});

test("igb_get_hw_semaphore: SMBI is taken by the read that finds it free", () => {
  const { card } = newCard();
  assert.equal(card.read(E1000.SWSM) & 1, 0);
  assert.equal(card.read(E1000.SWSM) & 1, 1);
  card.write(E1000.SWSM, 0x2);
  assert.equal(card.read(E1000.SWSM) & 3, 2);
});

test("igb_get_phy_id finds an IGP03E1000 at address 1, and an error at others", () => {
  const { mdic } = newCard();
  const read = (phy: number, register: number) => mdic(0x0800_0000 | (phy << 21) | (register << 16));
  const id = ((read(1, 2) & 0xffff) << 16) | (read(1, 3) & 0xfff0);
  assert.equal(id, 0x02a8_0390);
  assert.notEqual(read(2, 2) & 0x4000_0000, 0);
  assert.notEqual(mdic(0x0400_0000 | (1 << 21) | (2 << 16) | 5) & 0x4000_0000, 0, "the id cannot be written");
});

test("the link is up once negotiation is done and CTRL.SLU is set, and LSC tells", () => {
  const { card, clock } = newCard();
  assert.equal(card.read(E1000.STATUS) & 0xc, 4, "the second port");
  card.write(E1000.CTRL, card.read(E1000.CTRL) | SLU);
  assert.equal(card.read(E1000.STATUS) & LU, 0);
  clock.advance(500 * NS_PER_MS);
  assert.equal(card.read(E1000.STATUS) & (LU | 0x80), LU | 0x80);
  assert.equal(card.read(E1000.ICR) & 4, 4);
  card.carrier = false;
  assert.equal(card.read(E1000.STATUS) & LU, 0);
  assert.equal(card.read(E1000.ICR) & 4, 4);
  card.carrier = true;
  clock.advance(499 * NS_PER_MS);
  assert.equal(card.read(E1000.STATUS) & LU, 0);
  clock.advance(NS_PER_MS);
  assert.equal(card.read(E1000.STATUS) & LU, LU);
});

test("CTRL.RST brings registers back, keeps packet buffer sizes and the PHY's link, and shows VFs RSTI until PFRSTD", () => {
  const { card, clock } = newCard();
  clock.advance(500 * NS_PER_MS);
  card.write(E1000.RXPBS, 0x22);
  card.write(E1000.VMVIR, 0x4000_0001);
  card.write(E1000.RAL, 0);
  card.write(E1000.CTRL_EXT, 0x4000);
  card.enableVfs(1);
  const vf = card.vf(0);
  assert.equal(vf.readBar(0, 0xc40, 4), 0x80, "RSTD");
  assert.equal(vf.readBar(0, 0xc40, 4), 0, "which a read clears (igbvf's R2C bits)");
  card.write(E1000.CTRL, card.read(E1000.CTRL) | 0x0400_0000);
  assert.equal(card.read(E1000.CTRL) & 0x0400_0000, 0);
  assert.equal(card.read(E1000.RXPBS), 0x22);
  assert.equal(card.read(E1000.VMVIR), 0);
  assert.equal(card.read(E1000.RAL), 0x8221_1b00);
  assert.equal(vf.readBar(0, 0xc40, 4), 0x40, "RSTI");
  card.write(E1000.CTRL, card.read(E1000.CTRL) | SLU);
  assert.equal(card.read(E1000.STATUS) & LU, LU);
});

test("STATUS tells how many VFs there are, and whether the card may be a bus master", () => {
  const { card } = newCard();
  assert.equal(card.read(E1000.STATUS) & 0x7_c000, 0);
  card.enableVfs(5);
  assert.equal(card.read(E1000.STATUS) & 0x7_c000, 0x4_0000 | (5 << 14));
  assert.notEqual(card.read(E1000.STATUS) & 0x8_0000, 0);
  card.write(E1000.CTRL, card.read(E1000.CTRL) | 4);
  assert.equal(card.read(E1000.STATUS) & 0x8_0000, 0, "igb_disable_pcie_master");
  card.disableVfs();
  assert.throws(() => card.vf(0), RangeError);
});

test("the I/O BAR reaches registers by IOADDR and IODATA; parts of dwords can be read, not written", () => {
  const { card } = newCard();
  card.writeBar(2, 0, 4, E1000.VET);
  assert.equal(card.readBar(2, 4, 4), 0x8100_8100);
  card.writeBar(2, 4, 4, 0x88a8_8100);
  assert.equal(card.readBar(0, E1000.VET + 2, 2), 0x88a8);
  card.writeBar(0, E1000.VET, 1, 0);
  assert.equal(card.readBar(0, E1000.VET, 1), 0x00);
  assert.equal(card.readBar(0, E1000.VET, 4), 0x88a8_8100);
});

test("FRTIMER runs with the model's clock", () => {
  const { card, clock } = newCard();
  clock.advance(2_003_004_000);
  assert.equal(card.read(E1000.FRTIMER), (2 << 20) | (3 << 10) | 4);
});

test("a VF sees its own registers only", () => {
  const { card } = newCard();
  card.enableVfs(2);
  const [first, second] = [card.vf(0), card.vf(1)];
  first.writeBar(0, 0x2800, 4, 0x1000);
  second.writeBar(0, 0x2900, 4, 0x2000);
  assert.equal(card.read(E1000.RDBAL), 0x1000);
  assert.equal(card.read(E1000.RDBAL + 9 * 0x40), 0x2000, "queue 1 of VF 1 is queue 9 (§8.26.1)");
  assert.equal(second.readBar(0, 0x2800, 4), 0);
  first.writeBar(0, E1000.VFRE, 4, 0);
  assert.equal(card.read(E1000.VFRE), 0xff, "what is the PF's cannot be reached");
  assert.equal(first.readBar(0, E1000.VFRE, 4), 0);
  assert.equal(first.readBar(3, 0, 4), 0);
});

test("a VF's reset disables its queues and its pool, and the PF finds it in VFLRE", () => {
  const { card } = newCard();
  card.enableVfs(2);
  card.vf(1).writeBar(0, 0x2828, 4, 0x0200_0000);
  card.vf(0).writeBar(0, 0x2828, 4, 0x0200_0000);
  card.vf(1).reset("flr");
  assert.equal(card.read(E1000.RXDCTL + 0x40), 0x1_0000);
  assert.equal(card.read(E1000.RXDCTL) & 0x0200_0000, 0x0200_0000);
  assert.equal(card.read(E1000.VFRE), 0xfd);
  assert.equal(card.read(E1000.VFTE), 0xfd);
  assert.equal(card.read(E1000.VFLRE), 2);
  assert.equal(card.read(E1000.ICR) & 0x100, 0x100);
  card.vf(0).writeBar(0, 0, 4, 0x0400_0000);
  assert.equal(card.read(E1000.VFLRE), 3, "VTCTRL.RST is the same");
});

/** What `ethtool -t` of igb finds writable: registers by the bits that keep what is written, for each of how many. */
const KEPT_BITS: readonly (readonly [mask: number, count: number, names: readonly RegisterName[]])[] = [
  [0xffff_ffff, 1, ["FCAL", "VET"]],
  [0x0000_ffff, 1, ["FCAH", "FCT", "FCTTV"]],
  [0x0000_fff0, 1, ["FCRTH"]],
  [0x3fff_ffff, 1, ["TIPG"]],
  [0xffff_ff80, 16, ["RDBAL", "TDBAL"]],
  [0xffff_ffff, 16, ["RDBAH", "TDBAH"]],
  [0x000f_fff0, 16, ["RDLEN", "TDLEN"]],
  [0x0000_ffff, 16, ["RDT"]],
  [0xffff_ffff, 16, ["RAL"]],
  [0x83ff_ffff, 16, ["RAH"]],
  [0xffff_ffff, 128, ["MTA"]],
];

test("registers keep the bits that igb's offline test writes (igb_reg_test)", () => {
  const strides: Partial<Record<RegisterName, number>> = { RAL: 8, RAH: 8, MTA: 4 };
  const { card } = newCard();
  for (let queue = 0; queue < 16; queue++) card.write(E1000.RXDCTL + queue * 0x40, 1 << 25);
  for (const [mask, count, names] of KEPT_BITS) {
    for (const name of names) {
      for (let index = 0; index < count; index++) {
        const offset = E1000[name] + index * (strides[name] ?? 0x40);
        for (const pattern of [0x5a5a_5a5a, 0xa5a5_a5a5, 0, 0xffff_ffff]) {
          card.write(offset, pattern);
          assert.equal((card.read(offset) & mask) >>> 0, (pattern & mask) >>> 0, `${name}[${index}]`);
        }
      }
    }
  }
  const status = () => card.read(E1000.STATUS) & 0x7fff_f3ff;
  const before = status();
  card.write(E1000.STATUS, ~before);
  assert.equal(status(), before, "but for PHYRA, STATUS cannot be written");
});

test("with the PHY in loopback the card receives what it sends, on no wire (igb_integrated_phy_loopback)", () => {
  const wire = { sent: 0, transmit: () => void wire.sent++ };
  const net = new CardWithGuests({ numVfs: 0, wire });
  net.card.write(E1000.MDIC, 0x0400_0000 | (1 << 21) | 0x4140);
  net.card.write(E1000.CTRL, net.card.read(E1000.CTRL) | SLU);
  net.pf.send(frame(net.pf.address, net.pf.address));
  net.clock.advance(NS_PER_MS);
  assert.deepEqual(
    net.received[0]?.map(({ bytes }) => bytes),
    [frame(net.pf.address, net.pf.address)],
  );
  assert.equal(wire.sent, 0);
});
