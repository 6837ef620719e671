import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelClock } from "../clock.ts";
import { PhysicalMemory } from "../memory.ts";
import { FlatPort } from "../testing/flat-port.ts";
import { Igb82576 } from "./igb-82576.ts";
import { E1000 } from "./registers-82576.ts";

const V2P = 0xc40;
const VMBMEM = 0x800;

function newCard() {
  const memory = new PhysicalMemory(4096);
  const port = new FlatPort(memory, new ModelClock());
  const card = new Igb82576({ port, vfPort: () => port, macAddress: new Uint8Array(6) });
  card.enableVfs(3);
  card.write(E1000.CTRL_EXT, 0x4000);
  const vf = card.vf(2);
  vf.readBar(0, V2P, 4);
  return { card, vf };
}

test("the mailbox's memory is one for VF and PF, and each VF has its own", () => {
  const { card, vf } = newCard();
  vf.writeBar(0, VMBMEM + 60, 4, 0x1234_5678);
  assert.equal(card.read(E1000.VMBMEM + 2 * 64 + 60), 0x1234_5678);
  card.write(E1000.VMBMEM + 2 * 64, 7);
  assert.equal(vf.readBar(0, VMBMEM, 4), 7);
  assert.equal(card.vf(1).readBar(0, VMBMEM, 4), 0);
});

test("whoever has the lock keeps the other out (e1000_obtain_mbx_lock_vf, igb_obtain_mbx_lock_pf)", () => {
  const { card, vf } = newCard();
  const p2v = E1000.P2VMAILBOX + 8;
  vf.writeBar(0, V2P, 4, 0x4);
  assert.equal(vf.readBar(0, V2P, 4), 0x4);
  card.write(p2v, 0x8);
  assert.equal(card.read(p2v) & 0x8, 0);
  vf.writeBar(0, V2P, 4, 0x1);
  card.write(p2v, 0x8);
  assert.equal(card.read(p2v) & 0x8, 0x8);
  vf.writeBar(0, V2P, 4, 0x4);
  assert.equal(vf.readBar(0, V2P, 4) & 0xc, 0x8);
});

test("REQ and ACK cause VMMB and the VF's bits of MBVFICR, unless MBVFIMR masks them", () => {
  const { card, vf } = newCard();
  vf.writeBar(0, V2P, 4, 0x1);
  assert.equal(card.read(E1000.MBVFICR), 0x4);
  assert.equal(card.read(E1000.ICR) & 0x100, 0x100);
  vf.writeBar(0, V2P, 4, 0x2);
  assert.equal(card.read(E1000.MBVFICR), 0x4_0004);
  card.write(E1000.MBVFICR, 0x4_0000);
  assert.equal(card.read(E1000.MBVFICR), 0x4);
  card.read(E1000.ICR);
  card.write(E1000.MBVFIMR, 0xfb);
  vf.writeBar(0, V2P, 4, 0x1);
  assert.equal(card.read(E1000.ICR) & 0x100, 0);
});

test("STS and ACK of the PF are read by the VF once", () => {
  const { card, vf } = newCard();
  card.write(E1000.P2VMAILBOX + 8, 0x3);
  assert.equal(vf.readBar(0, V2P, 4), 0x30);
  assert.equal(vf.readBar(0, V2P, 4), 0);
});

test("RVFU takes the mailbox from a VF that is stuck, with what it asked for", () => {
  const { card, vf } = newCard();
  vf.writeBar(0, V2P, 4, 0x5);
  card.write(E1000.P2VMAILBOX + 8, 0x10);
  assert.equal(vf.readBar(0, V2P, 4) & 0x4, 0);
  assert.equal(card.read(E1000.MBVFICR), 0);
});
