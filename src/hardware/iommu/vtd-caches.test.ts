import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { attached, RID } from "./testing/attached-function.ts";
import { DMA_GCMD_TE } from "./vtd-registers.ts";

const MIB = 2 ** 20;

describe("VT-d §6: what is cached stays until it is invalidated", () => {
  test("a page that is unmapped is still reached", () => {
    const { tables, vtd, driver } = attached();
    tables.map(0x1000, 0x8000, 4096);
    assert.equal(vtd.translate(RID, 0x1000, true), 0x8000);
    tables.unmap(0x1000, 4096);
    assert.equal(vtd.translate(RID, 0x1000, true), 0x8000, "stale");
    driver.flushIotlb(6, 0x1000);
    driver.flushIotlb(5, 0x2000);
    assert.equal(vtd.translate(RID, 0x1000, true), 0x8000, "of another domain, of another page");
    driver.flushIotlb(5, 0x1000);
    assert.equal(vtd.translate(RID, 0x1000, true), -1);
  });

  test("a page that is mapped anew is reached at once: what is absent is not cached", () => {
    const { tables, vtd } = attached();
    assert.equal(vtd.translate(RID, 0x1000, true), -1);
    tables.map(0x1000, 0x8000, 4096);
    assert.equal(vtd.translate(RID, 0x1000, true), 0x8000);
  });

  test("any page of a superpage invalidates all of it (§6.5.2.3)", () => {
    const { tables, vtd, driver } = attached();
    tables.map(4 * MIB, 6 * MIB, 2 * MIB);
    assert.equal(vtd.translate(RID, 4 * MIB + 0x5000, true), 6 * MIB + 0x5000);
    tables.unmap(4 * MIB, 2 * MIB);
    driver.flushIotlb(5, 4 * MIB + 0x9000);
    assert.equal(vtd.translate(RID, 4 * MIB + 0x5000, true), -1);
  });

  test("an address mask takes 2^n pages, aligned", () => {
    const { tables, vtd, driver } = attached();
    tables.map(0, 0x10_0000, 16 * 4096);
    const held = () =>
      Array.from({ length: 16 }, (_, page) => page).filter((page) => vtd.translate(RID, page * 4096, true) >= 0);
    assert.equal(held().length, 16);
    tables.unmap(0, 16 * 4096);
    driver.flushIotlb(5, 6 * 4096, 2);
    assert.deepEqual(held(), [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15]);
    driver.flushIotlb(5);
    assert.deepEqual(held(), []);
  });

  test("a function that is detached still reaches its domain, by the context cache and by the IOTLB", () => {
    const { tables, vtd, driver } = attached();
    tables.map(0x1000, 0x8000, 8192);
    assert.equal(vtd.translate(RID, 0x1000, true), 0x8000);
    driver.roots.detach(RID);
    assert.equal(vtd.translate(RID, 0x2000, true), 0x9000, "by the context cache");
    driver.flushContext(4, RID);
    assert.equal(vtd.translate(RID, 0x2000, true), 0x9000, "not cached under that domain id");
    driver.flushContext(5, RID);
    assert.equal(vtd.translate(RID, 0x1000, true), 0x8000, "by the IOTLB");
    driver.flushIotlb(5);
    assert.equal(vtd.translate(RID, 0x1000, true), -1);
  });

  test("the function mask of a device-selective invalidation (§6.5.2.1)", () => {
    for (const [mask, gone] of [
      [0, [5]],
      [1, [1, 5]],
      [2, [1, 3, 5, 7]],
      [3, [0, 1, 2, 3, 4, 5, 6, 7]],
    ] as const) {
      const { vtd, driver } = attached();
      const all = [0, 1, 2, 3, 4, 5, 6, 7];
      const context = { domainId: 5, table: 0, levels: 4, translation: "pass-through" } as const;
      for (const fn of all) driver.attach(0x0200 + fn, context);
      for (const fn of all) assert.equal(vtd.translate(0x0200 + fn, 0x1000, true), 0x1000);
      for (const fn of all) driver.roots.detach(0x0200 + fn);
      driver.submit(0x31 | (5 << 16), 0x0205 | (mask << 16), 0, 0);
      driver.flushIotlb(5);
      assert.deepEqual(
        all.filter((fn) => vtd.translate(0x0200 + fn, 0x1000, true) === -1),
        gone,
      );
    }
  });

  test("translation that is disabled and enabled again finds what was cached", () => {
    const { tables, vtd, driver } = attached();
    tables.map(0x1000, 0x8000, 4096);
    assert.equal(vtd.translate(RID, 0x1000, true), 0x8000);
    tables.unmap(0x1000, 4096);
    driver.command(DMA_GCMD_TE, false);
    assert.equal(vtd.translate(RID, 0x1000, true), 0x1000);
    driver.command(DMA_GCMD_TE);
    assert.equal(vtd.translate(RID, 0x1000, true), 0x8000);
  });
});
