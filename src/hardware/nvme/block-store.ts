import { fromBase64, toBase64 } from "../base64.ts";
import type { DevicePort } from "../device-port.ts";

const CHUNK_BYTES = 0x1_0000;
const ZEROS = new Uint8Array(CHUNK_BYTES);

/** What a namespace holds: zeros, but for the chunks that were written to. */
export class BlockStore {
  readonly #chunks = new Map<number, Uint8Array>();

  get usedBytes(): number {
    return this.#chunks.size * CHUNK_BYTES;
  }

  /** Copies to memory. @returns false where memory fails */
  send(port: DevicePort, from: number, address: number, length: number): boolean {
    for (let done = 0; done < length; ) {
      const at = (from + done) % CHUNK_BYTES;
      const part = Math.min(length - done, CHUNK_BYTES - at);
      if (!port.write(address + done, this.#at(from + done) ?? ZEROS, at, part)) return false;
      done += part;
    }
    return true;
  }

  /** Copies from memory. @returns false where memory fails; what came before that is written */
  receive(port: DevicePort, to: number, address: number, length: number): boolean {
    for (let done = 0; done < length; ) {
      const at = (to + done) % CHUNK_BYTES;
      const part = Math.min(length - done, CHUNK_BYTES - at);
      let chunk = this.#at(to + done);
      if (chunk === undefined) {
        chunk = new Uint8Array(CHUNK_BYTES);
        this.#chunks.set(Math.floor((to + done) / CHUNK_BYTES), chunk);
      }
      if (!port.read(address + done, chunk, at, part)) return false;
      done += part;
    }
    return true;
  }

  /** Whether these bytes are there. */
  equals(from: number, bytes: Uint8Array, length: number): boolean {
    for (let index = 0; index < length; index++) {
      const chunk = this.#at(from + index) ?? ZEROS;
      if (chunk[(from + index) % CHUNK_BYTES] !== bytes[index]) return false;
    }
    return true;
  }

  /** Zeros, without room for them where whole chunks become zero. */
  clear(from: number, length: number): void {
    for (let done = 0; done < length; ) {
      const at = (from + done) % CHUNK_BYTES;
      const part = Math.min(length - done, CHUNK_BYTES - at);
      if (part === CHUNK_BYTES) this.#chunks.delete(Math.floor((from + done) / CHUNK_BYTES));
      else this.#at(from + done)?.fill(0, at, at + part);
      done += part;
    }
  }

  save(): Record<number, string> {
    return Object.fromEntries([...this.#chunks].map(([index, chunk]) => [index, toBase64(chunk)]));
  }

  restore(state: Readonly<Record<number, string>>): void {
    this.#chunks.clear();
    for (const [index, text] of Object.entries(state)) this.#chunks.set(Number(index), fromBase64(text, CHUNK_BYTES));
  }

  #at(offset: number): Uint8Array | undefined {
    return this.#chunks.get(Math.floor(offset / CHUNK_BYTES));
  }
}
