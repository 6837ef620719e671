/** Registers of a controller, by sections of NVM Express Base 2.0. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NvmeLab } from "./testing/nvme-lab.ts";

const CC = 0x14;
const CSTS = 0x1c;
const AQA = 0x24;
const ASQ = 0x28;
const ACQ = 0x30;
const ENABLE = 0x0046_0001;
const SECOND_PAGE = 0x2000;

/** Admin queues of 4 entries at 4 KiB and 8 KiB. */
function enable(lab: NvmeLab, cc = ENABLE): number {
  lab.write(0, AQA, 0x0003_0003);
  lab.write(0, ASQ, 0x1000);
  lab.write(0, ACQ, SECOND_PAGE);
  lab.write(0, CC, cc);
  return lab.read(0, CSTS);
}

/** Puts an Identify Controller at a place of the admin submission queue. */
function putIdentify(lab: NvmeLab, index: number, commandId = index, opcode = 6): void {
  const at = 0x1000 + index * 64;
  lab.memory.bytes.fill(0, at, at + 64);
  lab.memory.write32(at, opcode | (commandId << 16));
  lab.memory.write64(at + 24, 0x4000);
  lab.memory.write32(at + 40, 1);
}

describe("controller properties", () => {
  test("§3.1.3.1 CAP, §3.1.3.2 VS", () => {
    const lab = new NvmeLab({ doorbellStride: 2 });
    assert.equal(lab.read(0, 0x00), 0x0f01_07ff, "MQES 2047, CQR, 7.5 s");
    assert.equal(lab.read(0, 0x04), 0x0040_0022, "DSTRD 2, NVM command set, MPSMIN 0, MPSMAX 4");
    assert.equal(lab.read(0, 0x08), 0x0001_0400);
    assert.equal(lab.controller(0).readBar(0, 0x0a, 2), 1);
    assert.equal(lab.controller(0).readBar(0, 0x09, 1), 4);
  });

  test("§3.5.1 CC.EN makes it ready, §3.7.2 and not ready, with AQA, ASQ and ACQ as they were", () => {
    const lab = new NvmeLab();
    assert.equal(enable(lab), 1);
    lab.write(0, CC, 0);
    assert.equal(lab.read(0, CSTS), 0);
    assert.deepEqual(
      [AQA, ASQ, ACQ].map((at) => lab.read(0, at)),
      [0x0003_0003, 0x1000, SECOND_PAGE],
    );
    enable(lab);
    lab.device.reset("flr");
    assert.deepEqual(
      [CC, CSTS, AQA, ASQ].map((at) => lab.read(0, at)),
      [0, 0, 0, 0],
    );
  });

  for (const [what, cc] of [
    ["pages above MPSMAX", ENABLE | (5 << 7)],
    ["a command set that it has not", ENABLE | (1 << 4)],
    ["submission entries of another size", 0x0047_0001],
    ["completion entries of another size", 0x0056_0001],
    ["admin queues that do not begin with a page of CC.MPS", ENABLE | (1 << 7)],
  ] as const) {
    test(`§3.1.3.5 ${what}: CSTS.CFS`, () => assert.equal(enable(new NvmeLab(), cc), 2));
  }

  test("§3.1.3.8 queues of one entry: CSTS.CFS", () => {
    const lab = new NvmeLab();
    lab.write(0, AQA, 0x0003_0000);
    lab.write(0, CC, ENABLE);
    assert.equal(lab.read(0, CSTS), 2);
  });

  test("§3.6.1 CC.SHN shuts down: CSTS.SHST is complete until the next reset", () => {
    const lab = new NvmeLab();
    enable(lab);
    lab.write(0, CC, ENABLE | 0x4000);
    assert.equal(lab.read(0, CSTS), 9);
    lab.write(0, CC, 0);
    assert.equal(lab.read(0, CSTS), 0);
    assert.equal(enable(lab), 1);
  });

  test("§3.1.3.6 memory of the admin queue that does not answer: CSTS.CFS, and nothing more happens", () => {
    const lab = new NvmeLab();
    lab.write(0, AQA, 0x0003_0003);
    lab.write(0, ASQ + 4, 0x100);
    lab.write(0, ACQ, SECOND_PAGE);
    lab.write(0, CC, ENABLE);
    lab.write(0, 0x1000, 1);
    assert.equal(lab.read(0, CSTS), 3);
    lab.write(0, 0x1000, 2);
    assert.equal(lab.read(0, CSTS), 3);
  });

  test("§3.1.3.3 INTMS holds an interrupt back until §3.1.3.4 INTMC", () => {
    const lab = new NvmeLab();
    enable(lab);
    lab.write(0, 0x0c, 1);
    putIdentify(lab, 0);
    lab.write(0, 0x1000, 1);
    assert.deepEqual(lab.interrupts[0], []);
    assert.equal(lab.read(0, 0x0c), 1);
    lab.replaceDevice();
    lab.write(0, 0x10, 1);
    assert.deepEqual(lab.interrupts[0], [0]);
    assert.equal(lab.read(0, 0x10), 0);
  });

  test("PCIe Transport 1.0 §3.1.2: doorbells stand CAP.DSTRD apart", () => {
    const lab = new NvmeLab({ doorbellStride: 3 });
    enable(lab);
    putIdentify(lab, 0, 7);
    lab.write(0, 0x1000, 1);
    assert.equal(lab.memory.read32(SECOND_PAGE + 12), 0x0001_0007, "phase 1, success, command 7");
    assert.equal(lab.read(0, 0x1000), 0, "a doorbell reads as nothing");
    // With this driver, whose doorbells follow CAP.
    assert.deepEqual(lab.started(0).namespaces(), [1]);
  });
});

