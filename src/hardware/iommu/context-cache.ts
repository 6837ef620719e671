import type { PhysicalMemory } from "../memory.ts";
import { FaultReason } from "./fault-reason.ts";
import { guestAddressWidth, maxGuestAddressWidth, type VtdCapabilities } from "./vtd-capabilities.ts";

/** Context entry, low quadword (VT-d §9.3). */
const CONTEXT_FPD = 1 << 1;
export const CONTEXT_TT_DEV_IOTLB = 1;
export const CONTEXT_TT_PASS_THROUGH = 2;
const PRESENT = 1;
const TT_SHIFT = 2;
const TT_MASK = 3 << TT_SHIFT;
const ROOT_RESERVED = 0xffe;
const CONTEXT_RESERVED = 0xff0;
const CONTEXT_UPPER_RESERVED = 0xff00_0080;
const DID_SHIFT = 8;
const AW_MASK = 7;

const ENTRIES = 1024;
const ENTRY_BYTES = 16;
const HIGH = 0x1_0000_0000;
const EMPTY = -1;
/** The bits of a requester id that FM leaves out: none, 2, 2:1, 2:0 (§6.5.2.1). */
const FUNCTION_MASKS = [0, 4, 6, 7] as const;

/** The context cache (VT-d §6.2.2), with the root and context tables behind it. Mapped directly by requester id. */
export class ContextCache {
  readonly #memory: PhysicalMemory;
  readonly #capabilities: VtdCapabilities;
  /** Bits 63:32 that are reserved in an address. */
  readonly #reservedHigh: number;
  readonly #owners = new Int32Array(ENTRIES).fill(EMPTY);
  /** The lower halves of the two quadwords of each entry. */
  readonly #low = new Int32Array(ENTRIES);
  readonly #high = new Int32Array(ENTRIES);
  readonly #tables = new Float64Array(ENTRIES);
  /** By depth of the tables. */
  readonly #limits: Float64Array;
  /** The root table's address, as Set Root Table Pointer latched it. */
  rootTable = 0;

  constructor(memory: PhysicalMemory, capabilities: VtdCapabilities) {
    this.#memory = memory;
    this.#capabilities = capabilities;
    this.#reservedHigh = reservedHighBits(capabilities.hostAddressWidth) | 0xfff0_0000;
    const widest = maxGuestAddressWidth(capabilities);
    this.#limits = Float64Array.from({ length: 6 }, (_, levels) => 2 ** Math.min(guestAddressWidth(levels), widest));
  }

