import assert from "node:assert/strict";
import { test } from "node:test";
import { VtdDriver } from "./testing/vtd-driver.ts";
import {
  DMA_GCMD_IRE,
  DMA_GCMD_QIE,
  DMA_GCMD_SIRTP,
  DMA_GCMD_SRTP,
  DMA_GCMD_TE,
  DMAR_CAP_REG,
  DMAR_CCMD_REG,
  DMAR_ECAP_REG,
  DMAR_FECTL_REG,
  DMAR_FSTS_REG,
  DMAR_GCMD_REG,
  DMAR_GSTS_REG,
  DMAR_IQH_REG,
  DMAR_IQT_REG,
  DMAR_RTADDR_REG,
  DMAR_VER_REG,
  FRCD_REG,
  IOTLB_REG,
  IVA_REG,
} from "./vtd-registers.ts";

test("VT-d §10.4.2: CAP says what Linux's macros read from it", () => {
  const { vtd } = new VtdDriver({ faultRecords: 8, levels: [3, 4] });
  const cap = (BigInt(vtd.read32(DMAR_CAP_REG + 4)) << 32n) | BigInt(vtd.read32(DMAR_CAP_REG));
  const field = (shift: bigint, mask: bigint) => Number((cap >> shift) & mask);
  assert.equal(2 ** (4 + 2 * field(0n, 7n)), 65_536, "cap_ndoms");
  assert.equal(field(8n, 0x1fn), 0b00110, "cap_sagaw: 39 and 48 bits");
  assert.equal(field(16n, 0x3fn) + 1, 48, "cap_mgaw");
  assert.equal(field(22n, 1n), 1, "cap_zlr");
  assert.equal(field(24n, 0x3ffn) * 16, FRCD_REG, "cap_fault_reg_offset");
  assert.equal(field(34n, 0xfn), 3, "cap_super_page_val: 2 MiB and 1 GiB");
  assert.equal(field(39n, 1n), 1, "cap_pgsel_inv");
  assert.equal(field(40n, 0xffn) + 1, 8, "cap_num_fault_regs");
  assert.equal(field(48n, 0x3fn), 18, "cap_max_amask_val");
  assert.equal(field(59n, 1n), 1, "cap_pi_support");
  assert.equal(field(7n, 1n), 0, "cap_caching_mode");
  assert.equal(new VtdDriver({ cachingMode: true }).vtd.read32(DMAR_CAP_REG) & 0x80, 0x80);
  assert.equal((new VtdDriver({ levels: [4, 5] }).vtd.read32(DMAR_CAP_REG) >>> 8) & 0x1f, 0b01100);
});

test("VT-d §10.4.3: ECAP says what there is, and that scalable mode, PASIDs and page requests are absent", () => {
  const { vtd } = new VtdDriver();
  const low = vtd.read32(DMAR_ECAP_REG);
  assert.equal(low & 0xff, 0b1101_1111, "SC, PT, EIM, IR, DT, QI, C");
  assert.equal(((low >>> 8) & 0x3ff) * 16, IVA_REG, "ecap_iotlb_offset");
  assert.equal((low >>> 20) & 0xf, 15, "ecap_max_handle_mask");
  assert.equal(vtd.read32(DMAR_ECAP_REG + 4), 1 << 9, "only DIT: no SMTS, PASID, PRS");
  const { vtd: plain } = new VtdDriver({ deviceTlb: false, interruptRemapping: false, passThrough: false });
  assert.equal(plain.read32(DMAR_ECAP_REG) & 0x4c, 0);
  assert.equal(plain.read32(DMAR_ECAP_REG + 4), 0);
});

test("VT-d §10.4.1: version 1.0, and read-only registers are not written", () => {
  const { vtd } = new VtdDriver();
  assert.equal(vtd.read32(DMAR_VER_REG), 0x10);
  for (const offset of [DMAR_VER_REG, DMAR_CAP_REG, DMAR_CAP_REG + 4, DMAR_ECAP_REG, DMAR_GSTS_REG, DMAR_IQH_REG]) {
    const before = vtd.read32(offset);
    vtd.write32(offset, 0xffff_ffff);
    assert.equal(vtd.read32(offset), before, offset.toString(16));
  }
});

