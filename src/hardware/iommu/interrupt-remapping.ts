import type { PhysicalMemory } from "../memory.ts";
import type { FaultLog } from "./fault-log.ts";
import { FaultReason } from "./fault-reason.ts";
import { PostedInterrupts } from "./posted-interrupts.ts";
import { inInterruptRange } from "./second-level-walk.ts";
import { verifySource } from "./source-verification.ts";
import type { VtdCapabilities } from "./vtd-capabilities.ts";

const IRTE_BYTES = 16;
const CACHE_ENTRIES = 1024;
const WORDS = 4;
const EMPTY = -1;

// Interrupt request, remappable format (VT-d §5.1.3): the address's bits.
const REMAPPABLE = 1 << 4;
const SUBHANDLE_VALID = 1 << 3;

// IRTE (§9.10; Linux: struct irte), first doubleword.
const PRESENT = 1;
const FPD = 1 << 1;
const POSTED = 1 << 15;
const REMAPPED_RESERVED = 0xff00_7000;
const POSTED_RESERVED = 0xff00_30fc;
/** In xAPIC mode a destination is bits 15:8 of its doubleword. */
const XAPIC_DESTINATION = 0xff00;
/** Third doubleword: all but SID, SQ and SVT. */
const VERIFICATION_RESERVED = 0xfff0_0000;

/** An interrupt as it reaches the processors. One object a unit, written anew each time: it is good until the next. */
export interface Interrupt {
  /**
   * What became of the request: an interrupt; a notification that interrupts were posted; or nothing to be sent, as they
   * were posted and the notification is outstanding or suppressed.
   */
  kind: "interrupt" | "notification" | "posted";
  vector: number;
  /** The APIC id, or logical destination. */
  destination: number;
  logical: boolean;
  redirectionHint: boolean;
  /** 0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 7 ExtINT. */
  deliveryMode: number;
  levelTriggered: boolean;
}

