import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FaultReason } from "./fault-reason.ts";
import { VtdDriver } from "./testing/vtd-driver.ts";
import type { VtdCapabilities } from "./vtd-capabilities.ts";
import { DMA_GCMD_CFI, DMA_GCMD_SIRTP, DMAR_IRTA_REG } from "./vtd-registers.ts";

const RID = 0x0110;
const SVT_SID = 1 << 18;
const SVT_BUS = 2 << 18;
/** Present, edge, fixed; vector 0x41. */
const LOW = 0x0041_0001;

/** The message of an index, as intel_ir_compose_msi_msg makes it: the handle in 19:5 and 2, remappable format in 4. */
function address(handle: number, subhandleValid = false): number {
  return (0xfee0_0010 | ((handle & 0x7fff) << 5) | ((handle >>> 15) << 2) | (subhandleValid ? 8 : 0)) >>> 0;
}

function unit({ extendedMode = false, ...options }: Partial<VtdCapabilities> & { extendedMode?: boolean } = {}) {
  const driver = new VtdDriver(options).start();
  const table = driver.startInterruptRemapping({ extendedMode });
  const write = (index: number, words: readonly number[]) => {
    words.forEach((word, at) => {
      driver.memory.write32(table + index * 16 + at * 4, word >>> 0);
    });
  };
  const blocked = (requesterId: number, to: number, data = 0) => {
    assert.equal(driver.vtd.remapInterrupt(requesterId, to, data), undefined);
    const faults = driver.takeFaults();
    assert.equal(faults.length, 1);
    assert.equal(faults[0]?.sourceId, requesterId);
    return [faults[0]?.reason, (faults[0]?.info ?? 0) / 2 ** 48];
  };
  return { driver, vtd: driver.vtd, table, write, blocked };
}

test("without IRE a message is what every PCI device sends (Intel SDM 3A §11.11)", () => {
  const { vtd } = new VtdDriver();
  assert.deepEqual(vtd.remapInterrupt(RID, 0xfee3_400c, 0x8531), {
    kind: "interrupt",
    vector: 0x31,
    destination: 0x34,
    logical: true,
    redirectionHint: true,
    deliveryMode: 5,
    levelTriggered: true,
  });
});

test("VT-d §9.10: each field of an entry (Linux: struct irte) reaches the processor", () => {
  const { vtd, write } = unit();
  // DM, RH, TM, DLM 1; destination 0x12 in bits 47:40.
  write(3, [0x00a5_003d | 1, 0x1200, SVT_SID | RID, 0]);
  assert.deepEqual(vtd.remapInterrupt(RID, address(3), 0), {
    kind: "interrupt",
    vector: 0xa5,
    destination: 0x12,
    logical: true,
    redirectionHint: true,
    deliveryMode: 1,
    levelTriggered: true,
  });
});

test("VT-d §9.10: destinations of 32 bits in x2APIC mode, of 8 bits else", () => {
  const extended = unit({ extendedMode: true });
  extended.write(3, [LOW, 0x1234_5678, SVT_SID | RID, 0]);
  assert.equal(extended.vtd.remapInterrupt(RID, address(3), 0)?.destination, 0x1234_5678);
  const { write, blocked } = unit();
  write(3, [LOW, 0x1234_5678, SVT_SID | RID, 0]);
  assert.deepEqual(blocked(RID, address(3)), [FaultReason.interruptEntryReserved, 3]);
  const without = unit({ extendedInterruptMode: false, extendedMode: true });
  without.write(3, [LOW, 0x1200, 0, 0]);
  assert.equal(without.vtd.remapInterrupt(RID, address(3), 0)?.destination, 0x12);
});

