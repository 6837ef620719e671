import type { PhysicalMemory } from "../memory.ts";
import type { PageAllocator } from "./page-allocator.ts";

// Entries as software writes them; Linux: DMA_PTE_… in drivers/iommu/intel/iommu.h.
const DMA_PTE_READ = 1;
const DMA_PTE_WRITE = 2;
const DMA_PTE_LARGE_PAGE = 1 << 7;
const PERMISSIONS = DMA_PTE_READ | DMA_PTE_WRITE;

const PAGE_BYTES = 4096;
const ENTRIES = 512;
const HIGH = 0x1_0000_0000;

export interface MapOptions {
  readonly read?: boolean;
  readonly write?: boolean;
  /** The largest page that may be used: 1 is 4 KiB, 2 is 2 MiB, 3 is 1 GiB. */
  readonly largestLevel?: 1 | 2 | 3;
}

/**
 * The second-level tables of one domain, as software builds them (Linux: __domain_mapping and domain_unmap of
 * drivers/iommu/intel/iommu.c). What hardware has cached of them is not its business: who unmaps invalidates, and only then
 * gives back the pages that `unmap` took out of the tables.
 */
export class SecondLevelTables {
  readonly #memory: PhysicalMemory;
  readonly #pages: PageAllocator;
  readonly levels: 3 | 4 | 5;
  /** The topmost table's address: SLPTPTR of the context entries. */
  readonly root: number;

  constructor(memory: PhysicalMemory, pages: PageAllocator, levels: 3 | 4 | 5 = 4) {
    this.#memory = memory;
    this.#pages = pages;
    this.levels = levels;
    this.root = pages.allocate();
  }

  /** Maps pages that are not yet mapped, with superpages where both addresses are aligned to them. */
  map(iova: number, physical: number, sizeBytes: number, options: MapOptions = {}): void {
    const { read = true, write = true, largestLevel = 3 } = options;
    this.#checkRange(iova, sizeBytes);
    const permissions = (read ? DMA_PTE_READ : 0) | (write ? DMA_PTE_WRITE : 0);
    for (let done = 0; done < sizeBytes; ) {
      const level = this.#levelFor(iova + done, physical + done, sizeBytes - done, largestLevel);
      const entry = this.#entryToMap(iova + done, level);
      const low = permissions | (level > 1 ? DMA_PTE_LARGE_PAGE : 0);
      this.#memory.write64(entry, physical + done + low);
      done += spanOf(level);
    }
  }

  /** The largest page that fits (Linux: hardware_largepage_caps), where no table stands in its place. */
  #levelFor(iova: number, physical: number, sizeBytes: number, largest: number): number {
    let level = Math.min(largest, this.levels);
    const fits = (span: number) => iova % span === 0 && physical % span === 0 && sizeBytes >= span;
    while (level > 1 && (!fits(spanOf(level)) || this.#hasTable(iova, level))) level--;
    return level;
  }

  #hasTable(iova: number, level: number): boolean {
    let table = this.root;
    for (let at = this.levels; at >= level; at--) {
      const low = this.#memory.read32(entryOf(table, iova, at));
      if ((low & PERMISSIONS) === 0) return false;
      table = this.#next(entryOf(table, iova, at));
    }
    return true;
  }

  #entryToMap(iova: number, level: number): number {
    let table = this.root;
    for (let at = this.levels; at > level; at--) {
      const entry = entryOf(table, iova, at);
      const low = this.#memory.read32(entry);
      if (low & DMA_PTE_LARGE_PAGE) throw new RangeError(`IOVA ${iova.toString(16)} is mapped by a superpage`);
      // Tables give all permissions; those that count are at the leaf.
      if ((low & PERMISSIONS) === 0) this.#memory.write64(entry, this.#pages.allocate() + PERMISSIONS);
      table = this.#next(entry);
    }
    const entry = entryOf(table, iova, level);
    if (this.#memory.read32(entry) & PERMISSIONS) throw new RangeError(`IOVA ${iova.toString(16)} is mapped`);
    return entry;
  }

  /**
   * Takes out what is mapped in the range; superpages wholly or not at all.
   * @returns the tables that were taken out: free them after the invalidation, when no walk can come to them any more
   */
  unmap(iova: number, sizeBytes: number): readonly number[] {
    this.#checkRange(iova, sizeBytes);
    const removed: number[] = [];
    this.#clear(this.root, this.levels, 0, iova, iova + sizeBytes, removed);
    return removed;
  }

  #clear(table: number, level: number, base: number, start: number, end: number, removed: number[]): void {
    const span = spanOf(level);
    const first = Math.max(0, Math.floor((start - base) / span));
    for (let index = first; index < ENTRIES && base + index * span < end; index++) {
      const entry = table + index * 8;
      const low = this.#memory.read32(entry);
      if ((low & PERMISSIONS) === 0) continue;
      const from = base + index * span;
      const whole = from >= start && from + span <= end;
      if (level === 1 || low & DMA_PTE_LARGE_PAGE) {
        if (!whole) throw new RangeError(`part of a superpage at IOVA ${from.toString(16)}`);
        this.#memory.write64(entry, 0);
        continue;
      }
      const next = this.#next(entry);
      this.#clear(next, level - 1, from, start, end, removed);
      if (!whole) continue;
      this.#memory.write64(entry, 0);
      removed.push(next);
    }
  }

  /** Where hardware with empty caches would find it; undefined where nothing is mapped. */
  lookUp(iova: number): number | undefined {
    let table = this.root;
    for (let level: number = this.levels; ; level--) {
      const entry = entryOf(table, iova, level);
      const low = this.#memory.read32(entry);
      if ((low & PERMISSIONS) === 0) return undefined;
      if (level === 1 || low & DMA_PTE_LARGE_PAGE) return this.#next(entry) + (iova % spanOf(level));
      table = this.#next(entry);
    }
  }

  /** All tables, with the topmost: what is to be freed when the domain ends. */
  tables(): readonly number[] {
    const all: number[] = [];
    this.#collect(this.root, this.levels, all);
    return all;
  }

  #collect(table: number, level: number, all: number[]): void {
    all.push(table);
    if (level === 1) return;
    for (let index = 0; index < ENTRIES; index++) {
      const low = this.#memory.read32(table + index * 8);
      const isTable = low & PERMISSIONS && (low & DMA_PTE_LARGE_PAGE) === 0;
      if (isTable) this.#collect(this.#next(table + index * 8), level - 1, all);
    }
  }

  #next(entry: number): number {
    const low = this.#memory.read32(entry);
    return (this.#memory.read32(entry + 4) & 0x000f_ffff) * HIGH + ((low & 0xffff_f000) >>> 0);
  }

  #checkRange(iova: number, sizeBytes: number): void {
    const limit = spanOf(this.levels) * ENTRIES;
    const isWhole = iova % PAGE_BYTES === 0 && sizeBytes % PAGE_BYTES === 0;
    if (!isWhole || iova < 0 || sizeBytes <= 0 || iova + sizeBytes > limit) {
      throw new RangeError(`no IOVA range of ${this.levels} levels: ${iova}, ${sizeBytes} bytes`);
    }
  }
}

function spanOf(level: number): number {
  return PAGE_BYTES * ENTRIES ** (level - 1);
}

function entryOf(table: number, iova: number, level: number): number {
  return table + (Math.floor(iova / spanOf(level)) % ENTRIES) * 8;
}
