import type { DevicePort } from "../device-port.ts";
import { copyBytes } from "./copy-bytes.ts";

/** Where frames begin in a packet buffer: there is room for a tag before them. */
export const HEADROOM = 64;

/** Memory of the card in which a frame is put together. */
export class PacketBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly capacity: number;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(HEADROOM + capacity);
    this.view = new DataView(this.bytes.buffer);
    this.capacity = capacity;
  }

  /** Fetches bytes by DMA to `at`, counted from where frames begin. @returns false where they cannot be read, or are too many */
  fetch(port: DevicePort, address: number, at: number, length: number): boolean {
    if (address < 0 || at + length > this.capacity) return false;
    let done = 0;
    while (done < length) {
      const span = port.span(address + done, length - done, false);
      if (span === undefined || span.length === 0) return false;
      const part = Math.min(span.length, length - done);
      copyBytes(span.bytes, span.view, span.offset, this.bytes, this.view, HEADROOM + at + done, part);
      done += part;
    }
    return true;
  }

  /** Writes bytes by DMA from `at` in `bytes`. @returns false where they cannot be written */
  static store(
    port: DevicePort,
    address: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
  ): boolean {
    if (address < 0) return false;
    let done = 0;
    while (done < length) {
      const span = port.span(address + done, length - done, true);
      if (span === undefined || span.length === 0) return false;
      const part = Math.min(span.length, length - done);
      copyBytes(bytes, view, at + done, span.bytes, span.view, span.offset, part);
      done += part;
    }
    return true;
  }
}
