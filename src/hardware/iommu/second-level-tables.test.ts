import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PhysicalMemory } from "../memory.ts";
import { PageAllocator } from "./page-allocator.ts";
import { SecondLevelTables } from "./second-level-tables.ts";

const MIB = 2 ** 20;
const PAGE = 4096;

function tablesOf(levels: 3 | 4 | 5 = 4) {
  const memory = new PhysicalMemory(4 * MIB);
  const pages = new PageAllocator(memory, 0, 4 * MIB);
  return { memory, pages, tables: new SecondLevelTables(memory, pages, levels) };
}

test("superpages are used where both addresses and the size allow them, and no further than told", () => {
  const { tables } = tablesOf();
  tables.map(2 * MIB, 4 * MIB, 2 * MIB);
  assert.equal(tables.tables().length, 3, "three levels, the last a superpage");
  tables.map(6 * MIB, 8 * MIB, 2 * MIB, { largestLevel: 1 });
  assert.equal(tables.tables().length, 4);
  tables.map(8 * MIB, 4 * MIB + PAGE, 2 * MIB);
  assert.equal(tables.tables().length, 5, "not aligned alike");
  assert.equal(tables.lookUp(8 * MIB + 5), 4 * MIB + PAGE + 5);
});

test("what is mapped is not mapped over, and a superpage goes wholly or not at all", () => {
  const { tables } = tablesOf();
  tables.map(2 * MIB, 4 * MIB, 2 * MIB);
  assert.throws(() => tables.map(2 * MIB + PAGE, 0, PAGE), RangeError);
  assert.throws(() => tables.map(2 * MIB, 0, 2 * MIB), RangeError);
  assert.throws(() => tables.unmap(2 * MIB, PAGE), RangeError);
  assert.throws(() => tables.map(2 ** 48, 0, PAGE), RangeError);
  assert.throws(() => tables.map(1, 0, PAGE), RangeError);
  assert.equal(tables.lookUp(3 * MIB), 5 * MIB);
});

test("unmap hands over the tables that it took out, and only those", () => {
  const { tables } = tablesOf();
  const before = tables.tables().length;
  tables.map(0, 0, PAGE);
  tables.map(2 * MIB, 0, 4 * PAGE);
  const all = tables.tables();
  assert.deepEqual(tables.unmap(0, PAGE), [], "its table spans more than was unmapped");
  const removed = tables.unmap(0, 4 * MIB);
  assert.equal(removed.length, 2);
  assert.deepEqual(
    tables.tables(),
    all.filter((table) => !removed.includes(table)),
  );
  assert.equal(tables.unmap(0, 2 ** 48).length, all.length - 2 - before);
});

test("any sequence of mapping and unmapping: each page is where a Map says", () => {
  const step = fc.record({
    kind: fc.constantFrom("map", "map", "unmap"),
    iova: fc.nat({ max: 40 }),
    far: fc.boolean(),
    physical: fc.nat({ max: 2 ** 30 }),
    count: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(3, 4, 5), fc.array(step, { maxLength: 12 }), (levels, steps) => {
      const { tables, pages } = tablesOf(levels as 3 | 4 | 5);
      const expected = new Map<number, number>();
      for (const { kind, iova, far, physical, count } of steps) {
        const start = (iova + (far ? 2 ** 26 : 500)) * PAGE;
        const range = Array.from({ length: count }, (_, index) => index * PAGE);
        if (kind === "unmap") {
          for (const page of tables.unmap(start, count * PAGE)) pages.free(page);
          for (const offset of range) expected.delete(start + offset);
        } else if (!range.some((offset) => expected.has(start + offset))) {
          tables.map(start, physical * PAGE, count * PAGE);
          for (const offset of range) expected.set(start + offset, (physical * PAGE + offset) % 2 ** 52);
        }
      }
      for (const far of [2 ** 26, 500]) {
        for (let page = 0; page < 60; page++) {
          const iova = (page + far) * PAGE;
          assert.equal(tables.lookUp(iova), expected.get(iova));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("pages of an allocator are zeroed, distinct, and end", () => {
  const memory = new PhysicalMemory(16 * PAGE);
  memory.bytes.fill(0xff);
  const pages = new PageAllocator(memory, 8 * PAGE, 2 * PAGE);
  const first = pages.allocate();
  assert.equal(first, 8 * PAGE);
  assert.equal(pages.allocate(), 9 * PAGE);
  assert.throws(() => pages.allocate(), RangeError);
  memory.write32(first, 5);
  pages.free(first);
  assert.equal(pages.allocate(), first);
  assert.equal(memory.read32(first), 0);
  assert.throws(() => new PageAllocator(memory, 8 * PAGE, 9 * PAGE), RangeError);
});
