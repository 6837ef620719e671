import type { PhysicalMemory } from "../memory.ts";
import type { ContextCache } from "./context-cache.ts";
import type { EventInterrupt } from "./event-interrupt.ts";
import type { FaultLog } from "./fault-log.ts";
import type { InterruptRemapping } from "./interrupt-remapping.ts";
import type { Iotlb } from "./iotlb.ts";
import type { RegisterFile } from "./register-file.ts";
import { MAX_ADDRESS_MASK, type VtdCapabilities } from "./vtd-capabilities.ts";
import { DMAR_ICS_REG, DMAR_IQA_REG, DMAR_IQH_REG, DMAR_IQT_REG } from "./vtd-registers.ts";

const DESCRIPTOR_BYTES = 16;
const HIGH = 0x1_0000_0000;
const DESCRIPTORS_OF_256_BITS = 1 << 11;

// IQEI, §10.4.29.
const INVALID_TAIL = 1;
const FETCH_FAILED = 2;
const INVALID_TYPE = 3;
const RESERVED_SET = 4;
const INVALID_WIDTH = 5;

// Descriptor types, §6.5.2; Linux: QI_…_TYPE.
const CONTEXT_CACHE = 1;
const IOTLB = 2;
const DEVICE_TLB = 3;
const INTERRUPT_ENTRY_CACHE = 4;
const WAIT = 5;
/** Bits 3:0, and 11:9, which are 0 for all types here. */
const TYPE_MASK = 0xe0f;

const GRANULARITY_GLOBAL = 1;
const GRANULARITY_DOMAIN = 2;
const GRANULARITY_SELECTIVE = 3;

const WAIT_INTERRUPT = 1 << 4;
const WAIT_STATUS_WRITE = 1 << 5;

/** Asks a device to invalidate what its own TLB holds. @returns whether it did, in time */
export type InvalidateDevice = (requesterId: number, address: number, sizeBytes: number) => boolean;

/** What invalidations act on. */
export interface InvalidationTargets {
  readonly iotlb: Iotlb;
  readonly contexts: ContextCache;
  readonly interrupts: InterruptRemapping;
  readonly faults: FaultLog;
  readonly completion: EventInterrupt;
  readonly invalidateDevice: InvalidateDevice;
}

/** Queued invalidation (VT-d §6.5.2): descriptors of 128 bits in memory, done in order at once when the tail is written. */
export class InvalidationQueue {
  readonly #memory: PhysicalMemory;
  readonly #registers: RegisterFile;
  readonly #targets: InvalidationTargets;
  readonly #deviceTlb: boolean;
  enabled = false;
  /** A function whose TLB did not answer, or -1. The next wait descriptor does not complete, then. */
  #silentDevice = -1;

  constructor(
    memory: PhysicalMemory,
    registers: RegisterFile,
    targets: InvalidationTargets,
    { deviceTlb }: VtdCapabilities,
  ) {
    this.#memory = memory;
    this.#registers = registers;
    this.#targets = targets;
    this.#deviceTlb = deviceTlb;
  }

  enable(): void {
    this.enabled = true;
    this.run();
  }

  /** The head goes back to 0. */
  disable(): void {
    this.enabled = false;
    this.#silentDevice = -1;
    this.#registers.set(DMAR_IQH_REG, 0);
  }

  /** Does what stands between head and tail. An error stops it until software has cleared that. */
  run(): void {
    const { faults } = this.#targets;
    if (!this.enabled || faults.queueStopped) return;
    const low = this.#registers.get(DMAR_IQA_REG);
    if (low & DESCRIPTORS_OF_256_BITS) {
      faults.queueError(INVALID_WIDTH);
      return;
    }
    const base = this.#registers.address(DMAR_IQA_REG, 0xfff);
    const sizeBytes = DESCRIPTOR_BYTES * 2 ** ((low & 7) + 8);
    const tail = this.#registers.get(DMAR_IQT_REG);
    if (tail >= sizeBytes) {
      faults.queueError(INVALID_TAIL);
      return;
    }
    for (let head = this.#registers.get(DMAR_IQH_REG); head !== tail && !faults.queueStopped; ) {
      const error = this.#fetch(base + head);
      if (error !== 0) {
        // The head stays at the descriptor in error (§6.5.2.10).
        faults.queueError(error);
        return;
      }
      head = (head + DESCRIPTOR_BYTES) % sizeBytes;
      this.#registers.set(DMAR_IQH_REG, head);
    }
  }

