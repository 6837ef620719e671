/** Laws of what queues carry: blocks hold what was written last, whatever came between, and nobody else's. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { blockCommand, type NvmeDriver } from "../guests/nvme-driver.ts";
import { bringOnline, NvmeLab } from "./testing/nvme-lab.ts";

const BLOCKS = 64;
const BLOCK_BYTES = 512;
const MOST_BLOCKS = 24;
const WRITE = 1;
const READ = 2;
const COMPARE = 5;
const WRITE_ZEROES = 8;
const FEW_RUNS = { numRuns: 60 };

interface Access {
  readonly kind: "write" | "read" | "compare" | "zero" | "move";
  readonly controller: number;
  readonly block: number;
  readonly blocks: number;
  readonly fill: number;
}

const accesses = fc.array(
  fc.record<Access>({
    kind: fc.constantFrom("write", "read", "compare", "zero", "move"),
    controller: fc.integer({ min: 0, max: 2 }),
    block: fc.integer({ min: 0, max: BLOCKS }),
    blocks: fc.integer({ min: 1, max: MOST_BLOCKS }),
    fill: fc.integer({ min: 1, max: 255 }),
  }),
  { maxLength: 60 },
);

/** Controllers 0 and 1 share namespace 1; namespace 2 is controller 2's alone. */
function tenants(): { lab: NvmeLab; drivers: NvmeDriver[] } {
  const lab = new NvmeLab({
    numVfs: 2,
    namespaces: [
      { id: 1, sizeBytes: BLOCKS * BLOCK_BYTES, controllers: [0, 1] },
      { id: 2, sizeBytes: BLOCKS * BLOCK_BYTES, controllers: [2] },
    ],
  });
  const primary = lab.started(0, { entries: 3 });
  for (const id of [1, 2]) bringOnline(primary, id);
  return { lab, drivers: [primary, lab.started(1, { entries: 2 }), lab.started(2, { entries: 5 })] };
}

function filled(blocks: number, fill: number): Uint8Array {
  return Uint8Array.from({ length: blocks * BLOCK_BYTES }, (_, index) => (fill + index * fill) & 0xff);
}

describe("I/O by queues", () => {
  test("agrees with an array, round the queues many times, while the device is saved and put in another's place", () => {
    fc.assert(
      fc.property(accesses, (list) => {
        const { lab, drivers } = tenants();
        const oracle = new Map([1, 2].map((id) => [id, new Uint8Array(BLOCKS * BLOCK_BYTES)]));
        for (const { kind, controller, block, blocks, fill } of list) {
          const driver = drivers[controller] as NvmeDriver;
          const namespaceId = controller === 2 ? 2 : 1;
          const expected = oracle.get(namespaceId) as Uint8Array;
          const at = block * BLOCK_BYTES;
          const fits = block + blocks <= BLOCKS;
          const wanted = fits ? 0 : 0x6080;
          const data = filled(blocks, fill);
          if (kind === "move") lab.replaceDevice();
          else if (kind === "write") {
            assert.equal(driver.io(0, WRITE, namespaceId, block, blocks, data), wanted);
            if (fits) expected.set(data, at);
          } else if (kind === "zero") {
            assert.equal(driver.io(0, WRITE_ZEROES, namespaceId, block, blocks), wanted);
            if (fits) expected.fill(0, at, at + data.length);
          } else if (kind === "compare") {
            const same = Buffer.from(data).equals(expected.subarray(at, at + data.length));
            const status = driver.io(0, COMPARE, namespaceId, block, blocks, data);
            assert.equal(status, fits && !same ? 0x2285 : wanted);
          } else {
            assert.equal(driver.io(0, READ, namespaceId, block, blocks, data), wanted);
            if (fits) assert.deepEqual(data, expected.slice(at, at + data.length));
          }
          // The other's namespace stays out of reach.
          assert.equal(driver.io(0, READ, 3 - namespaceId, 0, 1, new Uint8Array(BLOCK_BYTES)), 0x4002);
        }
      }),
      FEW_RUNS,
    );
  });

  test("commands that were submitted and not seen yet, and completions not taken yet, survive a move", () => {
    const { lab, drivers } = tenants();
    const driver = drivers[2] as NvmeDriver;
    const [queue] = driver.ioQueues;
    assert.ok(queue);
    driver.io(0, WRITE, 2, 7, 1, filled(1, 9));
    for (let round = 0; round < 40; round++) {
      // Four commands on queues of five entries; the first two complete before the move, the others after it.
      for (const slot of [0, 1]) queue.submit(slot, blockCommand(READ, 2, 7, 1), BLOCK_BYTES);
      queue.ring();
      for (const slot of [2, 3]) queue.submit(slot, blockCommand(READ, 2, 7, 1), BLOCK_BYTES);
      lab.replaceDevice();
      queue.ring();
      const seen: number[] = [];
      while (queue.next()) seen.push(queue.commandId, queue.status);
      queue.consumed();
      assert.deepEqual(seen, [0, 0, 1, 0, 2, 0, 3, 0]);
      for (const slot of [0, 1, 2, 3]) {
        const at: number = lab.base(2) + queue.dataAt(slot);
        assert.deepEqual(lab.memory.bytes.slice(at, at + BLOCK_BYTES), filled(1, 9));
        lab.memory.bytes.fill(0, at, at + BLOCK_BYTES);
      }
    }
  });

  test("a VF's controller alone can be saved and go on in another machine, as VFIO migration has it", () => {
    const { lab, drivers } = tenants();
    const driver = drivers[1] as NvmeDriver;
    driver.io(0, WRITE, 1, 3, 1, filled(1, 5));
    const state = JSON.parse(JSON.stringify(lab.controller(1).save()));
    lab.controller(1).reset("flr");
    assert.equal(driver.ready, false);
    lab.controller(1).restore(state);
    const data = new Uint8Array(BLOCK_BYTES);
    assert.equal(driver.io(0, READ, 1, 3, 1, data), 0);
    assert.deepEqual(data, filled(1, 5));
  });

  test("a controller's reset stops its own queues, and no other's", () => {
    const { lab, drivers } = tenants();
    lab.controller(1).reset("flr");
    assert.equal((drivers[1] as NvmeDriver).ready, false);
    assert.equal((drivers[2] as NvmeDriver).io(0, WRITE, 2, 0, 1, filled(1, 1)), 0);
    assert.deepEqual(new Set(lab.interrupts[2]), new Set([0, 1]));
  });
});
