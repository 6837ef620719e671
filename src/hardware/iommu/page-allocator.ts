import type { PhysicalMemory } from "../memory.ts";

const PAGE_BYTES = 4096;

/** Whole pages of memory. */
export interface PageRange {
  readonly start: number;
  readonly sizeBytes: number;
}

/** Gives out zeroed pages of a part of memory, as a kernel does for tables; the last that came back goes first. */
export class PageAllocator {
  readonly #memory: PhysicalMemory;
  readonly #free: number[] = [];
  readonly #more: () => PageRange | undefined;
  #next: number;
  #end: number;

  /** @param more where it gets pages from when it has no more; nowhere where left out */
  constructor(
    memory: PhysicalMemory,
    start: number,
    sizeBytes: number,
    more: () => PageRange | undefined = () => undefined,
  ) {
    if (start % PAGE_BYTES !== 0 || !memory.has(start, sizeBytes)) {
      throw new RangeError(`no ${sizeBytes} bytes of RAM for pages from ${start}`);
    }
    this.#memory = memory;
    this.#more = more;
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
    if (this.#next + PAGE_BYTES > this.#end) {
      const range = this.#more();
      if (range === undefined) throw new RangeError(`out of pages at ${this.#next}`);
      this.#next = range.start;
      this.#end = range.start + range.sizeBytes;
    }
    const page = this.#next;
    this.#next += PAGE_BYTES;
    this.#memory.bytes.fill(0, page, page + PAGE_BYTES);
    return page;
  }

  free(page: number): void {
    this.#free.push(page);
  }
}