test("VT-d §5.1.3: a subhandle in the data is added to the handle", () => {
  const { vtd, write, blocked } = unit();
  write(16, [0x0050_0001, 0x100, 0, 0]);
  write(19, [0x0053_0001, 0x100, 0, 0]);
  assert.equal(vtd.remapInterrupt(RID, address(16, true), 3)?.vector, 0x53);
  assert.equal(vtd.remapInterrupt(RID, address(16), 3)?.vector, 0x50, "not where SHV is clear");
  assert.equal(blocked(RID, address(16, true), 0x1_0003)[0], FaultReason.interruptRequestReserved);
});

test("21h: an index beyond the table, by handle bit 15 or by subhandle", () => {
  const { blocked } = unit();
  assert.deepEqual(blocked(RID, address(256)), [FaultReason.interruptIndexTooLarge, 256]);
  assert.deepEqual(blocked(RID, address(0x8000)), [FaultReason.interruptIndexTooLarge, 0x8000]);
  assert.deepEqual(blocked(RID, address(255, true), 1), [FaultReason.interruptIndexTooLarge, 256]);
});

test("22h: an entry that is not present; 23h: a table that is not in memory", () => {
  const { blocked, driver } = unit();
  assert.deepEqual(blocked(RID, address(9)), [FaultReason.interruptEntryNotPresent, 9]);
  driver.write64(DMAR_IRTA_REG, driver.memory.sizeBytes + 7);
  driver.command(DMA_GCMD_SIRTP);
  assert.deepEqual(blocked(RID, address(9)), [FaultReason.interruptTableAccess, 9]);
});

test("24h: reserved bits of an entry", () => {
  const { blocked, write } = unit();
  for (const words of [
    [LOW | 0x1000, 0, 0, 0],
    [LOW | 0x4000, 0, 0, 0],
    [LOW | 0x0100_0000, 0, 0, 0],
    [LOW, 1, 0, 0],
    [LOW, 0, 0x0010_0000, 0],
    [LOW, 0, 0, 1],
    // Posted format: bits 2, 12, 24, 37 are reserved.
    [LOW | 0x8004, 0, 0, 0],
    [LOW | 0x9000, 0, 0, 0],
    [LOW | 0x0100_8000, 0, 0, 0],
    [LOW | 0x8000, 0x20, 0, 0],
  ]) {
    write(3, words);
    assert.deepEqual(blocked(RID, address(3)), [FaultReason.interruptEntryReserved, 3], String(words));
  }
  const without = unit({ postedInterrupts: false });
  without.write(3, [LOW | 0x8000, 0, 0, 0]);
  assert.deepEqual(without.blocked(RID, address(3)), [FaultReason.interruptEntryReserved, 3]);
});

test("25h: compatibility format is blocked, unless CFI is set in xAPIC mode", () => {
  const { vtd, driver, blocked } = unit();
  assert.deepEqual(blocked(RID, 0xfee0_1000, 0x31), [FaultReason.compatibilityFormatBlocked, 0]);
  driver.command(DMA_GCMD_CFI);
  assert.equal(vtd.remapInterrupt(RID, 0xfee0_1000, 0x31)?.vector, 0x31);
  const extended = unit({ extendedMode: true });
  extended.driver.command(DMA_GCMD_CFI);
  assert.deepEqual(extended.blocked(RID, 0xfee0_1000, 0x31), [FaultReason.compatibilityFormatBlocked, 0]);
});

test("26h: an entry serves its own function alone (SVT 01b, SQ 00b)", () => {
  const { vtd, write, blocked } = unit();
  write(3, [LOW, 0, SVT_SID | RID, 0]);
  assert.equal(vtd.remapInterrupt(RID, address(3), 0)?.vector, 0x41);
  assert.deepEqual(blocked(RID + 1, address(3)), [FaultReason.sourceIdVerification, 3]);
  assert.equal(
    vtd.remapInterrupt(RID, address(3), 0)?.vector,
    0x41,
    "the cached entry, after another was blocked by it",
  );
  write(4, [LOW, 0, (3 << 18) | RID, 0]);
  assert.deepEqual(blocked(RID, address(4)), [FaultReason.sourceIdVerification, 4], "a reserved type verifies nobody");
});

