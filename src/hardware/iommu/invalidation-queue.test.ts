import assert from "node:assert/strict";
import { test } from "node:test";
import { VtdDriver } from "./testing/vtd-driver.ts";
import {
  DMA_FSTS_IQE,
  DMA_FSTS_ITE,
  DMA_GCMD_QIE,
  DMAR_FSTS_REG,
  DMAR_ICS_REG,
  DMAR_IEADDR_REG,
  DMAR_IECTL_REG,
  DMAR_IEDATA_REG,
  DMAR_IQA_REG,
  DMAR_IQER_REG,
  DMAR_IQH_REG,
  DMAR_IQT_REG,
} from "./vtd-registers.ts";

const INVALID_TAIL = 1;
const FETCH_FAILED = 2;
const INVALID_TYPE = 3;
const RESERVED_SET = 4;
const INVALID_WIDTH = 5;

test("VT-d §6.5.2.8: a wait descriptor writes its status, and may send the invalidation event", () => {
  const driver = new VtdDriver().start();
  const { vtd } = driver;
  assert.equal(driver.wait(0x1234_5678), true);
  vtd.write32(DMAR_IEADDR_REG, 0xfee0_2000);
  vtd.write32(DMAR_IEDATA_REG, 0x31);
  vtd.write32(DMAR_IECTL_REG, 0);
  driver.submit(0x15, 0, 0, 0);
  driver.submit(0x15, 0, 0, 0);
  assert.equal(vtd.read32(DMAR_ICS_REG), 1, "IWC");
  assert.deepEqual(driver.messages, [[0xfee0_2000, 0x31]], "not again while IWC is set");
  vtd.write32(DMAR_ICS_REG, 1);
  assert.equal(vtd.read32(DMAR_ICS_REG), 0);
  driver.submit(0x15, 0, 0, 0);
  assert.equal(driver.messages.length, 2);
});

test("VT-d §6.5.2: the queue wraps at its size", () => {
  const driver = new VtdDriver().start();
  for (let count = 0; count < 600; count++) assert.equal(driver.wait(count + 1), true);
  assert.equal(driver.vtd.read32(DMAR_IQH_REG), ((602 * 16) % 4096) >>> 0);
});

for (const [name, words] of [
  ["a type that is none", [0x0f, 0, 0, 0]],
  ["PASID-based IOTLB invalidation, which is scalable mode's", [0x06, 0, 0, 0]],
  ["a type extension", [0x201, 0, 0, 0]],
] as const) {
  test(`VT-d §6.5.2.10: ${name} stops the queue at its place until IQE is cleared`, () => {
    const driver = new VtdDriver().start();
    const { vtd } = driver;
    const head = vtd.read32(DMAR_IQH_REG);
    driver.submit(words[0], words[1], words[2], words[3]);
    assert.equal(vtd.read32(DMAR_FSTS_REG), DMA_FSTS_IQE);
    assert.equal(vtd.read32(DMAR_IQER_REG), INVALID_TYPE);
    assert.equal(vtd.read32(DMAR_IQH_REG), head);
    assert.equal(driver.wait(), false);
    // As qi_check_fault does: a wait descriptor in the place of the bad one, then IQE cleared.
    driver.memory.write32(driver.queue + head, 0x25);
    vtd.write32(DMAR_FSTS_REG, DMA_FSTS_IQE);
    assert.equal(vtd.read32(DMAR_FSTS_REG), 0);
    assert.equal(vtd.read32(DMAR_IQH_REG), head + 32, "it went on");
  });
}

