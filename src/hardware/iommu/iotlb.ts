/** What an entry holds in the 12 bits below its frame. */
export const IOTLB_READ = 1;
export const IOTLB_WRITE = 2;
/** 0: 4 KiB, 1: 2 MiB, 2: 1 GiB. */
export const IOTLB_SIZE_SHIFT = 2;
const IOTLB_SIZE_MASK = 3 << IOTLB_SIZE_SHIFT;
/** Fault processing is disabled by the context. */
export const IOTLB_FPD = 1 << 4;
const FLAGS = 0xfff;

const PAGE_BYTES = 4096;
const PAGES_EACH = 1 / PAGE_BYTES;
/** Pages of one function that follow one another never meet in a slot; those of different functions begin apart. */
const SPREAD = 2531;
const NO_PAGE = -1;
const GENERATIONS = 0x8000;

/**
 * The IOTLB (VT-d §6.2.4): one entry for each 4 KiB page that a function used, mapped directly, tagged with requester id and
 * domain id. A superpage takes an entry for each of its 4 KiB that is used; all go when any of it is invalidated.
 *
 * An entry stays until it is invalidated or displaced, whatever the tables say meanwhile. All of it is typed arrays, and
 * a look-up allocates nothing.
 */
export class Iotlb {
  readonly #mask: number;
  /** For each slot the page's address, and its frame's address with the flags below. */
  readonly #entries: Float64Array;
  /** For each slot the generation and requester id, and the domain id. */
  readonly #tags: Int32Array;
  /** In bits 30:16: what an older generation left is void. */
  #generation = 0;

  /** @param entries a power of two */
  constructor(entries: number) {
    if (!Number.isInteger(Math.log2(entries))) throw new RangeError(`an IOTLB of ${entries} entries`);
    this.#mask = entries - 1;
    this.#entries = new Float64Array(entries * 2).fill(NO_PAGE);
    this.#tags = new Int32Array(entries * 2);
  }

  /** @param page the address of a page. @returns its frame's address plus flags, or 0 where it is not held */
  find(requesterId: number, page: number): number {
    const slot = ((page * PAGES_EACH + requesterId * SPREAD) & this.#mask) << 1;
    if (this.#entries[slot] !== page || this.#tags[slot] !== (this.#generation | requesterId)) return 0;
    return this.#entries[slot + 1] as number;
  }

  insert(requesterId: number, page: number, frameAndFlags: number, domainId: number): void {
    const slot = ((page * PAGES_EACH + requesterId * SPREAD) & this.#mask) << 1;
    this.#entries[slot] = page;
    this.#entries[slot + 1] = frameAndFlags;
    this.#tags[slot] = this.#generation | requesterId;
    this.#tags[slot + 1] = domainId;
  }

  /** Global invalidation: O(1), but for one in 32768. */
  invalidateAll(): void {
    const generation = (this.#generation >>> 16) + 1;
    if (generation === GENERATIONS) this.#entries.fill(NO_PAGE);
    this.#generation = (generation % GENERATIONS) << 16;
  }

  /** Domain-selective invalidation. */
  invalidateDomain(domainId: number): void {
    const entries = this.#entries;
    const tags = this.#tags;
    for (let slot = 0; slot < tags.length; slot += 2) if (tags[slot + 1] === domainId) entries[slot] = NO_PAGE;
  }

  /** Page-selective invalidation within a domain: 2^addressMask pages from `address`, aligned to their size. */
  invalidatePages(domainId: number, address: number, addressMask: number): void {
    const sizeBytes = PAGE_BYTES * 2 ** addressMask;
    const start = address - (address % sizeBytes);
    const entries = this.#entries;
    const tags = this.#tags;
    for (let slot = 0; slot < tags.length; slot += 2) {
      if (tags[slot + 1] !== domainId) continue;
      const page = entries[slot] as number;
      const pageBytes = mappingBytes(entries[slot + 1] as number);
      const first = page - (page % pageBytes);
      if (page !== NO_PAGE && first < start + sizeBytes && first + pageBytes > start) entries[slot] = NO_PAGE;
    }
  }

  /** The entries that are held: requester id, page, frame and flags, domain id. */
  save(): readonly (readonly number[])[] {
    const saved: number[][] = [];
    for (let slot = 0; slot < this.#tags.length; slot += 2) {
      const page = this.#entries[slot] as number;
      const tag = this.#tags[slot] as number;
      if (page === NO_PAGE || (tag & ~0xffff) !== this.#generation) continue;
      saved.push([tag & 0xffff, page, this.#entries[slot + 1] as number, this.#tags[slot + 1] as number]);
    }
    return saved;
  }

  restore(saved: readonly (readonly number[])[]): void {
    this.#entries.fill(NO_PAGE);
    for (const [requesterId = 0, page = 0, frame = 0, domainId = 0] of saved) {
      this.insert(requesterId, page, frame, domainId);
    }
  }
}

/** The size of the page or superpage that an entry is of. */
export function mappingBytes(frameAndFlags: number): number {
  return PAGE_BYTES << (((frameAndFlags & IOTLB_SIZE_MASK) >>> IOTLB_SIZE_SHIFT) * 9);
}

export function flagsOf(frameAndFlags: number): number {
  return frameAndFlags & FLAGS;
}
