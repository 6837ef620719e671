import { NvmeDriver } from "../../hardware/guests/nvme-driver.ts";
import { PCI_COMMAND_MASTER } from "./enable-device.ts";
import type { GuestRam } from "./guest-ram.ts";
import type { DriverMemory } from "./kernel-dma.ts";
import type { Linux } from "./linux.ts";
import { mapRegisters } from "./mapped-registers.ts";
import { allocateVectors } from "./message-interrupts.ts";
import type { PciDev } from "./pci-dev.ts";

/** Its queues and the pages of their commands. */
const MEMORY_BYTES = 0x8_0000;
const ENTRIES = 16;
const VECTORS = 2;
const PAGE_BYTES = 4096;

/** A guest's nvme on a controller that it was given, with queues in the guest's own memory. */
export class GuestNvme {
  readonly #ram: GuestRam;
  readonly #own: DriverMemory | undefined;

  /** A controller that is not online never gets ready, and the guest gives it up. */
  constructor(linux: Linux, dev: PciDev, ram: GuestRam) {
    this.#ram = ram;
    const own = ram.allocate(MEMORY_BYTES);
    this.#own = own;
    if (own === undefined) return;
    const vectors = allocateVectors(linux, dev, VECTORS);
    dev.setCommand(PCI_COMMAND_MASTER);
    const driver = new NvmeDriver({
      mmio: mapRegisters(linux, dev),
      memory: own.memory,
      ioQueues: 1,
      vectors,
      entries: ENTRIES,
      slotBytes: PAGE_BYTES,
    });
    driver.enable();
    if (driver.ready && driver.setUpIoQueues() === 0) driver.listen();
  }

  stop(): void {
    if (this.#own !== undefined) this.#ram.free(this.#own);
  }
}