for (const [name, words] of [
  ["context cache: a granularity of 0", [0x01, 0, 0, 0]],
  ["context cache: upper half", [0x11, 0, 1, 0]],
  ["context cache: bit 6", [0x51, 0, 0, 0]],
  ["IOTLB: a granularity of 0", [0x02, 0, 0, 0]],
  ["IOTLB: an address mask beyond MAMV", [0x32, 0, 19, 0]],
  ["IOTLB: bit 32", [0x12, 1, 0, 0]],
  ["device TLB: bit 4", [0x13, 0, 0, 0]],
  ["interrupt entry cache: bit 48", [0x04, 0x1_0000, 0, 0]],
  ["wait: page request draining", [0xa5, 0, 0, 0]],
] as const) {
  test(`VT-d §6.5.2, reserved bits, ${name}`, () => {
    const driver = new VtdDriver().start();
    driver.submit(words[0], words[1], words[2], words[3]);
    assert.equal(driver.vtd.read32(DMAR_FSTS_REG), DMA_FSTS_IQE);
    assert.equal(driver.vtd.read32(DMAR_IQER_REG), RESERVED_SET);
  });
}

test("VT-d §10.4.29: a tail beyond the queue, a queue that is not in memory, descriptors of 256 bits", () => {
  const error = (prepare: (driver: VtdDriver) => void) => {
    const driver = new VtdDriver().start();
    prepare(driver);
    assert.equal(driver.vtd.read32(DMAR_FSTS_REG), DMA_FSTS_IQE);
    return driver.vtd.read32(DMAR_IQER_REG);
  };
  assert.equal(
    error(({ vtd }) => vtd.write32(DMAR_IQT_REG, 4096)),
    INVALID_TAIL,
  );
  const requeue = (address: number) => (driver: VtdDriver) => {
    driver.command(DMA_GCMD_QIE, false);
    driver.write64(DMAR_IQA_REG, address);
    driver.command(DMA_GCMD_QIE);
  };
  assert.equal(error(requeue(2 ** 40)), FETCH_FAILED);
  assert.equal(error(requeue(0x800)), INVALID_WIDTH);
});

test("VT-d §6.5.2.5: a device TLB is asked for an aligned range; its size is in the address", () => {
  const asked: number[][] = [];
  const invalidateDevice = (...range: readonly number[]) => asked.push([...range]) > 0;
  const driver = new VtdDriver({ invalidateDevice }).start();
  driver.submit(0x03, 0x0110, 0x5000, 0x12);
  // qi_flush_dev_iotlb with mask 9: bits 19:12 are ones, bit 20 is the 0 that ends them.
  driver.submit(0x03, 0x0110, 0x400f_f001, 0);
  driver.submit(0x03, 0x0110, 0x6001, 0);
  assert.deepEqual(asked, [
    [0x0110, 0x12_0000_5000, 4096],
    [0x0110, 0x4000_0000, 0x20_0000],
    [0x0110, 0x6000, 8192],
  ]);
  assert.equal(driver.wait(), true);
  const without = new VtdDriver({ deviceTlb: false }).start();
  without.submit(0x03, 0x0110, 0x5000, 0);
  assert.equal(without.vtd.read32(DMAR_IQER_REG), INVALID_TYPE);
});

test("VT-d §6.5.2.10: a device that does not answer aborts the wait; the queue goes on when ITE is cleared", () => {
  const driver = new VtdDriver({ invalidateDevice: (requesterId) => requesterId !== 0x0111 }).start();
  const { vtd } = driver;
  driver.submit(0x03, 0x0111, 0x5000, 0);
  assert.equal(vtd.read32(DMAR_FSTS_REG), 0, "until something waits for it");
  const head = vtd.read32(DMAR_IQH_REG);
  assert.equal(driver.wait(), false);
  assert.equal(vtd.read32(DMAR_FSTS_REG), DMA_FSTS_ITE);
  assert.equal(vtd.read32(DMAR_IQER_REG + 4), 0x0111, "ITESID");
  assert.equal(vtd.read32(DMAR_IQH_REG), head + 16, "past the wait that was aborted (qi_check_fault)");
  assert.equal(driver.wait(), false, "nothing is fetched");
  vtd.write32(DMAR_FSTS_REG, DMA_FSTS_ITE);
  assert.equal(driver.memory.read32(driver.status), 2);
});
