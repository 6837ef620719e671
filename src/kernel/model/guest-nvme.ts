import { GuestMemory } from "../../hardware/guests/guest-memory.ts";
import { NvmeDriver } from "../../hardware/guests/nvme-driver.ts";
import type { PageRange } from "../../hardware/iommu/page-allocator.ts";
import { PCI_COMMAND_MASTER } from "./enable-device.ts";
import type { Linux } from "./linux.ts";
import { mapRegisters } from "./mapped-registers.ts";
import { allocateVectors } from "./message-interrupts.ts";
import type { PageRanges } from "./page-ranges.ts";
import type { PciDev } from "./pci-dev.ts";

export const CLASS_NVME = 0x01_08_02;
/** Its queues and the pages of their commands. */
const MEMORY_BYTES = 0x8_0000;
const ENTRIES = 16;
const VECTORS = 2;
const PAGE_BYTES = 4096;

/** A guest's nvme on a controller that it was given, with queues in the guest's own memory. */
export class GuestNvme {
  readonly #linux: Linux;
  readonly #range: PageRange;
  readonly #pages: PageRanges;
  readonly #own: PageRange | undefined;

  /** A controller that is not online never gets ready, and the guest gives it up. */
  constructor(linux: Linux, dev: PciDev, { range, pages }: { readonly range: PageRange; readonly pages: PageRanges }) {
    this.#linux = linux;
    this.#range = range;
    this.#pages = pages;
    const own = pages.allocate(MEMORY_BYTES);
    this.#own = own;
    // The guest is too small for a driver: its function is idle.
    if (own === undefined) return;
    const vectors = allocateVectors(linux, dev, VECTORS);
    dev.setCommand(PCI_COMMAND_MASTER);
    const driver = new NvmeDriver({
      mmio: mapRegisters(linux, dev),
      memory: new GuestMemory(linux.machine.memory, range.start + own.start, own.sizeBytes, own.start),
      ioQueues: 1,
      vectors,
      entries: ENTRIES,
      slotBytes: PAGE_BYTES,
    });
    driver.enable();
    if (driver.ready && driver.setUpIoQueues() === 0) driver.listen();
  }

  stop(): void {
    if (this.#own === undefined) return;
    const from = this.#range.start + this.#own.start;
    this.#linux.machine.memory.bytes.fill(0, from, from + this.#own.sizeBytes);
    this.#pages.free(this.#own);
  }
}
