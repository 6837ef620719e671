import type { PhysicalMemory } from "../memory.ts";
import type { PageAllocator } from "./page-allocator.ts";

const ENTRY_BYTES = 16;
const PRESENT = 1;
const FPD = 1 << 1;
const PAGE_MASK = 0xfff;

export interface Context {
  readonly domainId: number;
  /** The topmost second-level table; of no account in pass-through. */
  readonly table: number;
  readonly levels: 3 | 4 | 5;
  readonly translation?: "multi-level" | "device-tlb" | "pass-through";
  readonly faultsDisabled?: boolean;
}

const TRANSLATION_TYPES = { "multi-level": 0, "device-tlb": 1, "pass-through": 2 } as const;

/**
 * The root table and its context tables, as software writes them (Linux: domain_context_mapping_one and
 * domain_context_clear_one). After `detach` it is software's to invalidate the context cache and then the IOTLB, both under
 * the domain id that the entry had.
 */
export class RootTable {
  readonly #memory: PhysicalMemory;
  readonly #pages: PageAllocator;
  /** For the Root Table Address register. */
  readonly address: number;

  constructor(memory: PhysicalMemory, pages: PageAllocator) {
    this.#memory = memory;
    this.#pages = pages;
    this.address = pages.allocate();
  }

  attach(requesterId: number, context: Context): void {
    const { domainId, table, levels, translation = "multi-level", faultsDisabled = false } = context;
    const entry = this.#entry(requesterId);
    const low = (TRANSLATION_TYPES[translation] << 2) | (faultsDisabled ? FPD : 0);
    this.#memory.write64(entry + 8, domainId * 256 + (levels - 2));
    // Present comes last, as hardware may read the entry at any time.
    this.#memory.write64(entry, table + low);
    this.#memory.write32(entry, (this.#memory.read32(entry) | PRESENT) >>> 0);
  }

  detach(requesterId: number): void {
    const entry = this.#entry(requesterId);
    this.#memory.write64(entry, 0);
    this.#memory.write64(entry + 8, 0);
  }

  /** The address of the function's context entry; its context table comes into being where there is none. */
  #entry(requesterId: number): number {
    const root = this.address + (requesterId >>> 8) * ENTRY_BYTES;
    if ((this.#memory.read32(root) & PRESENT) === 0) this.#memory.write64(root, this.#pages.allocate() + PRESENT);
    const low = this.#memory.read64(root);
    return low - (low & PAGE_MASK) + (requesterId & 0xff) * ENTRY_BYTES;
  }
}
