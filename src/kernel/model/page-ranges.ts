import type { PageRange } from "../../hardware/iommu/page-allocator.ts";

const PAGE_BYTES = 4096;

/** Memory by whole pages, as a kernel gives it out: the lowest stretch that has room. */
export class PageRanges {
  /** By address, none touching another. */
  #free: PageRange[];

  constructor(start: number, sizeBytes: number) {
    this.#free = sizeBytes > 0 ? [{ start, sizeBytes }] : [];
  }

  get freeBytes(): number {
    return this.#free.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** @returns undefined where no stretch is large enough */
  allocate(bytes: number, alignment: number = PAGE_BYTES): PageRange | undefined {
    const sizeBytes = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    for (const [index, range] of this.#free.entries()) {
      const start = Math.ceil(range.start / alignment) * alignment;
      const wanted = { start, sizeBytes };
      if (!isWithin(wanted, range)) continue;
      this.#cut(index, range, wanted);
      return wanted;
    }
    return undefined;
  }

  /** A stretch that is wanted where it is. @returns false where not all of it is free */
  take(wanted: PageRange): boolean {
    const { start, sizeBytes } = wanted;
    const isWhole = start % PAGE_BYTES === 0 && sizeBytes % PAGE_BYTES === 0 && sizeBytes > 0;
    const index = this.#free.findIndex((range) => isWithin(wanted, range));
    const found = this.#free[index];
    if (!isWhole || found === undefined) return false;
    this.#cut(index, found, wanted);
    return true;
  }

  free(range: PageRange): void {
    const all = [...this.#free, range].sort((a, b) => a.start - b.start);
    this.#free = [];
    for (const each of all) {
      const last = this.#free.at(-1);
      if (last !== undefined && last.start + last.sizeBytes === each.start) {
        this.#free[this.#free.length - 1] = { start: last.start, sizeBytes: last.sizeBytes + each.sizeBytes };
      } else this.#free.push(each);
    }
  }

  /** Leaves of a free stretch what is before and after `wanted`, which is within it. */
  #cut(index: number, from: PageRange, wanted: PageRange): void {
    const before = { start: from.start, sizeBytes: wanted.start - from.start };
    const after = { start: endOf(wanted), sizeBytes: endOf(from) - endOf(wanted) };
    this.#free.splice(index, 1, ...[before, after].filter((rest) => rest.sizeBytes > 0));
  }
}

function endOf({ start, sizeBytes }: PageRange): number {
  return start + sizeBytes;
}

function isWithin(range: PageRange, whole: PageRange): boolean {
  return whole.start <= range.start && endOf(range) <= endOf(whole);
}
