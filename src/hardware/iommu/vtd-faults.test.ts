import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FaultReason } from "./fault-reason.ts";
import { attached, entryAt, RID } from "./testing/attached-function.ts";
import { VtdDriver } from "./testing/vtd-driver.ts";
import type { VtdCapabilities } from "./vtd-capabilities.ts";
import { DMA_GCMD_SRTP, DMAR_RTADDR_REG } from "./vtd-registers.ts";

const MIB = 2 ** 20;

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
