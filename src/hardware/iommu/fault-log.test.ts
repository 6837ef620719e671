import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultReason } from "./fault-reason.ts";
import { VtdDriver } from "./testing/vtd-driver.ts";
import {
  DMA_FSTS_IQE,
  DMA_FSTS_PFO,
  DMA_FSTS_PPF,
  DMAR_FEADDR_REG,
  DMAR_FECTL_REG,
  DMAR_FEDATA_REG,
  DMAR_FSTS_REG,
  EVENT_IM,
  EVENT_IP,
  FRCD_REG,
} from "./vtd-registers.ts";

const RID = 0x0342;

/** A started unit that sends its fault events; a DMA to page `n` faults, as nothing is attached. */
function unit(faultRecords: number) {
  const driver = new VtdDriver({ faultRecords }).start();
  driver.vtd.write32(DMAR_FEADDR_REG, 0xfee0_1004);
  driver.vtd.write32(DMAR_FEDATA_REG, 0x4021);
  const fault = (page: number) => assert.equal(driver.vtd.translate(RID, page * 4096, true), -1);
  return { driver, vtd: driver.vtd, fault };
}

test("VT-d §10.4.14: a record's fields, bit by bit", () => {
  const { vtd, driver } = unit(1);
  driver.attach(RID, { domainId: 1, table: driver.pages.allocate(), levels: 4 });
  assert.equal(vtd.translate(RID, 0x1234_5678_9abc, false), -1);
  assert.equal(vtd.read32(FRCD_REG), 0x5678_9000, "FI 31:12");
  assert.equal(vtd.read32(FRCD_REG + 4), 0x1234, "FI 63:32");
  assert.equal(vtd.read32(FRCD_REG + 8), RID, "SID");
  assert.equal(vtd.read32(FRCD_REG + 12), (0xc000_0000 | FaultReason.readNotPermitted) >>> 0, "F, T1: a read, FR");
});

test("VT-d §7.2.1: records are used in turn; FRI is the first that is pending", () => {
  const { vtd, driver, fault } = unit(4);
  for (const page of [1, 2, 3]) fault(page);
  assert.equal(vtd.read32(DMAR_FSTS_REG), DMA_FSTS_PPF);
  assert.deepEqual(
    driver.takeFaults().map(({ info }) => info),
    [0x1000, 0x2000, 0x3000],
  );
  assert.equal(vtd.read32(DMAR_FSTS_REG) & DMA_FSTS_PPF, 0);
  fault(4);
  assert.equal(vtd.read32(DMAR_FSTS_REG), (3 << 8) | DMA_FSTS_PPF);
  fault(5);
  assert.deepEqual(
    driver.takeFaults().map(({ info }) => info),
    [0x4000, 0x5000],
    "round the end",
  );
});

test("VT-d §7.2.1: with all records in use a fault is lost, and so is all that follows until PFO is cleared", () => {
  const { vtd, driver, fault } = unit(2);
  fault(1);
  fault(2);
  assert.equal(vtd.read32(DMAR_FSTS_REG) & DMA_FSTS_PFO, 0);
  fault(3);
  assert.equal(vtd.read32(DMAR_FSTS_REG) & 0xff, DMA_FSTS_PFO | DMA_FSTS_PPF);
  vtd.write32(FRCD_REG + 12, 0x8000_0000);
  fault(4);
  assert.equal(vtd.read32(FRCD_REG), 0x1000, "the record is free, but the overflow is not yet seen to");
  assert.equal(vtd.read32(DMAR_FSTS_REG) & DMA_FSTS_PPF, DMA_FSTS_PPF, "the other is pending");
  vtd.write32(DMAR_FSTS_REG, DMA_FSTS_PFO);
  fault(5);
  assert.equal(vtd.read32(FRCD_REG), 0x5000);
  assert.equal(vtd.read32(DMAR_FSTS_REG) & 0xff, DMA_FSTS_PPF);
  vtd.write32(FRCD_REG + 16 + 12, 0x8000_0000);
  assert.deepEqual(
    driver.takeFaults().map(({ info }) => info),
    [0x5000],
  );
});

test("VT-d §10.4.10: the first pending fault sends the event, those that follow do not", () => {
  const { vtd, driver, fault } = unit(4);
  fault(1);
  fault(2);
  assert.deepEqual(driver.messages, [[0xfee0_1004, 0x4021]]);
  driver.takeFaults();
  fault(3);
  assert.equal(driver.messages.length, 2);
  assert.equal(vtd.read32(DMAR_FECTL_REG) & EVENT_IP, 0);
});

test("VT-d §10.4.10: a masked event is pending; it goes out when unmasked, or not at all once served", () => {
  const { vtd, driver, fault } = unit(4);
  vtd.write32(DMAR_FECTL_REG, EVENT_IM);
  fault(1);
  assert.equal(vtd.read32(DMAR_FECTL_REG), (EVENT_IM | EVENT_IP) >>> 0);
  assert.deepEqual(driver.messages, []);
  vtd.write32(DMAR_FECTL_REG, 0);
  assert.equal(driver.messages.length, 1);
  assert.equal(vtd.read32(DMAR_FECTL_REG), 0);
  driver.takeFaults();
  vtd.write32(DMAR_FECTL_REG, EVENT_IM);
  fault(2);
  driver.takeFaults();
  assert.equal(vtd.read32(DMAR_FECTL_REG), EVENT_IM);
  vtd.write32(DMAR_FECTL_REG, 0);
  assert.equal(driver.messages.length, 1);
});

test("VT-d §10.4.10: an error of the queue sends a fault event, too, where nothing else is pending", () => {
  const { vtd, driver, fault } = unit(4);
  driver.submit(0xf, 0, 0, 0);
  assert.equal(vtd.read32(DMAR_FSTS_REG), DMA_FSTS_IQE);
  assert.equal(driver.messages.length, 1);
  fault(1);
  assert.equal(driver.messages.length, 1);
});
