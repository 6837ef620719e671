import type { PhysicalMemory } from "../memory.ts";
import { reservedHighBits } from "./context-cache.ts";
import { FaultReason } from "./fault-reason.ts";
import { IOTLB_SIZE_SHIFT } from "./iotlb.ts";
import type { VtdCapabilities } from "./vtd-capabilities.ts";

const PERMISSIONS = 3;
const PAGE_SIZE_BIT = 1 << 7;
const SNOOP = 1 << 11;
const TRANSIENT_MAPPING = 0x4000_0000;
const HIGH = 0x1_0000_0000;
const PAGE_BYTES = 4096;
/** What a table of level 3 spans. */
const SPAN_OF_THREE = 2 ** 39;
/** 0xFEEx_x, as frames. */
const INTERRUPT_FRAMES = 0xf_ee00;
const INTERRUPT_FIRST = 0xfee0_0000;
const INTERRUPT_LAST = 0xfeef_ffff;

/** Whether an address is in 0xFEEx_xxxx: writes there are interrupt requests, and nothing is translated to there (§3.14). */
export function inInterruptRange(address: number): boolean {
  return address >= INTERRUPT_FIRST && address <= INTERRUPT_LAST;
}

/**
 * Walks second-level tables (VT-d §3.7, §9.8). In integers of 32 bits all the way to the leaf: what refers to tables beyond
 * RAM goes nowhere, and RAM has fewer than 2^31 words.
 */
export class SecondLevelWalk {
  readonly #words: Int32Array;
  readonly #pages: number;
  /** By level from 1: the bits of an entry's lower half that are reserved in one that refers to a table. */
  readonly #reservedLow: Int32Array;
  /** By level from 1: those that are reserved in one that maps a page. */
  readonly #reservedLeafLow: Int32Array;
  readonly #reservedHigh: number;
  readonly #reservedLeafHigh: number;

  constructor(memory: PhysicalMemory, capabilities: VtdCapabilities) {
    const { hostAddressWidth, superpages2M, superpages1G, snoopControl, deviceTlb } = capabilities;
    this.#words = new Int32Array(memory.bytes.buffer);
    this.#pages = memory.sizeBytes / 4096;
    const snoop = snoopControl ? 0 : SNOOP;
    const none = snoop | PAGE_SIZE_BIT;
    this.#reservedLow = Int32Array.of(0, 0, superpages2M ? snoop : none, superpages1G ? snoop : none, none, none);
    this.#reservedLeafLow = Int32Array.of(0, snoop, snoop | 0x001f_f000, snoop | 0x3fff_f000);
    this.#reservedHigh = reservedHighBits(hostAddressWidth) | 0;
    this.#reservedLeafHigh = this.#reservedHigh | (deviceTlb ? 0 : TRANSIENT_MAPPING);
  }

  /**
   * @param wanted the permissions (1 read, 2 write) of which one is needed
   * @returns the 4 KiB frame's address, its permissions and size as the IOTLB has them; or a fault's reason, negative
   */
  walk(rootTable: number, levels: number, address: number, wanted: number): number {
    const words = this.#words;
    const lowerIndices = (address / PAGE_BYTES) & 0x7ff_ffff;
    const upperIndices = (address / SPAN_OF_THREE) & 0x3_ffff;
    let permissions = PERMISSIONS;
    let frameLow = (rootTable / PAGE_BYTES) & 0xf_ffff;
    let frameHigh = (rootTable / HIGH) & 0xf_ffff;
    let low = 0;
    let level = levels;
    for (; ; level--) {
      // Frames from 2^31 on are beyond any RAM.
      const page = frameHigh < 0x800 ? (frameHigh << 20) | frameLow : this.#pages;
      if (page >= this.#pages) return -FaultReason.badPagingEntryPointer;
      const index = level > 3 ? upperIndices >>> (9 * level - 36) : lowerIndices >>> (9 * level - 9);
      const entry = (page << 10) | ((index & 511) << 1);
      low = words[entry] as number;
      const high = words[entry + 1] as number;
      permissions &= low;
      // Permissions come before reserved bits, at each level (§7.1.3).
      if ((permissions & wanted) === 0) {
        return wanted === 2 ? -FaultReason.writeNotPermitted : -FaultReason.readNotPermitted;
      }
      const reserved = this.#reservedLow[level] as number;
      frameLow = low >>> 12;
      frameHigh = high & 0xf_ffff;
      if (level === 1 || (low & PAGE_SIZE_BIT & ~reserved) !== 0) {
        if ((low & (this.#reservedLeafLow[level] as number)) | (high & this.#reservedLeafHigh)) {
          return -FaultReason.pagingEntryReserved;
        }
        break;
      }
      if ((low & reserved) | (high & this.#reservedHigh)) return -FaultReason.pagingEntryReserved;
    }
    // Of a superpage, the 4 KiB that the address is in.
    const within = lowerIndices & ((1 << (9 * (level - 1))) - 1);
    frameLow |= within;
    if (frameHigh === 0 && (frameLow & 0xf_ff00) === INTERRUPT_FRAMES) return -FaultReason.outputInInterruptRange;
    const flags = permissions | ((level - 1) << IOTLB_SIZE_SHIFT);
    return (frameHigh * 0x10_0000 + frameLow) * PAGE_BYTES + flags;
  }
}
