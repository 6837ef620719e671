import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IOTLB_READ, IOTLB_SIZE_SHIFT, IOTLB_WRITE, Iotlb } from "./iotlb.ts";

const PAGE = 4096;
const BOTH = IOTLB_READ | IOTLB_WRITE;

test("pages that follow one another never displace each other, at any function and address", () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffff }), fc.nat({ max: 2 ** 30 }), (requesterId, first) => {
      const iotlb = new Iotlb(64);
      const pages = Array.from({ length: 64 }, (_, index) => (first * 1024 + index) * PAGE);
      for (const page of pages) iotlb.insert(requesterId, page, page + BOTH, 1);
      for (const page of pages) assert.equal(iotlb.find(requesterId, page), page + BOTH);
    }),
  );
});

test("an entry is found by its function and its page alone", () => {
  const iotlb = new Iotlb(1);
  iotlb.insert(0x0110, 0x5000, 0x8000 + BOTH, 1);
  assert.equal(iotlb.find(0x0110, 0x5000), 0x8000 + BOTH);
  assert.equal(iotlb.find(0x0111, 0x5000), 0);
  assert.equal(iotlb.find(0x0110, 0x6000), 0);
  assert.equal(iotlb.find(0x0110, 0x5000 + 2 ** 44), 0, "whose lower 32 bits of the page number are alike");
});

test("no number of global invalidations brings an old entry back", () => {
  const iotlb = new Iotlb(16);
  iotlb.insert(0x0110, 0x5000, 0x8000 + BOTH, 1);
  for (let count = 0; count < 2 * 0x8000 + 2; count++) {
    iotlb.invalidateAll();
    assert.equal(iotlb.find(0x0110, 0x5000), 0);
    if (count === 0x8000) iotlb.insert(0x0110, 0x7000, 0x8000 + BOTH, 1);
    else if (count > 0x8000) assert.equal(iotlb.find(0x0110, 0x7000), 0);
  }
});

test("page-selective invalidation takes what overlaps the range, and nothing else", () => {
  const entry = fc.record({
    page: fc.nat({ max: 2000 }),
    size: fc.nat({ max: 1 }),
    domain: fc.integer({ min: 1, max: 2 }),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), fc.nat({ max: 2000 }), fc.nat({ max: 11 }), (entries, at, mask) => {
      const iotlb = new Iotlb(4096);
      const held = new Map(entries.map((each) => [each.page, each]));
      for (const { page, size, domain } of held.values()) {
        iotlb.insert(0x0110, page * PAGE, page * PAGE + BOTH + (size << IOTLB_SIZE_SHIFT), domain);
      }
      iotlb.invalidatePages(1, at * PAGE, mask);
      const pages = (first: number, bits: number) =>
        [(first >> bits) << bits, ((first >> bits) << bits) + (1 << bits) - 1] as const;
      const [from, to] = pages(at, mask);
      for (const { page, size, domain } of held.values()) {
        const [first, last] = pages(page, size * 9);
        const gone = domain === 1 && first <= to && last >= from;
        assert.equal(iotlb.find(0x0110, page * PAGE) === 0, gone);
      }
    }),
  );
});

test("what is held is saved; what an invalidation left void is not", () => {
  const iotlb = new Iotlb(64);
  iotlb.insert(0x0110, 0x5000, 0x8000 + BOTH, 1);
  iotlb.invalidateAll();
  iotlb.insert(0x0111, 0x6000, 0x9000 + BOTH, 2);
  assert.deepEqual(iotlb.save(), [[0x0111, 0x6000, 0x9000 + BOTH, 2]]);
  const other = new Iotlb(64);
  other.insert(0x0110, 0x1000, 0x1000 + BOTH, 1);
  other.restore(iotlb.save());
  assert.deepEqual(other.save(), iotlb.save());
  assert.throws(() => new Iotlb(48), RangeError);
});
