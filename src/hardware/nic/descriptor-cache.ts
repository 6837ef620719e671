import type { DevicePort } from "../device-port.ts";
import { QUEUES } from "./registers-82576.ts";

export const DESCRIPTOR_BYTES = 16;
const DESCRIPTOR_DWORDS = 4;
const CACHED = 16;
const PAGE_BYTES = 4096;
/** Addresses are exact up to 2^53: beyond, there is no memory. */
const HIGHEST_UPPER_HALF = 0x1f_ffff;

/** An address of two registers or dwords. @returns -1 where no memory can be */
export function addressOf(low: number, high: number): number {
  return high > HIGHEST_UPPER_HALF ? -1 : high * 0x1_0000_0000 + low;
}

/**
 * Descriptors that were fetched ahead, as the card does: up to 16 of each queue, of those that software has handed over, so
 * that it cannot change them any more.
 */
export class DescriptorCache {
  /** Four of each descriptor. */
  readonly dwords = new Uint32Array(QUEUES * CACHED * DESCRIPTOR_DWORDS);
  readonly #first = new Int32Array(QUEUES).fill(-1);
  readonly #count = new Int32Array(QUEUES);

  forget(queue: number): void {
    this.#first[queue] = -1;
    this.#count[queue] = 0;
  }

  /**
   * Finds a descriptor, fetching it where it must.
   * @param base the ring's address
   * @param available how many from `index` on are handed over, up to the ring's end
   * @returns where it is in `dwords`, or -1 where it could not be read
   */
  find(port: DevicePort, queue: number, base: number, index: number, available: number): number {
    const ahead = index - (this.#first[queue] as number);
    const start = queue * CACHED * DESCRIPTOR_DWORDS;
    if (ahead >= 0 && ahead < (this.#count[queue] as number)) return start + ahead * DESCRIPTOR_DWORDS;
    if (base < 0) return -1;
    const address = base + index * DESCRIPTOR_BYTES;
    const inPage = (PAGE_BYTES - (address % PAGE_BYTES)) / DESCRIPTOR_BYTES;
    const wanted = Math.min(CACHED, available, inPage);
    const span = port.span(address, wanted * DESCRIPTOR_BYTES, false);
    if (span === undefined || span.length < wanted * DESCRIPTOR_BYTES) return -1;
    for (let dword = 0; dword < wanted * DESCRIPTOR_DWORDS; dword++) {
      this.dwords[start + dword] = span.view.getUint32(span.offset + dword * 4, true);
    }
    this.#first[queue] = index;
    this.#count[queue] = wanted;
    return start;
  }
}
