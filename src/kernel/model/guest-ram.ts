import { GuestMemory } from "../../hardware/guests/guest-memory.ts";
import type { PageRange } from "../../hardware/iommu/page-allocator.ts";
import type { PhysicalMemory } from "../../hardware/memory.ts";
import type { DriverMemory } from "./kernel-dma.ts";
import { PageRanges } from "./page-ranges.ts";

const PAGE_BYTES = 4096;

/** A guest's memory, from 0 for the guest and its devices, as its kernel gives it out to drivers. */
export class GuestRam {
  /** Where it is in the machine's. */
  readonly range: PageRange;
  readonly #machine: PhysicalMemory;
  /** What nobody has; the first page is nobody's. */
  readonly #pages: PageRanges;

  constructor(machine: PhysicalMemory, range: PageRange) {
    this.#machine = machine;
    this.range = range;
    this.#pages = new PageRanges(PAGE_BYTES, range.sizeBytes - PAGE_BYTES);
  }

  /** @returns undefined where the guest is too small for a driver: its function is idle then */
  allocate(bytes: number): DriverMemory | undefined {
    const range = this.#pages.allocate(bytes);
    return range && this.#memoryOf(range);
  }

  /** What a driver had in a guest that has come from elsewhere. @returns undefined where not all of it is free */
  take(range: PageRange): DriverMemory | undefined {
    return this.#pages.take(range) ? this.#memoryOf(range) : undefined;
  }

  /** Nothing of what the driver had there stays. */
  free({ range, memory }: DriverMemory): void {
    memory.memory.clear(0, range.sizeBytes);
    this.#pages.free(range);
  }

  #memoryOf(range: PageRange): DriverMemory {
    const { start, sizeBytes } = range;
    return { range, memory: new GuestMemory(this.#machine, this.range.start + start, sizeBytes, start) };
  }
}