test("VT-d §10.4.4: one-shot bits show in Global Status, enables follow what is written, the command reads 0", () => {
  const driver = new VtdDriver();
  const { vtd } = driver;
  driver.write64(DMAR_RTADDR_REG, driver.roots.address);
  driver.command(DMA_GCMD_SRTP);
  assert.equal(vtd.read32(DMAR_GSTS_REG), DMA_GCMD_SRTP);
  driver.command(DMA_GCMD_TE);
  assert.equal(vtd.read32(DMAR_GSTS_REG), (DMA_GCMD_TE | DMA_GCMD_SRTP) >>> 0, "RTPS stays");
  driver.command(DMA_GCMD_SIRTP);
  driver.command(DMA_GCMD_IRE);
  driver.command(DMA_GCMD_QIE);
  const all = DMA_GCMD_TE | DMA_GCMD_SRTP | DMA_GCMD_SIRTP | DMA_GCMD_IRE | DMA_GCMD_QIE;
  assert.equal(vtd.read32(DMAR_GSTS_REG), all >>> 0);
  driver.command(DMA_GCMD_TE, false);
  assert.equal(vtd.read32(DMAR_GSTS_REG), (all & ~DMA_GCMD_TE) >>> 0);
  assert.equal(vtd.read32(DMAR_GCMD_REG), 0);
});

test("VT-d §10.4.6: a root table counts from Set Root Table Pointer on, and TTM stays legacy", () => {
  const driver = new VtdDriver().start();
  driver.attach(0x0100, { domainId: 1, table: 0, levels: 4, translation: "pass-through" });
  assert.equal(driver.vtd.translate(0x0100, 0x1000, true), 0x1000);
  driver.vtd.write32(DMAR_RTADDR_REG, 0x0000_0c00);
  assert.equal(driver.vtd.read32(DMAR_RTADDR_REG), 0);
  driver.flushContexts();
  driver.flushIotlb();
  assert.equal(driver.vtd.translate(0x0100, 0x1000, true), 0x1000, "the latched one");
  driver.command(DMA_GCMD_SRTP);
  driver.flushContexts();
  driver.flushIotlb();
  assert.equal(driver.vtd.translate(0x0100, 0x1000, true), -1, "at 0 is no root entry");
});

test("VT-d §10.4.10: fault events are masked after reset; FSTS and FRCD keep what software cannot clear", () => {
  const { vtd } = new VtdDriver();
  assert.equal(vtd.read32(DMAR_FECTL_REG), 0x8000_0000);
  vtd.write32(DMAR_FECTL_REG, 0x7fff_ffff);
  assert.equal(vtd.read32(DMAR_FECTL_REG), 0, "IP is read-only");
  vtd.write32(DMAR_FSTS_REG, 0xffff_ffff);
  vtd.write32(FRCD_REG + 12, 0xffff_ffff);
  assert.equal(vtd.read32(DMAR_FSTS_REG) | vtd.read32(FRCD_REG + 12), 0);
});

test("VT-d §10.4.7, §10.4.8: register-based invalidation, and none of it while the queue is enabled", () => {
  const driver = new VtdDriver().start();
  const { vtd } = driver;
  const stale = () => vtd.translate(0x0100, 0x5000, false);
  driver.command(DMA_GCMD_QIE, false);
  driver.attach(0x0100, { domainId: 7, table: 0, levels: 4, translation: "pass-through" });
  assert.equal(stale(), 0x5000);
  driver.roots.detach(0x0100);
  vtd.write32(DMAR_CCMD_REG, 7);
  vtd.write32(DMAR_CCMD_REG + 4, 0xc000_0000);
  assert.equal(vtd.read32(DMAR_CCMD_REG + 4), 0x5000_0000, "ICC is clear, CAIG says domain-selective");
  assert.equal(stale(), 0x5000, "the IOTLB holds it still");
  // Of another domain, of this domain but another page, then of the page.
  const invalidate = (domainId: number, address: number): number => {
    vtd.write32(IVA_REG, address);
    vtd.write32(IVA_REG + 4, 0);
    vtd.write32(IOTLB_REG + 4, (0xb000_0000 | domainId) >>> 0);
    return vtd.read32(IOTLB_REG + 4) >>> 25;
  };
  // As __dmar_enable_qi does; what stands before the tail would be done anew.
  vtd.write32(DMAR_IQT_REG, 0);
  driver.command(DMA_GCMD_QIE);
  assert.equal(invalidate(7, 0x5000) & 3, 0, "IAIG: nothing was done");
  assert.equal(stale(), 0x5000);
  driver.command(DMA_GCMD_QIE, false);
  assert.equal(invalidate(8, 0x5000) & 3, 3);
  assert.equal(stale(), 0x5000);
  assert.equal(invalidate(7, 0x5000 | 19) & 3, 0, "beyond MAMV");
  assert.equal(invalidate(7, 0x5000) & 3, 3);
  assert.equal(stale(), -1);
});

test("VT-d §10.4.21: the head goes to 0 when the queue is disabled", () => {
  const driver = new VtdDriver().start();
  assert.equal(driver.vtd.read32(DMAR_IQH_REG), 32);
  assert.equal(driver.vtd.read32(DMAR_IQT_REG), 32);
  driver.command(DMA_GCMD_QIE, false);
  assert.equal(driver.vtd.read32(DMAR_IQH_REG), 0);
});
