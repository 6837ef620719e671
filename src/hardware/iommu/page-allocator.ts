import type { PhysicalMemory } from "../memory.ts";

const PAGE_BYTES = 4096;

/** Gives out zeroed pages of a part of memory, as a kernel does for tables; the last that came back goes first. */
export class PageAllocator {
  readonly #memory: PhysicalMemory;
  readonly #free: number[] = [];
  #next: number;
  readonly #end: number;

  constructor(memory: PhysicalMemory, start: number, sizeBytes: number) {
    if (start % PAGE_BYTES !== 0 || !memory.has(start, sizeBytes)) {
      throw new RangeError(`no ${sizeBytes} bytes of RAM for pages from ${start}`);
    }
    this.#memory = memory;
    this.#next = start;
    this.#end = start + sizeBytes;
  }

  /** @returns the page's address */
  allocate(): number {
    const freed = this.#free.pop();
    if (freed !== undefined) {
      this.#memory.bytes.fill(0, freed, freed + PAGE_BYTES);
      return freed;
    }
    const page = this.#next;
    if (page + PAGE_BYTES > this.#end) throw new RangeError(`out of pages at ${page}`);
    this.#next += PAGE_BYTES;
    this.#memory.bytes.fill(0, page, page + PAGE_BYTES);
    return page;
  }

  free(page: number): void {
    this.#free.push(page);
  }
}