describe("§3.3.3.2 completion queue entries", () => {
  test("command, queue and its head, status and phase; the phase turns with each round", () => {
    const lab = new NvmeLab();
    enable(lab);
    let tail = 0;
    for (let command = 0; command < 12; command++) {
      putIdentify(lab, tail, 0x100 + command, command % 2 === 0 ? 6 : 0x77);
      tail = (tail + 1) % 4;
      lab.write(0, 0x1000, tail);
      const at = SECOND_PAGE + (command % 4) * 16;
      const phase = Math.floor(command / 4) % 2 === 0 ? 1 : 0;
      const status = command % 2 === 0 ? 0 : 0x4001;
      assert.equal(lab.memory.read32(at + 8), tail, "queue 0, and its head");
      assert.equal(lab.memory.read32(at + 12), 0x100 + command + (status * 2 + phase) * 0x1_0000, `${command}`);
      lab.write(0, 0x1004, (command + 1) % 4);
    }
  });

  test("§3.3.1.5 a full completion queue holds commands back until there is room", () => {
    const lab = new NvmeLab();
    lab.write(0, AQA, 0x0001_0003);
    lab.write(0, ASQ, 0x1000);
    lab.write(0, ACQ, SECOND_PAGE);
    lab.write(0, CC, ENABLE);
    for (let index = 0; index < 3; index++) putIdentify(lab, index, 1 + index);
    lab.write(0, 0x1000, 3);
    assert.equal(lab.memory.read32(SECOND_PAGE + 12) & 0xffff, 1);
    assert.equal(lab.memory.read32(SECOND_PAGE + 28), 0, "of two entries one can be used");
    lab.write(0, 0x1004, 1);
    assert.equal(lab.memory.read32(SECOND_PAGE + 28) & 0xffff, 2);
    lab.write(0, 0x1004, 0);
    assert.equal(lab.memory.read32(SECOND_PAGE + 12), 0x0000_0003, "round again, phase 0");
    assert.deepEqual(lab.interrupts[0], [0, 0, 0]);
  });
});