  /** @returns why it cannot be done (IQEI), or 0 */
  #fetch(address: number): number {
    const memory = this.#memory;
    if (!memory.has(address, DESCRIPTOR_BYTES)) return FETCH_FAILED;
    const word0 = memory.read32(address);
    const word1 = memory.read32(address + 4);
    const word2 = memory.read32(address + 8);
    const word3 = memory.read32(address + 12);
    switch (word0 & TYPE_MASK) {
      case CONTEXT_CACHE:
        return this.#contextCache(word0, word1, word2 | word3);
      case IOTLB:
        return this.#iotlb(word0, word1, word2, word3);
      case DEVICE_TLB:
        return this.#deviceTlb ? this.#device(word0, word1, word2, word3) : INVALID_TYPE;
      case INTERRUPT_ENTRY_CACHE:
        return this.#interruptEntries(word0, word1, word2 | word3);
      case WAIT:
        return this.#wait(word0, word1, word2, word3);
      default:
        return INVALID_TYPE;
    }
  }

  /** §6.5.2.1 */
  #contextCache(word0: number, word1: number, upper: number): number {
    if (word0 & 0xffc0 || word1 & 0xfffc_0000 || upper) return RESERVED_SET;
    const granularity = (word0 >>> 4) & 3;
    if (granularity === 0) return RESERVED_SET;
    invalidateContexts(this.#targets.contexts, granularity, word0 >>> 16, word1 & 0xffff, word1 >>> 16);
    return 0;
  }

  /** §6.5.2.3. Draining is at once, and the hint is no use: no paging structures are cached. */
  #iotlb(word0: number, word1: number, word2: number, word3: number): number {
    const granularity = (word0 >>> 4) & 3;
    const addressMask = word2 & 0x3f;
    if (word0 & 0xf100 || word1 || word2 & 0xf80 || granularity === 0) return RESERVED_SET;
    if (granularity === GRANULARITY_SELECTIVE && addressMask > MAX_ADDRESS_MASK) return RESERVED_SET;
    invalidateIotlb(this.#targets.iotlb, granularity, word0 >>> 16, pageOf(word2, word3), addressMask);
    return 0;
  }

  /** §6.5.2.5. With S the lowest 0 among the address's bits from 12 gives the size, as in ATS (PCIe 6.0 §10.3.1). */
  #device(word0: number, word1: number, word2: number, word3: number): number {
    if (word0 & 0xffe0_01f0 || word1 & 0x000f_0000 || word2 & 0xffe) return RESERVED_SET;
    const page = pageOf(word2, word3);
    let sizeBytes = 4096;
    if (word2 & 1) {
      for (sizeBytes = 8192; Math.floor(page / (sizeBytes / 2)) % 2 === 1 && sizeBytes < 2 ** 52; ) sizeBytes *= 2;
    }
    const requesterId = word1 & 0xffff;
    const done = this.#targets.invalidateDevice(requesterId, page - (page % sizeBytes), sizeBytes);
    if (!done) this.#silentDevice = requesterId;
    return 0;
  }

  /** §6.5.2.7 */
  #interruptEntries(word0: number, word1: number, upper: number): number {
    if (word0 & 0x07ff_ffe0 & ~TYPE_MASK || word1 >>> 16 || upper) return RESERVED_SET;
    if (word0 & (1 << 4)) this.#targets.interrupts.invalidateEntries(word1 & 0xffff, word0 >>> 27);
    else this.#targets.interrupts.invalidateAll();
    return 0;
  }

  /** §6.5.2.8 */
  #wait(word0: number, status: number, word2: number, word3: number): number {
    // Page-request draining, bit 7, is reserved where there are no page requests.
    if (word0 & 0xffff_ff80 & ~TYPE_MASK || word2 & 3) return RESERVED_SET;
    if (this.#silentDevice >= 0) {
      // The invalidation timed out: what waits for it is aborted, and nothing is fetched until ITE is cleared (§6.5.2.10).
      this.#targets.faults.timeOutError(this.#silentDevice);
      this.#silentDevice = -1;
      return 0;
    }
    const address = word3 * HIGH + word2;
    if (word0 & WAIT_STATUS_WRITE && this.#memory.has(address, 4)) this.#memory.write32(address, status);
    if (word0 & WAIT_INTERRUPT && (this.#registers.get(DMAR_ICS_REG) & 1) === 0) {
      this.#registers.set(DMAR_ICS_REG, 1);
      this.#targets.completion.raise();
    }
    return 0;
  }

  get silentDevice(): number {
    return this.#silentDevice;
  }

  restore(enabled: boolean, silentDevice: number): void {
    this.enabled = enabled;
    this.#silentDevice = silentDevice;
  }
}

/** As a descriptor or the Context Command register asks for. @param granularity 1 global, 2 domain, 3 device */
export function invalidateContexts(
  contexts: ContextCache,
  granularity: number,
  domainId: number,
  sourceId: number,
  functionMask: number,
): void {
  if (granularity === GRANULARITY_GLOBAL) contexts.invalidateAll();
  else if (granularity === GRANULARITY_DOMAIN) contexts.invalidateDomain(domainId);
  else contexts.invalidateDevice(domainId, sourceId, functionMask);
}

/** As a descriptor or the IOTLB Invalidate register asks for. @param granularity 1 global, 2 domain, 3 pages of a domain */
export function invalidateIotlb(
  iotlb: Iotlb,
  granularity: number,
  domainId: number,
  page: number,
  addressMask: number,
): void {
  if (granularity === GRANULARITY_GLOBAL) iotlb.invalidateAll();
  else if (granularity === GRANULARITY_DOMAIN) iotlb.invalidateDomain(domainId);
  else iotlb.invalidatePages(domainId, page, addressMask);
}

function pageOf(low: number, high: number): number {
  return high * HIGH + ((low & 0xffff_f000) >>> 0);
}
