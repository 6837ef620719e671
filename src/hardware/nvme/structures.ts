/** Data that a command answers with, built up field by field: little-endian, zero where nothing was put. */
export class Structure {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(sizeBytes = 4096) {
    this.bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(at: number, value: number): this {
    this.bytes[at] = value;
    return this;
  }

  u16(at: number, value: number): this {
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(at: number, value: number): this {
    this.#view.setUint32(at, value, true);
    return this;
  }

  /** An integer below 2^53, in a field of 8 bytes or the lower half of one of 16. */
  u64(at: number, value: number): this {
    return this.u32(at, value % 2 ** 32).u32(at + 4, Math.floor(value / 2 ** 32));
  }

  /** ASCII, padded with spaces to `length`. */
  text(at: number, text: string, length: number): this {
    const padded = text.slice(0, length).padEnd(length);
    for (let index = 0; index < length; index++) this.bytes[at + index] = padded.charCodeAt(index) & 0x7f;
    return this;
  }

  /** UTF-8 that ends with a zero, as names in ASCII are. */
  name(at: number, text: string): this {
    for (let index = 0; index < text.length; index++) this.bytes[at + index] = text.charCodeAt(index) & 0x7f;
    return this;
  }

  copy(at: number, bytes: Uint8Array): this {
    this.bytes.set(bytes, at);
    return this;
  }
}
