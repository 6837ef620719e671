import type { DeviceState } from "./device-model.ts";
import type { PageLog } from "./page-log.ts";

const PAGE_BYTES = 4096;
const HIGH = 0x1_0000_0000;

/**
 * A machine's RAM: flat, little-endian, from physical address 0. What lies beyond its size is not memory: whoever asks
 * checks with `has` first (on a bus nothing answers there), and an access that did not is a RangeError of the DataView.
 */
export class PhysicalMemory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same bytes. */
  readonly view: DataView<ArrayBuffer>;
  readonly sizeBytes: number;
  /** Keeps what software writes by the methods here; `bytes` and `view` are the devices', whose ports keep their own. */
  writes: PageLog | undefined;

  /** @param bytes what it is made of; new bytes, all zero, where left out */
  constructor(sizeBytes: number, bytes?: Uint8Array<ArrayBuffer>) {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % PAGE_BYTES !== 0) {
      throw new RangeError(`RAM is whole pages of ${PAGE_BYTES} bytes, not ${sizeBytes} bytes`);
    }
    this.bytes = bytes ?? new Uint8Array(sizeBytes);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  /** A part of this RAM, as memory with addresses of its own from 0: what a guest takes for the machine's. */
  part(start: number, sizeBytes: number): PhysicalMemory {
    if (start % PAGE_BYTES !== 0 || !this.has(start, sizeBytes)) {
      throw new RangeError(`no ${sizeBytes} bytes of whole pages of RAM from ${start}`);
    }
    return new PhysicalMemory(sizeBytes, this.bytes.subarray(start, start + sizeBytes));
  }

  /** Whether all of `length` bytes from `address` are RAM. */
  has(address: number, length: number): boolean {
    return address >= 0 && address + length <= this.sizeBytes;
  }

  read32(address: number): number {
    return this.view.getUint32(address, true);
  }

  write32(address: number, value: number): void {
    this.writes?.mark(address, 4);
    this.view.setUint32(address, value, true);
  }

  /** A quadword as a number: exact below 2^53, as all addresses are. Where higher bits matter, read its two halves. */
  read64(address: number): number {
    return this.view.getUint32(address + 4, true) * HIGH + this.view.getUint32(address, true);
  }

  /** @param value an integer from 0 to 2^53 */
  write64(address: number, value: number): void {
    this.writes?.mark(address, 8);
    this.view.setUint32(address, value, true);
    this.view.setUint32(address + 4, Math.floor(value / HIGH), true);
  }

  /** Copies bytes to an address. */
  write(address: number, bytes: Uint8Array): void {
    this.writes?.mark(address, bytes.length);
    this.bytes.set(bytes, address);
  }

  /** Zeroes bytes. */
  clear(address: number, length: number): void {
    this.writes?.mark(address, length);
    this.bytes.fill(0, address, address + length);
  }

  /** Makes whole pages zero. Those that are zero already are not written, so that the host need not have memory for them. */
  clearPages(start: number, sizeBytes: number): void {
    for (let address = start; address < start + sizeBytes; address += PAGE_BYTES) {
      if (!this.isZeroPage(address)) this.clear(address, PAGE_BYTES);
    }
  }

  /** Whether all of the page that begins there is zero. */
  isZeroPage(address: number): boolean {
    const words = new Int32Array(this.bytes.buffer, this.bytes.byteOffset + address, PAGE_BYTES / 4);
    return words.every((word) => word === 0);
  }

  /** The pages that are not all zeros, as base64 text, by their address. */
  save(): DeviceState {
    const pages: Record<string, string> = {};
    const words = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, this.sizeBytes / 4);
    for (let word = 0; word < words.length; word++) {
      if (words[word] === 0) continue;
      const address = Math.floor((word * 4) / PAGE_BYTES) * PAGE_BYTES;
      pages[address] = btoa(String.fromCharCode(...this.bytes.subarray(address, address + PAGE_BYTES)));
      word = (address + PAGE_BYTES) / 4 - 1;
    }
    return { sizeBytes: this.sizeBytes, pages };
  }

  /** @param state what `save` gave, of as much RAM */
  restore(state: DeviceState): void {
    const { sizeBytes, pages } = state as { sizeBytes: number; pages: Record<string, string> };
    if (sizeBytes !== this.sizeBytes) throw new RangeError(`state of ${sizeBytes} bytes of RAM, not ${this.sizeBytes}`);
    this.bytes.fill(0);
    for (const [address, text] of Object.entries(pages)) {
      this.bytes.set(
        Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
        Number(address),
      );
    }
  }
}