  /**
   * The slot that holds the function's context, read from the tables where it is not yet there.
   * @returns a fault's reason, negative, where there is no valid one; it is qualified where `faultsDisabled` then is set
   */
  find(requesterId: number): number {
    const slot = requesterId % ENTRIES;
    this.faultsDisabled = false;
    if (this.#owners[slot] === requesterId) return slot;
    return this.#fill(slot, requesterId);
  }

  /** Whether the context that the last `find` could not give disables the processing of its faults (FPD, §9.3). */
  faultsDisabled = false;

  #fill(slot: number, requesterId: number): number {
    const memory = this.#memory;
    const root = this.rootTable + (requesterId >>> 8) * ENTRY_BYTES;
    if (!memory.has(root, ENTRY_BYTES)) return -FaultReason.badRootTableAddress;
    const rootLow = memory.read32(root);
    const rootHigh = memory.read32(root + 4);
    if ((rootLow & PRESENT) === 0) return -FaultReason.rootNotPresent;
    const rootUpper = memory.read32(root + 8) | memory.read32(root + 12);
    if (rootLow & ROOT_RESERVED || rootHigh & this.#reservedHigh || rootUpper) return -FaultReason.rootReserved;

    const context = addressOf(rootLow, rootHigh) + (requesterId & 0xff) * ENTRY_BYTES;
    if (!memory.has(context, ENTRY_BYTES)) return -FaultReason.badContextTableAddress;
    const low = memory.read32(context);
    const lowHigh = memory.read32(context + 4);
    const high = memory.read32(context + 8);
    // FPD counts whether the entry is present or not (§9.3).
    this.faultsDisabled = (low & CONTEXT_FPD) !== 0;
    if ((low & PRESENT) === 0) return -FaultReason.contextNotPresent;
    const reserved = low & CONTEXT_RESERVED || lowHigh & this.#reservedHigh || high & CONTEXT_UPPER_RESERVED;
    if (reserved || memory.read32(context + 12) !== 0) return -FaultReason.contextReserved;
    if (!this.#valid((low & TT_MASK) >>> TT_SHIFT, (high & AW_MASK) + 2)) return -FaultReason.contextInvalid;

    this.#owners[slot] = requesterId;
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#tables[slot] = addressOf(low, lowHigh);
    return slot;
  }

  #valid(translationType: number, levels: number): boolean {
    const { levels: supported, deviceTlb, passThrough } = this.#capabilities;
    if (translationType === CONTEXT_TT_PASS_THROUGH) return passThrough && levels === Math.max(...supported);
    if (translationType === CONTEXT_TT_DEV_IOTLB && !deviceTlb) return false;
    return translationType <= CONTEXT_TT_DEV_IOTLB && supported.some((depth) => depth === levels);
  }

  translationType(slot: number): number {
    return ((this.#low[slot] as number) & TT_MASK) >>> TT_SHIFT;
  }

  disablesFaults(slot: number): boolean {
    return ((this.#low[slot] as number) & CONTEXT_FPD) !== 0;
  }

  domainId(slot: number): number {
    return ((this.#high[slot] as number) >>> DID_SHIFT) & 0xffff;
  }

  levels(slot: number): number {
    return ((this.#high[slot] as number) & AW_MASK) + 2;
  }

  table(slot: number): number {
    return this.#tables[slot] as number;
  }

  /** One past the last address that the context translates. */
  limit(slot: number): number {
    return this.#limits[this.levels(slot)] as number;
  }

  invalidateAll(): void {
    this.#owners.fill(EMPTY);
  }

  invalidateDomain(domainId: number): void {
    for (let slot = 0; slot < ENTRIES; slot++) if (this.domainId(slot) === domainId) this.#owners[slot] = EMPTY;
  }

  /** Device-selective: the domain id is to be the one under which the entry is cached (§6.5.2.1). */
  invalidateDevice(domainId: number, sourceId: number, functionMask: number): void {
    const ignored = FUNCTION_MASKS[functionMask & 3] ?? 0;
    for (let slot = 0; slot < ENTRIES; slot++) {
      const matches = (((this.#owners[slot] as number) ^ sourceId) & ~ignored) === 0;
      if (matches && this.domainId(slot) === domainId) this.#owners[slot] = EMPTY;
    }
  }

  /** The entries that are held: requester id, low, high, table. */
  save(): readonly (readonly number[])[] {
    const saved: number[][] = [];
    for (let slot = 0; slot < ENTRIES; slot++) {
      const owner = this.#owners[slot] as number;
      if (owner === EMPTY) continue;
      saved.push([owner, this.#low[slot] as number, this.#high[slot] as number, this.table(slot)]);
    }
    return saved;
  }

  restore(saved: readonly (readonly number[])[]): void {
    this.invalidateAll();
    for (const [owner = 0, low = 0, high = 0, table = 0] of saved) {
      const slot = owner % ENTRIES;
      this.#owners[slot] = owner;
      this.#low[slot] = low;
      this.#high[slot] = high;
      this.#tables[slot] = table;
    }
  }
}

/** Of bits 51:32, those that no address of so many bits has; as bits of the upper half. */
export function reservedHighBits(hostAddressWidth: number): number {
  return (0x000f_ffff & ~(2 ** (hostAddressWidth - 32) - 1)) >>> 0;
}

/** The address in bits 51:12 of a quadword. */
function addressOf(low: number, high: number): number {
  return (high & 0x000f_ffff) * HIGH + ((low & 0xffff_f000) >>> 0);
}
