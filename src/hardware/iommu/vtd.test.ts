import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FaultReason } from "./fault-reason.ts";
import { SecondLevelTables } from "./second-level-tables.ts";
import { VtdDriver } from "./testing/vtd-driver.ts";
import type { VtdCapabilities } from "./vtd-capabilities.ts";
import { DMA_GCMD_SRTP, DMA_GCMD_TE, DMAR_RTADDR_REG } from "./vtd-registers.ts";

const RID = 0x0110;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** A function in domain 5, with tables of so many levels. */
function attached(levels: 3 | 4 | 5 = 4, options: Partial<VtdCapabilities> = {}) {
  const driver = new VtdDriver(options).start();
  const tables = new SecondLevelTables(driver.memory, driver.pages, levels);
  driver.attach(RID, { domainId: 5, table: tables.root, levels });
  const blocked = (address: number, write: boolean) => {
    assert.equal(driver.vtd.translate(RID, address, write), -1);
    const faults = driver.takeFaults();
    assert.equal(faults.length, 1);
    const [fault] = faults;
    assert.equal(fault?.sourceId, RID);
    assert.equal(fault?.kind, write ? "write" : "read");
    assert.equal(fault?.info, address - (address % 4096));
    assert.equal(fault?.addressType, 0);
    return fault?.reason;
  };
  return { driver, tables, vtd: driver.vtd, memory: driver.memory, blocked };
}

/** Where the entry of a level is that maps an address. */
function entryAt({ memory }: VtdDriver, tables: SecondLevelTables, iova: number, level: number): number {
  let table = tables.root;
  for (let at: number = tables.levels; ; at--) {
    const entry = table + (Math.floor(iova / (4096 * 512 ** (at - 1))) % 512) * 8;
    if (at === level) return entry;
    table = memory.read64(entry) - (memory.read32(entry) & 0xfff);
  }
}

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

