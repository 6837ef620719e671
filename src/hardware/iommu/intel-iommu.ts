import type { PhysicalMemory } from "../memory.ts";
import type { PageAllocator } from "./page-allocator.ts";
import { type Context, RootTable } from "./root-table.ts";
import type { Vtd } from "./vtd.ts";
import {
  DMA_FSTS_PFO,
  DMA_GCMD_IRE,
  DMA_GCMD_QIE,
  DMA_GCMD_SIRTP,
  DMA_GCMD_SRTP,
  DMA_GCMD_TE,
  DMAR_FEADDR_REG,
  DMAR_FECTL_REG,
  DMAR_FEDATA_REG,
  DMAR_FSTS_REG,
  DMAR_GCMD_REG,
  DMAR_GSTS_REG,
  DMAR_IQA_REG,
  DMAR_IQT_REG,
  DMAR_IRTA_REG,
  DMAR_RTADDR_REG,
  FRCD_BYTES,
  FRCD_REG,
} from "./vtd-registers.ts";

const HIGH = 0x1_0000_0000;
const QUEUE_BYTES = 4096;
/** Of the interrupt remapping table. */
const ENTRIES_OF_PAGE = 256;
const ONE_SHOTS = 0x9600_0000 | 0x00ff_ffff;

/** A fault as dmar_fault of Linux reads it from a recording register. */
export interface Fault {
  readonly reason: number;
  readonly sourceId: number;
  readonly kind: "read" | "write";
  readonly addressType: number;
  readonly info: number;
  /** Of a request with one. */
  readonly pasid?: number;
}

/** The part of an operating system that programs a unit, in the order in which Linux does (drivers/iommu/intel). */
export class IntelIommu {
  readonly vtd: Vtd;
  readonly memory: PhysicalMemory;
  readonly pages: PageAllocator;
  readonly roots: RootTable;
  readonly queue: number;
  readonly status: number;
  #tail = 0;

  constructor(vtd: Vtd, memory: PhysicalMemory, pages: PageAllocator) {
    this.vtd = vtd;
    this.memory = memory;
    this.pages = pages;
    this.roots = new RootTable(memory, pages);
    this.queue = pages.allocate();
    this.status = pages.allocate();
  }

  /** As init_dmars does: queued invalidation, root table, global invalidation, translation. */
  start(): this {
    this.#tail = 0;
    this.vtd.write32(DMAR_IQT_REG, 0);
    this.write64(DMAR_IQA_REG, this.queue);
    this.command(DMA_GCMD_QIE);
    this.write64(DMAR_RTADDR_REG, this.roots.address);
    this.command(DMA_GCMD_SRTP);
    this.flushContexts();
    this.flushIotlb();
    this.vtd.write32(DMAR_FECTL_REG, 0);
    this.command(DMA_GCMD_TE);
    return this;
  }

  /**
   * As iommu_set_irq_remapping and iommu_enable_irq_remapping do.
   * @param entries a power of two, as many as the table has room for; those of a page where left out
   * @returns the table's address
   */
  startInterruptRemapping(
    options: { extendedMode?: boolean; table?: number | undefined; entries?: number } = {},
  ): number {
    const { extendedMode = false, table = this.pages.allocate(), entries = ENTRIES_OF_PAGE } = options;
    this.write64(DMAR_IRTA_REG, table + (extendedMode ? 0x800 : 0) + Math.log2(entries) - 1);
    this.command(DMA_GCMD_SIRTP);
    this.submit(4, 0, 0, 0);
    this.command(DMA_GCMD_IRE);
    return table;
  }

  /** The message by which the unit tells of faults (dmar_msi_write). */
  setFaultEvent(address: number, data: number): void {
    this.vtd.write32(DMAR_FEDATA_REG, data);
    this.vtd.write32(DMAR_FEADDR_REG, address);
  }

  /** Writes Global Command as §10.4.4 says: the status, less the one-shot bits, and one bit set or cleared. */
  command(bit: number, set = true): void {
    const status = this.vtd.read32(DMAR_GSTS_REG) & ONE_SHOTS;
    this.vtd.write32(DMAR_GCMD_REG, (set ? status | bit : status & ~bit) >>> 0);
  }

  write64(offset: number, value: number): void {
    this.vtd.write32(offset, value >>> 0);
    this.vtd.write32(offset + 4, Math.floor(value / HIGH));
  }

  /** Puts a descriptor into the queue and moves the tail. */
  submit(word0: number, word1: number, word2: number, word3: number): void {
    [word0, word1, word2, word3].forEach((word, index) => {
      this.memory.write32(this.queue + this.#tail + index * 4, word >>> 0);
    });
    this.#tail = (this.#tail + 16) % QUEUE_BYTES;
    this.vtd.write32(DMAR_IQT_REG, this.#tail);
  }

  flushContexts(): void {
    this.submit(0x11, 0, 0, 0);
  }

  /** Device-selective. */
  flushContext(domainId: number, sourceId: number): void {
    this.submit(0x31 | (domainId << 16), sourceId, 0, 0);
  }

  /** Global, or of a domain, or of 2^addressMask pages of a domain. */
  flushIotlb(domainId?: number, page?: number, addressMask = 0): void {
    if (domainId === undefined) this.submit(0x12, 0, 0, 0);
    else if (page === undefined) this.submit(0x22 | (domainId << 16), 0, 0, 0);
    else this.submit(0x32 | (domainId << 16), 0, (page | addressMask) >>> 0, Math.floor(page / HIGH));
  }

  /** Of the interrupt entry cache: one entry (qi_flush_iec). */
  flushInterruptEntry(index: number): void {
    this.submit(0x14, index, 0, 0);
  }

  /** @returns whether the wait descriptor completed */
  wait(status = 2): boolean {
    this.memory.write32(this.status, 0);
    this.submit(0x25, status, this.status, 0);
    return this.memory.read32(this.status) === status;
  }

  attach(requesterId: number, context: Context): void {
    this.roots.attach(requesterId, context);
  }

  /** As domain_context_clear_one does. */
  detach(requesterId: number, domainId: number): void {
    this.roots.detach(requesterId);
    this.flushContext(domainId, requesterId);
    this.flushIotlb(domainId);
  }

  /** Fault Status, as dmar_fault prints it. */
  get faultStatus(): number {
    return this.vtd.read32(DMAR_FSTS_REG);
  }

  /** Takes the faults that are pending, as dmar_fault does, and clears them. */
  takeFaults(): readonly Fault[] {
    const { vtd } = this;
    const faults: Fault[] = [];
    const records = ((vtd.read32(0x0c) >>> 8) & 0xff) + 1;
    let index = (vtd.read32(DMAR_FSTS_REG) >>> 8) & 0xff;
    for (let count = 0; count < records; count++, index = (index + 1) % records) {
      const record = FRCD_REG + index * FRCD_BYTES;
      const last = vtd.read32(record + 12);
      if (last >>> 31 === 0) break;
      const flags = vtd.read32(record + 8);
      faults.push({
        reason: last & 0xff,
        sourceId: flags & 0xffff,
        kind: last & 0x4000_0000 ? "read" : "write",
        addressType: (last >>> 28) & 3,
        info: vtd.read32(record + 4) * HIGH + vtd.read32(record),
        ...(flags >>> 31 === 1 ? { pasid: (last >>> 8) & 0xf_ffff } : {}),
      });
      vtd.write32(record + 12, 0x8000_0000);
    }
    vtd.write32(DMAR_FSTS_REG, DMA_FSTS_PFO);
    return faults;
  }
}