test("VT-d §9.10: whom an entry accepts, for any SVT, SQ, SID and requester", () => {
  const { vtd, write, driver } = unit();
  const half = fc.nat({ max: 0xffff });
  const near = fc.tuple(half, fc.nat({ max: 15 })).map(([sid, other]) => [sid, sid ^ other] as const);
  const pair = fc.oneof(fc.tuple(half, half), near);
  fc.assert(
    fc.property(pair, fc.nat({ max: 3 }), fc.nat({ max: 2 }), ([sid, requester], sq, svt) => {
      write(3, [LOW, 0, (svt << 18) | (sq << 16) | sid, 0]);
      driver.submit(0x04, 0, 0, 0);
      // Bits 2; 2 and 1; 2, 1 and 0 of the function number are left out.
      const compared = ["1111111111111111", "1111111111111011", "1111111111111001", "1111111111111000"][sq] as string;
      const bits = (id: number) =>
        [...id.toString(2).padStart(16, "0")].filter((_, at) => compared[at] === "1").join("");
      const bus = Math.floor(requester / 256);
      const expected =
        svt === 0 ||
        (svt === 1 && bits(sid) === bits(requester)) ||
        (svt === 2 && Math.floor(sid / 256) <= bus && bus <= sid % 256);
      assert.equal(vtd.remapInterrupt(requester, address(3), 0) !== undefined, expected);
      assert.equal(driver.takeFaults().length, expected ? 0 : 1);
    }),
    { numRuns: 3000 },
  );
});

test("VT-d §9.10: SVT 10b verifies a range of buses, as for devices behind a bridge", () => {
  const { vtd, write, blocked } = unit();
  write(3, [LOW, 0, SVT_BUS | 0x0507, 0]);
  assert.notEqual(vtd.remapInterrupt(0x0500, address(3), 0), undefined);
  assert.notEqual(vtd.remapInterrupt(0x07ff, address(3), 0), undefined);
  assert.deepEqual(blocked(0x04ff, address(3)), [FaultReason.sourceIdVerification, 3]);
  assert.deepEqual(blocked(0x0800, address(3)), [FaultReason.sourceIdVerification, 3]);
});

test("VT-d §9.10: FPD keeps an entry's faults from being recorded, present or not", () => {
  const { vtd, write, driver } = unit();
  write(3, [2, 0, 0, 0]);
  assert.equal(vtd.remapInterrupt(RID, address(3), 0), undefined);
  write(4, [LOW | 2, 0, SVT_SID | RID, 0]);
  assert.equal(vtd.remapInterrupt(RID + 1, address(4), 0), undefined);
  write(5, [LOW | 2, 1, 0, 0]);
  assert.equal(vtd.remapInterrupt(RID, address(5), 0), undefined);
  assert.deepEqual(driver.takeFaults(), []);
});

test("VT-d §6.5.2.7: an entry is cached until it is invalidated: all, or 2^IM of them", () => {
  const { vtd, write, driver } = unit();
  const vectors = () => [8, 9, 10, 11, 12].map((index) => vtd.remapInterrupt(RID, address(index), 0)?.vector);
  const writeAll = (vector: number) => {
    for (let index = 8; index <= 12; index++) write(index, [(vector << 16) | 1, 0, 0, 0]);
  };
  writeAll(0x30);
  assert.deepEqual(vectors(), [0x30, 0x30, 0x30, 0x30, 0x30]);
  writeAll(0x31);
  assert.deepEqual(vectors(), [0x30, 0x30, 0x30, 0x30, 0x30], "stale");
  // qi_flush_iec(10, 1)
  driver.submit(0x14 | (1 << 27), 10, 0, 0);
  assert.deepEqual(vectors(), [0x30, 0x30, 0x31, 0x31, 0x30]);
  driver.submit(0x14, 8, 0, 0);
  assert.deepEqual(vectors(), [0x31, 0x30, 0x31, 0x31, 0x30]);
  driver.submit(0x04, 0, 0, 0);
  assert.deepEqual(vectors(), [0x31, 0x31, 0x31, 0x31, 0x31]);
});

