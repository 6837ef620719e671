import { accessMask, type Register } from "../../pci/register.ts";

const HIGH = 0x1_0000_0000;

/** Registers of 32 bits by their offset, each bit with the access kind that its table gives. What no table has reads 0. */
export class RegisterFile {
  readonly #words: Uint32Array;
  readonly #writable: Uint32Array;
  readonly #clearable: Uint32Array;
  readonly #registers: readonly Register[];

  constructor(sizeBytes: number, registers: readonly Register[]) {
    this.#words = new Uint32Array(sizeBytes / 4);
    this.#writable = new Uint32Array(sizeBytes / 4);
    this.#clearable = new Uint32Array(sizeBytes / 4);
    this.#registers = registers;
    for (const register of registers) {
      this.#writable[register.offset / 4] = accessMask(register, ["RW", "RWS"]);
      this.#clearable[register.offset / 4] = accessMask(register, ["RW1C", "RW1CS"]);
    }
    this.reset();
  }

  get(offset: number): number {
    return this.#words[offset >>> 2] ?? 0;
  }

  /** A register of 64 bits, below 2^53, less the low bits that are no part of the address. */
  address(offset: number, lowMask: number): number {
    return this.get(offset + 4) * HIGH + ((this.get(offset) & ~lowMask) >>> 0);
  }

  /** As hardware sets it, whatever its access kinds. */
  set(offset: number, value: number): void {
    this.#words[offset >>> 2] = value;
  }

  setBits(offset: number, mask: number): void {
    this.set(offset, (this.get(offset) | mask) >>> 0);
  }

  clearBits(offset: number, mask: number): void {
    this.set(offset, (this.get(offset) & ~mask) >>> 0);
  }

  /** As software writes it. */
  write(offset: number, value: number): void {
    const at = offset >>> 2;
    const writable = this.#writable[at] ?? 0;
    const clearable = (this.#clearable[at] ?? 0) & value;
    this.#words[at] = (((this.get(offset) & ~writable) | (value & writable)) & ~clearable) >>> 0;
  }

  /** Sticky bits, and those that hardware initialises, are kept. */
  reset(): void {
    for (const register of this.#registers) {
      // Unlike a device's constants, RO bits are status here, and begin as the table says.
      let value = this.get(register.offset) & accessMask(register, ["ROS", "RWS", "RW1CS", "HwInit"]);
      for (const { access, reset, lsb } of Object.values(register.fields)) {
        if (access === "RO" || access === "RW" || access === "RW1C") value |= reset << lsb;
      }
      this.set(register.offset, value >>> 0);
    }
  }

  save(): readonly number[] {
    return [...this.#words];
  }

  restore(words: readonly number[]): void {
    this.#words.set(words);
  }
}