/** Interrupt remapping (VT-d §5.1) with its entry cache, and posting (§5.2). */
export class InterruptRemapping {
  readonly #memory: PhysicalMemory;
  readonly #capabilities: VtdCapabilities;
  readonly #faults: FaultLog;
  readonly #posted: PostedInterrupts;
  readonly #owners = new Int32Array(CACHE_ENTRIES).fill(EMPTY);
  readonly #cached = new Int32Array(CACHE_ENTRIES * WORDS);
  readonly #interrupt: Interrupt = {
    kind: "interrupt",
    vector: 0,
    destination: 0,
    logical: false,
    redirectionHint: false,
    deliveryMode: 0,
    levelTriggered: false,
  };
  enabled = false;
  /** CFIS: requests in compatibility format pass, in xAPIC mode. */
  compatibilityFormat = false;
  /** As Set Interrupt Remapping Table Pointer latched it. */
  table = 0;
  entries = 0;
  extendedMode = false;

  constructor(memory: PhysicalMemory, capabilities: VtdCapabilities, faults: FaultLog) {
    this.#memory = memory;
    this.#capabilities = capabilities;
    this.#faults = faults;
    this.#posted = new PostedInterrupts(memory);
  }

  /** @returns undefined where the request is blocked; the fault is then recorded */
  remap(requesterId: number, address: number, data: number): Interrupt | undefined {
    if (!this.enabled) return this.#compatible(address, data);
    if (!inInterruptRange(address)) return this.#block(FaultReason.interruptRequestReserved, requesterId, 0);
    if ((address & REMAPPABLE) === 0) {
      if (this.extendedMode || !this.compatibilityFormat) {
        return this.#block(FaultReason.compatibilityFormatBlocked, requesterId, 0);
      }
      return this.#compatible(address, data);
    }
    const handle = ((address >>> 5) & 0x7fff) | (((address >>> 2) & 1) << 15);
    const hasSubhandle = (address & SUBHANDLE_VALID) !== 0;
    const index = hasSubhandle ? handle + (data & 0xffff) : handle;
    if (hasSubhandle && data >>> 16 !== 0) {
      return this.#block(FaultReason.interruptRequestReserved, requesterId, index);
    }
    if (index >= this.entries) return this.#block(FaultReason.interruptIndexTooLarge, requesterId, index);
    return this.#throughEntry(requesterId, index);
  }

  #throughEntry(requesterId: number, index: number): Interrupt | undefined {
    const slot = index % CACHE_ENTRIES;
    const at = slot * WORDS;
    const words = this.#cached;
    if (this.#owners[slot] !== index) {
      const entry = this.table + index * IRTE_BYTES;
      if (!this.#memory.has(entry, IRTE_BYTES))
        return this.#block(FaultReason.interruptTableAccess, requesterId, index);
      // What was here is displaced, even where the new entry turns out not to be one that is cached.
      this.#owners[slot] = EMPTY;
      for (let word = 0; word < WORDS; word++) words[at + word] = this.#memory.read32(entry + word * 4);
    }
    const low = words[at] as number;
    const reason = this.#check(requesterId, at);
    if (reason !== 0) return low & FPD ? undefined : this.#block(reason, requesterId, index);
    this.#owners[slot] = index;
    if (low & POSTED) {
      const posted = this.#posted;
      const failure = posted.post(low, words[at + 1] as number, words[at + 3] as number, this.extendedMode);
      if (failure !== 0) return low & FPD ? undefined : this.#block(failure, requesterId, index);
      return this.#deliver(posted.notify ? "notification" : "posted", posted.vector, posted.destination, 0);
    }
    const destination = words[at + 1] as number;
    return this.#deliver(
      "interrupt",
      (low >>> 16) & 0xff,
      this.extendedMode ? destination >>> 0 : (destination & XAPIC_DESTINATION) >>> 8,
      low << 1,
    );
  }

  /** Presence, reserved bits, source: in this order (§5.1.4). @returns a fault's reason, or 0 */
  #check(requesterId: number, at: number): number {
    const words = this.#cached;
    const low = words[at] as number;
    const destination = words[at + 1] as number;
    const verification = words[at + 2] as number;
    if ((low & PRESENT) === 0) return FaultReason.interruptEntryNotPresent;
    if (low & POSTED) {
      if (!this.#capabilities.postedInterrupts || low & POSTED_RESERVED || destination & 0x3f) {
        return FaultReason.interruptEntryReserved;
      }
    } else {
      const reservedDestination = this.extendedMode ? 0 : destination & ~XAPIC_DESTINATION;
      if (low & REMAPPED_RESERVED || reservedDestination || words[at + 3]) return FaultReason.interruptEntryReserved;
    }
    if (verification & VERIFICATION_RESERVED) return FaultReason.interruptEntryReserved;
    return verifySource(verification, requesterId) ? 0 : FaultReason.sourceIdVerification;
  }

  /** A message as every PCI device sends it where nothing is remapped (Intel SDM 3A §11.11). */
  #compatible(address: number, data: number): Interrupt | undefined {
    const bits = ((address >>> 3) & 1) * 0x10 + ((address >>> 2) & 1) * 0x08;
    const mode = ((data >>> 8) & 7) << 6;
    return this.#deliver("interrupt", data & 0xff, (address >>> 12) & 0xff, bits | mode | (((data >>> 15) & 1) << 5));
  }

  /** @param modes bits 3 DM, 4 RH, 5 TM, 8:6 DLM */
  #deliver(kind: Interrupt["kind"], vector: number, destination: number, modes: number): Interrupt {
    const interrupt = this.#interrupt;
    interrupt.kind = kind;
    interrupt.vector = vector;
    interrupt.destination = destination;
    interrupt.logical = (modes & 0x08) !== 0;
    interrupt.redirectionHint = (modes & 0x10) !== 0;
    interrupt.levelTriggered = (modes & 0x20) !== 0;
    interrupt.deliveryMode = (modes >>> 6) & 7;
    return interrupt;
  }

  #block(reason: number, requesterId: number, index: number): undefined {
    this.#faults.recordInterrupt(reason, requesterId, index);
  }

  invalidateAll(): void {
    this.#owners.fill(EMPTY);
  }

  /** Index-selective: 2^mask entries from `index`, aligned (§6.5.2.7). */
  invalidateEntries(index: number, mask: number): void {
    const count = 2 ** mask;
    const first = index - (index % count);
    for (let slot = 0; slot < CACHE_ENTRIES; slot++) {
      const owner = this.#owners[slot] as number;
      if (owner >= first && owner < first + count) this.#owners[slot] = EMPTY;
    }
  }

  save(): unknown {
    const { enabled, compatibilityFormat, table, entries, extendedMode } = this;
    const cached: number[][] = [];
    for (let slot = 0; slot < CACHE_ENTRIES; slot++) {
      const owner = this.#owners[slot] as number;
      if (owner !== EMPTY) cached.push([owner, ...this.#cached.subarray(slot * WORDS, (slot + 1) * WORDS)]);
    }
    return { enabled, compatibilityFormat, table, entries, extendedMode, cached };
  }

  restore(state: unknown): void {
    const { cached, ...rest } = state as Pick<
      InterruptRemapping,
      "enabled" | "compatibilityFormat" | "table" | "entries" | "extendedMode"
    > & { readonly cached: readonly (readonly number[])[] };
    Object.assign(this, rest);
    this.invalidateAll();
    for (const [owner = 0, ...words] of cached) {
      this.#owners[owner % CACHE_ENTRIES] = owner;
      this.#cached.set(words, (owner % CACHE_ENTRIES) * WORDS);
    }
  }
}
