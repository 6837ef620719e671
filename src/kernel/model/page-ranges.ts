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
      const left = range.start + range.sizeBytes - start - sizeBytes;
      if (left < 0) continue;
      const before = { start: range.start, sizeBytes: start - range.start };
      const after = { start: start + sizeBytes, sizeBytes: left };
      this.#free.splice(index, 1, ...[before, after].filter((rest) => rest.sizeBytes > 0));
      return { start, sizeBytes };
    }
    return undefined;
  }

  /** A stretch that is wanted where it is. @returns false where not all of it is free */
  take({ start, sizeBytes }: PageRange): boolean {
    const isWhole = start % PAGE_BYTES === 0 && sizeBytes % PAGE_BYTES === 0 && sizeBytes > 0;
    const index = this.#free.findIndex(
      (range) => range.start <= start && start + sizeBytes <= range.start + range.sizeBytes,
    );
    const found = this.#free[index];
    if (!isWhole || found === undefined) return false;
    const before = { start: found.start, sizeBytes: start - found.start };
    const after = { start: start + sizeBytes, sizeBytes: found.start + found.sizeBytes - start - sizeBytes };
    this.#free.splice(index, 1, ...[before, after].filter((rest) => rest.sizeBytes > 0));
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
}
