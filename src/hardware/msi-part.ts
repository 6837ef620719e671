import { MSI } from "../pci/capabilities/msi.ts";
import type { FunctionPart, Interrupter } from "./function-part.ts";
import type { PciFunction } from "./pci-function.ts";

const PCI_MSI_FLAGS = 0x02;
const PCI_MSI_FLAGS_ENABLE = 0x0001;
const PCI_MSI_FLAGS_64BIT = 0x0080;
const PCI_MSI_FLAGS_MASKBIT = 0x0100;
const PCI_MSI_FLAGS_EXT_ENABLE = 0x0400;
const MULTIPLE_MESSAGE_ENABLE_LSB = 4;
const PCI_MSI_ADDRESS_LO = 0x04;
const PCI_MSI_ADDRESS_HI = 0x08;
const HIGH = 2 ** 32;

/** MSI: one address, up to 32 vectors in the low bits of the data (PCIe 6.0 §6.1.4, §7.7.1). */
class MsiPart implements FunctionPart, Interrupter {
  readonly key = "msi";
  readonly start: number;
  readonly end: number;
  readonly #fn: PciFunction;
  readonly #offset: number;

  constructor(fn: PciFunction, offset: number) {
    this.#fn = fn;
    this.#offset = offset;
    this.start = offset + PCI_MSI_FLAGS;
    this.end = offset + 0x18;
  }

  get #flags(): number {
    return this.#fn.config.read(this.start, 2);
  }

  /** Where the registers are that follow the address, whose width moves them. */
  #after(address32: number): number {
    return this.#offset + address32 + ((this.#flags & PCI_MSI_FLAGS_64BIT) === 0 ? 0 : 4);
  }

  get enabled(): boolean {
    return (this.#flags & PCI_MSI_FLAGS_ENABLE) !== 0;
  }

  interrupt(vector: number): void {
    // Vectors that the function was not given share the highest that it was given, and so on down: the model's choice,
    // which the specification leaves to the device (§6.1.4).
    const given = 1 << ((this.#flags >>> MULTIPLE_MESSAGE_ENABLE_LSB) & 7);
    const used = Math.min(vector, given - 1);
    if (!this.#maskable) this.#send(used, given);
    else if (((this.#fn.config.read(this.#after(0x0c), 4) >>> used) & 1) === 0) this.#send(used, given);
    else this.#setPending(used, true);
  }

  written(): void {
    if (!this.#maskable || !this.enabled) return;
    const mask = this.#fn.config.read(this.#after(0x0c), 4);
    const given = 1 << ((this.#flags >>> MULTIPLE_MESSAGE_ENABLE_LSB) & 7);
    for (let vector = 0; vector < given; vector++) {
      const pending = (this.#fn.config.read(this.#after(0x10), 4) >>> vector) & 1;
      if (pending === 0 || ((mask >>> vector) & 1) !== 0) continue;
      this.#setPending(vector, false);
      this.#send(vector, given);
    }
  }

  get #maskable(): boolean {
    return (this.#flags & PCI_MSI_FLAGS_MASKBIT) !== 0;
  }

  #setPending(vector: number, pending: boolean): void {
    const bit = 2 ** vector;
    this.#fn.config.setBits(this.#after(0x10), 4, bit, pending ? bit : 0);
  }

  #send(vector: number, given: number): void {
    const { config } = this.#fn;
    const wide = (this.#flags & PCI_MSI_FLAGS_64BIT) !== 0;
    const high = wide ? config.read(this.#offset + PCI_MSI_ADDRESS_HI, 4) * HIGH : 0;
    const extended = (this.#flags & PCI_MSI_FLAGS_EXT_ENABLE) !== 0;
    const data = config.read(this.#after(0x08), extended ? 4 : 2);
    const address = config.read(this.#offset + PCI_MSI_ADDRESS_LO, 4) + high;
    this.#fn.sendMessage(address, ((data & ~(given - 1)) | vector) >>> 0);
  }
}

/** The MSI of a function that has it. */
export function msiPart(fn: PciFunction): (FunctionPart & Interrupter) | undefined {
  const offset = fn.template.offsetOf(MSI, false);
  return offset === undefined ? undefined : new MsiPart(fn, offset);
}
