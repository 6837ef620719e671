import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultReason } from "./fault-reason.ts";
import { attached, RID } from "./testing/attached-function.ts";
import { VtdDriver } from "./testing/vtd-driver.ts";
import { DMA_GCMD_SRTP, DMA_GCMD_TE, DMAR_RTADDR_REG } from "./vtd-registers.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

test("VT-d §10.4.4: without TE, DMA goes through untranslated, but not to the interrupt address range", () => {
  const driver = new VtdDriver();
  assert.equal(driver.vtd.translate(RID, 0x12_3456_7890, true), 0x12_3456_7890);
  assert.equal(driver.vtd.translate(RID, 0xfee0_0000, false), -1);
});

for (const levels of [3, 4, 5] as const) {
  test(`VT-d §3.7: a table of ${levels} levels translates, page by page, by all of its levels`, () => {
    const { tables, vtd, driver } = attached(levels, { levels: [3, 4, 5] });
    const highest = Math.min(2 ** 52, 4096 * 512 ** levels) - 4096;
    for (const [iova, physical] of [
      [0, 0x3000],
      [0x7f_ffff_f000, 0x5000],
      [highest, 0x7000],
    ] as const) {
      if (iova > highest || (iova === highest && physical !== 0x7000)) continue;
      tables.map(iova, physical, 4096);
      assert.equal(vtd.translate(RID, iova + 0x123, true), physical + 0x123);
      assert.equal(vtd.contiguousBytes(iova + 0x123), 4096 - 0x123);
      assert.equal(vtd.translate(RID, iova + 0xfff, false), physical + 0xfff, "from the IOTLB");
    }
    assert.deepEqual(driver.takeFaults(), []);
  });
}

test("VT-d §9.8: superpages of 2 MiB and 1 GiB, and how far they reach", () => {
  const { tables, vtd } = attached();
  tables.map(2 * GIB, 4 * GIB, GIB);
  tables.map(6 * MIB, 10 * MIB, 2 * MIB);
  assert.equal(vtd.translate(RID, 2 * GIB + 0x1234_5678, false), 4 * GIB + 0x1234_5678);
  assert.equal(vtd.contiguousBytes(2 * GIB + 0x1234_5678), GIB - 0x1234_5678);
  assert.equal(vtd.translate(RID, 7 * MIB + 8, true), 11 * MIB + 8);
  assert.equal(vtd.contiguousBytes(7 * MIB + 8), MIB - 8);
});

test("VT-d §3.14: a request into the interrupt address range is never translated", () => {
  const { tables, vtd, driver } = attached();
  tables.map(0xfee0_0000, 0x8000, 4096);
  assert.equal(vtd.translate(RID, 0xfee0_0000, true), -1);
  assert.equal(vtd.translateZeroLengthRead(RID, 0xfee0_0000), -1);
  assert.deepEqual(driver.takeFaults(), []);
});

test("VT-d §9.3: FPD keeps faults from being recorded, present or not, on a walk and by the IOTLB", () => {
  const { tables, driver, vtd, memory } = attached();
  tables.map(0x1000, 0x8000, 4096, { write: false });
  const context = { domainId: 5, table: tables.root, levels: 4, faultsDisabled: true } as const;
  driver.attach(RID, context);
  assert.equal(vtd.translate(RID, 0x2000, true), -1);
  assert.equal(vtd.translate(RID, 0x1000, false), 0x8000);
  assert.equal(vtd.translate(RID, 0x1000, true), -1);
  driver.detach(RID, 5);
  const entry = memory.read64(driver.roots.address + (RID >>> 8) * 16) - 1 + (RID & 0xff) * 16;
  memory.write32(entry, 2);
  assert.equal(vtd.translate(RID, 0x1000, false), -1);
  assert.deepEqual(driver.takeFaults(), []);
  memory.write32(entry, 0);
  assert.equal(vtd.translate(RID, 0x1000, false), -1);
  assert.equal(driver.takeFaults()[0]?.reason, FaultReason.contextNotPresent);
});

test("VT-d §10.4.2: ZLR lets a read of no bytes pass where writing is permitted, and not where nothing is", () => {
  const { tables, vtd, driver } = attached();
  tables.map(0x1000, 0x8000, 4096, { read: false });
  assert.equal(vtd.translateZeroLengthRead(RID, 0x1010), 0x8010);
  assert.equal(vtd.translateZeroLengthRead(RID, 0x1020), 0x8020, "from the IOTLB");
  assert.equal(vtd.translate(RID, 0x1010, false), -1);
  assert.equal(driver.takeFaults()[0]?.reason, FaultReason.readNotPermitted);
  assert.equal(vtd.translateZeroLengthRead(RID, 0x2000), -1);
  assert.equal(driver.takeFaults()[0]?.reason, FaultReason.readNotPermitted);
  const without = attached(4, { zeroLengthReads: false });
  without.tables.map(0x1000, 0x8000, 4096, { read: false });
  assert.equal(without.vtd.translateZeroLengthRead(RID, 0x1010), -1);
});

test("VT-d §9.3: pass-through leaves the address as it is", () => {
  const { driver, vtd } = attached();
  driver.attach(RID, { domainId: 5, table: 0, levels: 4, translation: "pass-through" });
  assert.equal(vtd.translate(RID, 0x12_3456_7890, true), 0x12_3456_7890);
  assert.equal(vtd.contiguousBytes(0x12_3456_7890), 0x20_0000 - (0x12_3456_7890 % 0x20_0000));
  assert.equal(vtd.walks, 0);
});

test("a unit's state goes through JSON, with what is stale in it", () => {
  const { tables, vtd, driver } = attached();
  tables.map(0x1000, 0x8000, 4096);
  assert.equal(vtd.translate(RID, 0x1000, true), 0x8000);
  assert.equal(vtd.translate(RID, 0x3000, true), -1);
  tables.unmap(0x1000, 4096);
  const other = new VtdDriver();
  other.memory.restore(driver.memory.save());
  other.vtd.restore(JSON.parse(JSON.stringify(vtd.save())));
  assert.deepEqual(other.vtd.save(), vtd.save());
  assert.equal(other.vtd.translate(RID, 0x1000, true), 0x8000, "stale there too");
  assert.equal(other.vtd.translate(RID, 0x4000, true), -1);
  assert.deepEqual(
    other.takeFaults().map(({ info }) => info),
    [0x3000, 0x4000],
  );
});

test("a reset of the platform ends translation and forgets what was cached; fault records are sticky", () => {
  const { tables, vtd, driver } = attached();
  tables.map(0x1000, 0x8000, 4096);
  assert.equal(vtd.translate(RID, 0x1000, true), 0x8000);
  assert.equal(vtd.translate(RID, 0x3000, true), -1);
  vtd.reset();
  assert.equal(vtd.translate(RID, 0x1000, true), 0x1000);
  assert.equal(driver.takeFaults().length, 1);
  driver.write64(DMAR_RTADDR_REG, driver.roots.address);
  tables.unmap(0x1000, 4096);
  driver.command(DMA_GCMD_SRTP);
  driver.command(DMA_GCMD_TE);
  assert.equal(vtd.translate(RID, 0x1000, true), -1);
});
