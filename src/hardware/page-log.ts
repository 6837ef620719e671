const PAGE_BYTES = 4096;
const BITS = 32;

/**
 * Pages of a stretch of addresses that were written since they were asked for last: what KVM keeps of a guest's processor
 * (KVM_GET_DIRTY_LOG), and VFIO of a device (VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT).
 */
export class PageLog {
  readonly start: number;
  readonly sizeBytes: number;
  readonly #end: number;
  readonly #bits: Int32Array;

  /** Both are multiples of a page. */
  constructor(start: number, sizeBytes: number) {
    this.start = start;
    this.sizeBytes = sizeBytes;
    this.#end = start + sizeBytes;
    this.#bits = new Int32Array(Math.ceil(sizeBytes / PAGE_BYTES / BITS));
  }

  /** Bytes were written; those beyond the stretch are nobody's business here. */
  mark(address: number, length: number): void {
    const from = Math.max(address, this.start);
    const to = Math.min(address + length, this.#end);
    if (from >= to) return;
    const last = Math.floor((to - 1 - this.start) / PAGE_BYTES);
    for (let page = Math.floor((from - this.start) / PAGE_BYTES); page <= last; page++) {
      this.#bits[page >>> 5] = (this.#bits[page >>> 5] as number) | (1 << (page & 31));
    }
  }

  /** The addresses of the pages that were written, rising; from now on none was. */
  take(): readonly number[] {
    const pages: number[] = [];
    this.#bits.forEach((word, index) => {
      for (let rest = word; rest !== 0; rest &= rest - 1) {
        pages.push(this.start + (index * BITS + (31 - Math.clz32(rest & -rest))) * PAGE_BYTES);
      }
    });
    this.#bits.fill(0);
    return pages;
  }
}