test("VT-d §5.2.3: a posted interrupt is set in PIR, and notified of once until software clears ON", () => {
  const { vtd, write, driver } = unit({ extendedMode: true });
  const { memory } = driver;
  const descriptor = driver.pages.allocate() + 64;
  // Vector 0x41 of the guest; the descriptor's address in 63:38 and 127:96.
  write(3, [LOW | 0x8000, descriptor & ~0x3f, SVT_SID | RID, 0]);
  // NV 0xf2 to APIC 0x1234.
  memory.write32(descriptor + 32, 0x00f2_0000);
  memory.write32(descriptor + 36, 0x1234);
  const post = () => {
    const interrupt = vtd.remapInterrupt(RID, address(3), 0);
    return interrupt && [interrupt.kind, interrupt.vector, interrupt.destination];
  };
  assert.deepEqual(post(), ["notification", 0xf2, 0x1234]);
  assert.equal(memory.read32(descriptor + 8), 2, "PIR bit 0x41");
  assert.equal(memory.read32(descriptor + 32), 0x00f2_0001, "ON");
  assert.equal(post()?.[0], "posted");
  // Suppressed: no notification, but the interrupt is there.
  memory.write32(descriptor + 8, 0);
  memory.write32(descriptor + 32, 0x00f2_0002);
  assert.equal(post()?.[0], "posted");
  assert.equal(memory.read32(descriptor + 8), 2);
  assert.equal(memory.read32(descriptor + 32), 0x00f2_0002);
  // Urgent: notified of even so.
  write(3, [LOW | 0xc000, descriptor & ~0x3f, SVT_SID | RID, 0]);
  driver.submit(0x04, 0, 0, 0);
  assert.deepEqual(post(), ["notification", 0xf2, 0x1234]);
  assert.equal(memory.read32(descriptor + 32), 0x00f2_0003);
});

test("27h, 28h: a posted-interrupt descriptor that is not in memory, or has reserved bits set", () => {
  const { write, blocked, driver } = unit();
  write(3, [LOW | 0x8000, 0, 0, 1]);
  assert.deepEqual(blocked(RID, address(3)), [FaultReason.postedDescriptorAccess, 3]);
  const descriptor = driver.pages.allocate();
  write(4, [LOW | 0x8000, descriptor, 0, 0]);
  for (const [offset, bit] of [
    [32, 2],
    [35, 0],
    [40, 0],
    [63, 7],
  ] as const) {
    driver.memory.bytes[descriptor + offset] = 1 << bit;
    assert.deepEqual(blocked(RID, address(4)), [FaultReason.postedDescriptorReserved, 4]);
    driver.memory.bytes[descriptor + offset] = 0;
  }
  assert.equal(driver.memory.bytes.subarray(descriptor, descriptor + 64).some(Boolean), false, "nothing was posted");
});

test("an interrupt's state goes through JSON: table, mode and cached entries", () => {
  const { vtd, write } = unit({ extendedMode: true });
  write(3, [LOW, 0x77, SVT_SID | RID, 0]);
  assert.equal(vtd.remapInterrupt(RID, address(3), 0)?.destination, 0x77);
  const other = new VtdDriver();
  other.vtd.restore(JSON.parse(JSON.stringify(vtd.save())));
  assert.deepEqual(other.vtd.save(), vtd.save());
  assert.equal(other.vtd.remapInterrupt(RID, address(3), 0)?.destination, 0x77, "of the cache: its memory is empty");
  assert.equal(other.vtd.remapInterrupt(RID, address(4), 0), undefined);
  assert.deepEqual(
    other.takeFaults().map(({ reason }) => reason),
    [FaultReason.interruptEntryNotPresent],
  );
});