describe("VT-d §7.1.3: fault reasons", () => {
  test("1, 2: root or context entry not present", () => {
    const { blocked } = attached();
    const driver = new VtdDriver().start();
    assert.equal(driver.vtd.translate(0x2310, 0x4000, true), -1);
    assert.deepEqual(driver.takeFaults(), [
      { reason: FaultReason.rootNotPresent, sourceId: 0x2310, kind: "write", addressType: 0, info: 0x4000 },
    ]);
    driver.attach(0x2311, { domainId: 1, table: 0, levels: 4 });
    assert.equal(driver.vtd.translate(0x2310, 0x12_3456_7000, false), -1);
    assert.deepEqual(driver.takeFaults(), [
      { reason: FaultReason.contextNotPresent, sourceId: 0x2310, kind: "read", addressType: 0, info: 0x12_3456_7000 },
    ]);
    assert.equal(blocked(0x1000, true), FaultReason.writeNotPermitted);
  });

  test("3: a context entry with an address width or a translation type that the unit has not", () => {
    const { driver, blocked } = attached(4, { levels: [4], deviceTlb: false, passThrough: false });
    for (const context of [
      { levels: 3 },
      { levels: 5 },
      { levels: 4, translation: "device-tlb" },
      { levels: 4, translation: "pass-through" },
    ] as const) {
      driver.attach(RID, { domainId: 5, table: 0, ...context });
      assert.equal(blocked(0x1000, true), FaultReason.contextInvalid, JSON.stringify(context));
    }
    const other = attached();
    other.driver.attach(RID, { domainId: 5, table: 0, levels: 3, translation: "pass-through" });
    assert.equal(other.blocked(0x1000, true), FaultReason.contextInvalid, "pass-through takes the largest width");
  });

  test("4: an address beyond the width of the table, or of the unit", () => {
    assert.equal(attached(3).blocked(2 ** 39, false), FaultReason.beyondAddressWidth);
    assert.equal(attached(4).blocked(2 ** 48, true), FaultReason.beyondAddressWidth);
    assert.equal(attached(5, { levels: [5] }).blocked(2 ** 52, true), FaultReason.beyondAddressWidth);
    const { driver, blocked } = attached();
    driver.attach(RID, { domainId: 5, table: 0, levels: 4, translation: "pass-through" });
    assert.equal(blocked(2 ** 48, true), FaultReason.beyondAddressWidth);
  });

  test("5, 6: no permission to write, to read; at the leaf or above it, on a walk or by the IOTLB", () => {
    const { tables, vtd, blocked, driver, memory } = attached();
    tables.map(0x1000, 0x8000, 4096, { write: false });
    tables.map(0x2000, 0x9000, 4096, { read: false });
    assert.equal(blocked(0x1008, true), FaultReason.writeNotPermitted);
    assert.equal(vtd.translate(RID, 0x1008, false), 0x8008);
    assert.equal(blocked(0x1008, true), FaultReason.writeNotPermitted, "by the IOTLB");
    assert.equal(blocked(0x2008, false), FaultReason.readNotPermitted);
    assert.equal(vtd.translate(RID, 0x2008, true), 0x9008);
    assert.equal(blocked(0x3000, false), FaultReason.readNotPermitted, "not present");
    const upper = entryAt(driver, tables, 0x1000, 3);
    memory.write32(upper, memory.read32(upper) & ~1);
    driver.flushIotlb();
    assert.equal(blocked(0x1008, false), FaultReason.readNotPermitted, "all levels must permit");
  });

  test("7: a table that is not in memory", () => {
    const { tables, blocked, driver, memory } = attached();
    tables.map(0x1000, 0x8000, 4096);
    memory.write64(entryAt(driver, tables, 0x1000, 2), 2 ** 44 + 3);
    assert.equal(blocked(0x1000, false), FaultReason.badPagingEntryPointer);
    driver.attach(RID, { domainId: 5, table: memory.sizeBytes, levels: 4 });
    driver.flushContexts();
    assert.equal(blocked(0x1000, false), FaultReason.badPagingEntryPointer, "nor the topmost");
  });

  test("8, 9: a root or context table that is not in memory", () => {
    const { driver, blocked, memory } = attached();
    memory.write64(driver.roots.address + (RID >>> 8) * 16, memory.sizeBytes + 1);
    assert.equal(blocked(0x1000, false), FaultReason.badContextTableAddress);
    driver.write64(DMAR_RTADDR_REG, memory.sizeBytes);
    driver.command(DMA_GCMD_SRTP);
    assert.equal(blocked(0x1000, false), FaultReason.badRootTableAddress);
  });

  test("A: reserved bits of a present root entry", () => {
    const { driver, blocked, memory } = attached();
    const root = driver.roots.address + (RID >>> 8) * 16;
    const good = memory.read64(root);
    for (const spoil of [
      () => memory.write64(root, good + 2),
      () => memory.write64(root, good + 2 ** 46),
      () => memory.write64(root + 8, 1),
    ]) {
      spoil();
      assert.equal(blocked(0x1000, false), FaultReason.rootReserved);
      memory.write64(root, good);
      memory.write64(root + 8, 0);
    }
    assert.equal(blocked(0x1000, false), FaultReason.readNotPermitted, "good again");
  });

  test("B: reserved bits of a present context entry", () => {
    const { driver, blocked, memory } = attached();
    const table = memory.read64(driver.roots.address + (RID >>> 8) * 16) - 1;
    const context = table + (RID & 0xff) * 16;
    for (const [offset, bit] of [
      [0, 4],
      [0, 11],
      [4, 14],
      [4, 31],
      [8, 7],
      [8, 24],
      [12, 0],
    ] as const) {
      const good = memory.read32(context + offset);
      memory.write32(context + offset, (good | (1 << bit)) >>> 0);
      assert.equal(blocked(0x1000, false), FaultReason.contextReserved, `${offset} ${bit}`);
      memory.write32(context + offset, good);
    }
    memory.write32(context + 8, memory.read32(context + 8) | 0x78);
    assert.equal(blocked(0x1000, false), FaultReason.readNotPermitted, "6:3 are software's");
  });

  test("C: reserved bits of a paging entry, by level and by what the unit can", () => {
    const spoilt = (level: number, low: number, high: number, options: Partial<VtdCapabilities> = {}) => {
      const { tables, driver, memory, vtd } = attached(4, options);
      tables.map(0x20_0000, 0x8000, 4096);
      const entry = entryAt(driver, tables, 0x20_0000, level);
      memory.write32(entry, (memory.read32(entry) | low) >>> 0);
      memory.write32(entry + 4, (memory.read32(entry + 4) | high) >>> 0);
      vtd.translate(RID, 0x20_0000, true);
      return driver.takeFaults()[0]?.reason;
    };
    const reserved = FaultReason.pagingEntryReserved;
    assert.equal(spoilt(1, 0, 1 << 14), reserved, "an address beyond the host's");
    assert.equal(spoilt(3, 0, 1 << 19), reserved);
    assert.equal(spoilt(4, 0x80, 0), reserved, "no superpages of level 4");
    assert.equal(spoilt(2, 0x80, 0, { superpages2M: false }), reserved);
    assert.equal(spoilt(3, 0x80, 0, { superpages1G: false }), reserved);
    assert.equal(spoilt(1, 0x800, 0, { snoopControl: false }), reserved);
    assert.equal(spoilt(1, 0x800, 0), undefined, "SNP, with snoop control");
    assert.equal(spoilt(1, 0, 1 << 30, { deviceTlb: false }), reserved, "TM is for device TLBs");
    assert.equal(spoilt(1, 0x700, 0xbff0_0000), undefined, "what is ignored");
    // The table's own address, 12 KiB-aligned bits and all, is no superpage's.
    assert.equal(spoilt(2, 0x80 | 0x1000, 0), reserved, "low bits of a superpage's address");
  });

  test("D is for requests by translation type; E: tables that lead into the interrupt address range", () => {
    const { tables, blocked } = attached();
    tables.map(0x1000, 0xfee0_0000, 4096);
    tables.map(4 * MIB, 0xfee0_0000, 2 * MIB);
    assert.equal(blocked(0x1004, true), FaultReason.outputInInterruptRange);
    assert.equal(blocked(4 * MIB + 0xf_f000, true), FaultReason.outputInInterruptRange);
  });
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

describe("ATS (VT-d §4.1, PCIe 6.0 §10.2)", () => {
  const none = { address: 0, sizeBytes: 4096, read: false, write: false };

  function withDeviceTlb() {
    const all = attached();
    all.driver.attach(RID, { domainId: 5, table: all.tables.root, levels: 4, translation: "device-tlb" });
    return all;
  }

  test("a translation request tells address, size and permissions; none is an answer, not a fault", () => {
    const { tables, vtd, driver } = withDeviceTlb();
    tables.map(4 * MIB, 6 * MIB, 2 * MIB, { write: false });
    assert.deepEqual(vtd.translationRequest(RID, 4 * MIB + 0x5000), {
      status: "success",
      address: 6 * MIB + 0x5000,
      sizeBytes: 2 * MIB,
      read: true,
      write: false,
    });
    assert.deepEqual(vtd.translationRequest(RID, 0x1000), { ...none, status: "success" });
    assert.deepEqual(vtd.translationRequest(RID, 2 ** 50), { ...none, status: "success" });
    assert.deepEqual(driver.takeFaults(), []);
  });

  test("an error in the tables is a fault, and a status", () => {
    const { tables, vtd, driver } = withDeviceTlb();
    tables.map(0x1000, 0xfee0_0000, 4096);
    assert.equal(vtd.translationRequest(RID, 0x1000).status, "completer-abort");
    assert.equal(vtd.translationRequest(RID + 1, 0x1000).status, "unsupported-request");
    const faults = driver.takeFaults();
    assert.deepEqual(
      faults.map(({ reason }) => reason),
      [FaultReason.outputInInterruptRange, FaultReason.contextNotPresent],
    );
    assert.deepEqual(
      faults.map(({ addressType }) => addressType),
      [1, 1],
    );
  });

  test("D: requests with a device TLB's address types are blocked where the context does not have it", () => {
    const { vtd, driver, tables } = attached();
    tables.map(0x1000, 0x8000, 4096);
    for (const translation of ["multi-level", "pass-through"] as const) {
      driver.attach(RID, { domainId: 5, table: tables.root, levels: 4, translation });
      driver.flushContexts();
      assert.equal(vtd.translationRequest(RID, 0x1000).status, "unsupported-request");
      assert.equal(vtd.translated(RID, 0x8000, true), -1);
      const faults = driver.takeFaults();
      assert.deepEqual(
        faults.map(({ reason }) => reason),
        [0xd, 0xd],
      );
      assert.deepEqual(
        faults.map(({ addressType, kind }) => [addressType, kind]),
        [
          [1, "read"],
          [2, "write"],
        ],
      );
    }
  });

  test("a translated request goes where it says, but not to the interrupt address range nor beyond the host's width", () => {
    const { vtd, driver } = withDeviceTlb();
    assert.equal(vtd.translated(RID, 0x12_3456_7890, true), 0x12_3456_7890);
    assert.equal(vtd.translated(RID, 0xfee0_1000, true), -1);
    assert.equal(vtd.translated(RID, 2 ** 46, true), -1);
    assert.equal(driver.takeFaults().length, 2);
  });
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
