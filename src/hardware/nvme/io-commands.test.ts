/** Commands of I/O queues, by sections of the NVM Command Set 1.0, and of the Base Specification 2.0 where it says so. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NvmeLab } from "./testing/nvme-lab.ts";

const FLUSH = 0;
const WRITE = 1;
const READ = 2;
const COMPARE = 5;
const WRITE_ZEROES = 8;
const DSM = 9;
const BLOCKS = 8192;

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + seed + (index >> 8)) & 0xff);
}

describe("blocks", () => {
  test("§3.2.6 Write, §3.2.4 Read: over pages and lists of them, and zeros where nothing was written", () => {
    const driver = new NvmeLab().started(0);
    // 1 block; 2 pages by PRP 2; 4 pages by a list (Base §4.1.1).
    for (const [block, blocks] of [
      [5, 1],
      [100, 16],
      [120, 32],
    ] as const) {
      const data = pattern(blocks * 512, block);
      assert.equal(driver.io(0, WRITE, 1, block, blocks, data), 0);
      const read = new Uint8Array(data.length);
      assert.equal(driver.io(0, READ, 1, block, blocks, read), 0);
      assert.deepEqual(read, data);
    }
    const empty = new Uint8Array(512).fill(1);
    assert.equal(driver.io(0, READ, 1, 4, 1, empty), 0);
    assert.deepEqual(empty, new Uint8Array(512));
  });

  test("§3.2.1 Compare, §3.2.8 Write Zeroes, Base §7.1 Flush", () => {
    const driver = new NvmeLab().started(0);
    const data = pattern(1024, 3);
    driver.io(0, WRITE, 1, 10, 2, data);
    assert.equal(driver.io(0, COMPARE, 1, 10, 2, data), 0);
    assert.equal(driver.io(0, COMPARE, 1, 11, 2, data), 0x2285, "Compare Failure, with More");
    assert.equal(driver.io(0, WRITE_ZEROES, 1, 10, 1), 0);
    assert.equal(driver.io(0, COMPARE, 1, 10, 1, new Uint8Array(512)), 0);
    assert.equal(driver.io(0, COMPARE, 1, 11, 1, data.slice(512)), 0, "the next block is as it was");
    assert.equal(driver.io(0, FLUSH, 1, 0, 1), 0);
    assert.equal(driver.io(0, FLUSH, 0xffff_ffff, 0, 1), 0);
  });

  test("§3.2.3 Dataset Management deallocates all ranges, or none", () => {
    const driver = new NvmeLab().started(0);
    driver.io(0, WRITE, 1, 0, 32, pattern(16_384, 1));
    const [queue] = driver.ioQueues;
    assert.ok(queue);
    const deallocate = (ranges: readonly (readonly [number, number])[]) => {
      const data = new DataView(new ArrayBuffer(16 * ranges.length));
      for (const [index, [block, blocks]] of ranges.entries()) {
        data.setUint32(16 * index + 4, blocks, true);
        data.setUint32(16 * index + 8, block, true);
      }
      // Command Dword 10 counts ranges from 0; Dword 11 has Deallocate.
      return driver.io(0, DSM, 1, ranges.length - 1 + 4 * 2 ** 32, 1, new Uint8Array(data.buffer));
    };
    assert.equal(
      deallocate([
        [2, 2],
        [BLOCKS - 1, 2],
      ]),
      0x6080,
    );
    assert.equal(driver.io(0, COMPARE, 1, 2, 1, pattern(16_384, 1).slice(1024, 1536)), 0, "it is there yet");
    assert.equal(
      deallocate([
        [2, 2],
        [9, 1],
      ]),
      0,
    );
    for (const block of [2, 3, 9]) assert.equal(driver.io(0, COMPARE, 1, block, 1, new Uint8Array(512)), 0);
    assert.equal(driver.io(0, COMPARE, 1, 4, 1, pattern(16_384, 1).slice(2048, 2560)), 0);
  });
});

describe("what is refused", () => {
  const data = () => new Uint8Array(512);

  test("blocks beyond the end, namespaces that are not there, opcodes that are none", () => {
    const lab = new NvmeLab({
      namespaces: [
        { id: 1, sizeBytes: 4 * 2 ** 20 },
        { id: 2, sizeBytes: 2 ** 20, controllers: [1] },
      ],
    });
    const driver = lab.started(0);
    assert.equal(driver.io(0, READ, 1, BLOCKS - 1, 1, data()), 0);
    for (const opcode of [READ, WRITE, COMPARE, WRITE_ZEROES]) {
      assert.equal(driver.io(0, opcode, 1, BLOCKS - 1, 2, new Uint8Array(1024)), 0x6080);
      assert.equal(driver.io(0, opcode, 1, 2 ** 60, 1, data()), 0x6080);
    }
    assert.equal(driver.io(0, READ, 0, 0, 1, data()), 0x400b);
    assert.equal(driver.io(0, READ, 257, 0, 1, data()), 0x400b);
    assert.equal(driver.io(0, READ, 2, 0, 1, data()), 0x4002, "Base §3.2.1.4: another controller's is inactive");
    assert.equal(driver.io(0, 0x7d, 1, 0, 1), 0x4001);
    assert.equal(driver.io(0, READ, 1, 0, 2048, data()), 0x4002, "Base §5.17.2.1: above MDTS");
  });

  test("Base §4.1.1 PRP entries with offsets that they may not have", () => {
    const lab = new NvmeLab();
    const driver = lab.started(0);
    const [queue] = driver.ioQueues;
    assert.ok(queue);
    const read = (address: number, prp2: number, blocks: number) => {
      queue.submitAt(3, { opcode: READ, namespaceId: 1, dword12: blocks - 1 }, address, prp2);
      queue.ring();
      assert.ok(queue.next());
      queue.consumed();
      return queue.status;
    };
    const at = 0x10_0000;
    assert.equal(read(at + 2, 0, 1), 0x4013, "no dword");
    assert.equal(read(at, at + 8, 16), 0x4013, "PRP 2 is no page");
    assert.equal(read(at, at + 4, 32), 0x4013, "a list is of quadwords");
    assert.equal(read(at + 4096 - 512, at + 8192, 2), 0, "a page's end and another's beginning");
    lab.memory.write64(at + 8, 0x1008);
    assert.equal(read(at, at + 8, 32), 0x4013, "an entry is no page");
    assert.equal(read(0x100_0000_0000, 0, 1), 0x2004, "Data Transfer Error");
    assert.equal(read(at, 0x100_0000_0000, 32), 0x0004);
  });

  test("Base §4.1.1 the last entry of a list's page names the next", () => {
    const lab = new NvmeLab();
    const driver = lab.started(0, { entries: 16, slotBytes: 32_768 });
    const [queue] = driver.ioQueues;
    assert.ok(queue);
    const data = pattern(32_768, 9);
    assert.equal(driver.io(0, WRITE, 1, 0, 64, data), 0);
    // Pages in reverse, by a list that begins two entries before its page's end.
    const base = 0x10_0000;
    const list = base + 4096 - 16;
    const page = (index: number) => base + 0x2_0000 - index * 4096;
    lab.memory.write64(list, page(1));
    lab.memory.write64(list + 8, base + 8192);
    for (let index = 2; index < 8; index++) lab.memory.write64(base + 8192 + (index - 2) * 8, page(index));
    queue.submitAt(3, { opcode: READ, namespaceId: 1, dword12: 63 }, page(0), list);
    queue.ring();
    assert.ok(queue.next());
    queue.consumed();
    assert.equal(queue.status, 0);
    const read = Array.from({ length: 8 }, (_, index) => [
      ...lab.memory.bytes.subarray(page(index), page(index) + 4096),
    ]);
    assert.deepEqual(Uint8Array.from(read.flat()), data);
  });

  test("Base §3.3.3.1 SGLs and fused commands, which Identify does not offer", () => {
    const lab = new NvmeLab();
    const driver = lab.started(0);
    assert.equal(driver.io(0, READ | (0x40 << 8), 1, 0, 1, data()), 0x4002);
    assert.equal(driver.io(0, READ | (0x01 << 8), 1, 0, 1, data()), 0x4002);
    assert.equal(driver.admin({ opcode: 6 | (0x40 << 8), dword10: 1 }, new Uint8Array(4096)).status, 0x4002);
  });
});
