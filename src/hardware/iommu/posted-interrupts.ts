import type { PhysicalMemory } from "../memory.ts";
import { FaultReason } from "./fault-reason.ts";

/** The posted-interrupt descriptor (VT-d §9.12; Linux: struct pi_desc): 256 bits PIR, then the control quadword. */
const DESCRIPTOR_BYTES = 64;
const CONTROL = 32;
const DESTINATION = 36;
const OUTSTANDING = 1;
const SUPPRESS = 2;
/** In the control's lower half: bits 15:2 and 31:24. */
const CONTROL_RESERVED = 0xff00_fffc;
const URGENT = 1 << 14;
const HIGH = 0x1_0000_0000;

/** Posts interrupts into memory, where a virtual processor takes them from (VT-d §5.2.3). */
export class PostedInterrupts {
  readonly #memory: PhysicalMemory;
  /** Whether the last one is to be notified of; else the notification is outstanding, or suppressed. */
  notify = false;
  /** The last one's notification vector, and the APIC that it goes to. */
  vector = 0;
  destination = 0;

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  /**
   * @param low the IRTE's first doubleword
   * @param addressLow its second, of which bits 31:6 are the descriptor address's
   * @param addressHigh its fourth
   * @returns a fault's reason, or 0
   */
  post(low: number, addressLow: number, addressHigh: number, extendedMode: boolean): number {
    const memory = this.#memory;
    const descriptor = (addressHigh >>> 0) * HIGH + ((addressLow & ~0x3f) >>> 0);
    if (!memory.has(descriptor, DESCRIPTOR_BYTES)) return FaultReason.postedDescriptorAccess;
    const control = memory.read32(descriptor + CONTROL);
    let tail = control & CONTROL_RESERVED;
    for (let offset = 40; offset < DESCRIPTOR_BYTES; offset += 4) tail |= memory.read32(descriptor + offset);
    if (tail !== 0) return FaultReason.postedDescriptorReserved;

    const vector = (low >>> 16) & 0xff;
    const word = descriptor + (vector >>> 5) * 4;
    memory.write32(word, (memory.read32(word) | (1 << (vector & 31))) >>> 0);
    this.notify = (control & OUTSTANDING) === 0 && ((low & URGENT) !== 0 || (control & SUPPRESS) === 0);
    if (this.notify) memory.write32(descriptor + CONTROL, (control | OUTSTANDING) >>> 0);
    const destination = memory.read32(descriptor + DESTINATION);
    this.vector = (control >>> 16) & 0xff;
    this.destination = extendedMode ? destination : (destination >>> 8) & 0xff;
    return 0;
  }
}
