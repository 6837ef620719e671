import { ConfigSpace } from "../pci/config-space.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import type { ConfigTemplate } from "./config-template.ts";
import type { ResetKind } from "./device-model.ts";

/**
 * The configuration space of one function: its template, and a copy of its own from the first change on. So thousands of
 * VFs cost next to nothing.
 */
export class ConfigRegisters {
  readonly template: ConfigTemplate;
  #bytes: Uint8Array;
  #writable: Uint8Array;
  #own = false;

  constructor(template: ConfigTemplate) {
    this.template = template;
    this.#bytes = template.bytes;
    this.#writable = template.writable;
  }

  /** One past the last register. */
  get end(): number {
    return this.#bytes.length;
  }

  /** A register of 1, 2 or 4 bytes; what lies beyond the last one reads zero. */
  read(offset: number, size: number): number {
    const b = this.#bytes;
    if (offset + size > b.length) return this.#readAtEnd(offset, size);
    if (size === 4) {
      return (
        ((b[offset] as number) |
          ((b[offset + 1] as number) << 8) |
          ((b[offset + 2] as number) << 16) |
          ((b[offset + 3] as number) << 24)) >>>
        0
      );
    }
    return size === 2 ? (b[offset] as number) | ((b[offset + 1] as number) << 8) : (b[offset] as number);
  }

  #readAtEnd(offset: number, size: number): number {
    let value = 0;
    for (let at = 0; at < size; at++) value |= (this.#bytes[offset + at] ?? 0) << (8 * at);
    return value >>> 0;
  }

  /**
   * A write by software: RW bits are taken over, RW1C bits cleared where a one is written (PCIe 6.0 §7.4; as
   * `writeRegister` of src/pci does, for the bytes that are written alone).
   */
  write(offset: number, size: number, value: number): void {
    const { clearable } = this.template;
    for (let at = 0; at < size; at++) {
      const index = offset + at;
      const writable = this.#writable[index];
      if (writable === undefined) return;
      const written = (value >>> (8 * at)) & 0xff;
      const before = this.#bytes[index] as number;
      const cleared = (clearable[index] as number) & written;
      const after = ((before & ~writable) | (written & writable)) & ~cleared;
      if (after !== before) this.#change()[index] = after;
    }
  }

  /** A change by the hardware itself, whatever software may write there. */
  set(offset: number, size: number, value: number): void {
    if (this.read(offset, size) === value >>> 0) return;
    const bytes = this.#change();
    for (let at = 0; at < size; at++) bytes[offset + at] = (value >>> (8 * at)) & 0xff;
  }

  /** Sets the bits of `mask` as they are in `value`. */
  setBits(offset: number, size: number, mask: number, value: number): void {
    this.set(offset, size, (this.read(offset, size) & ~mask) | (value & mask));
  }

  /** Gives software other bits to write, as a BAR of another size has. */
  setWritable(offset: number, size: number, mask: number): void {
    if (this.#writable === this.template.writable) this.#writable = this.#writable.slice();
    for (let at = 0; at < size; at++) this.#writable[offset + at] = (mask >>> (8 * at)) & 0xff;
  }

  /** Back to what the template says, less what this reset leaves alone (PCIe 6.0 §6.6.2, §7.4). */
  reset(kind: ResetKind | "power"): void {
    const { template } = this;
    if (this.#own) {
      const { bytes: initial, sticky, keptByFlr } = template;
      for (let at = 0; at < initial.length; at++) {
        const kept = kind === "power" ? 0 : (sticky[at] as number) | (kind === "flr" ? (keptByFlr[at] as number) : 0);
        this.#bytes[at] = ((this.#bytes[at] as number) & kept) | ((initial[at] as number) & ~kept);
      }
    }
    this.#writable = template.writable;
  }

  /** The bytes as they are, for the decoder of src/pci. */
  get space(): ConfigSpace {
    const bytes = new Uint8Array(0x1000);
    bytes.set(this.#bytes);
    return new ConfigSpace(bytes);
  }

  /** @returns base64 text, or null where nothing has ever changed */
  save(): string | null {
    return this.#own ? toBase64(this.#bytes) : null;
  }

  restore(saved: string | null): void {
    this.#bytes = saved === null ? this.template.bytes : fromBase64(saved, this.template.bytes.length);
    this.#own = saved !== null;
    this.#writable = this.template.writable;
  }

  #change(): Uint8Array {
    if (!this.#own) {
      this.#bytes = this.#bytes.slice();
      this.#own = true;
    }
    return this.#bytes;
  }
}
