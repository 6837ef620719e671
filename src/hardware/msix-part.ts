import { MSIX } from "../pci/capabilities/msix.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import type { BarRegion, FunctionPart, Interrupter } from "./function-part.ts";
import type { PciFunction } from "./pci-function.ts";

const PCI_MSIX_FLAGS = 0x02;
const PCI_MSIX_FLAGS_QSIZE = 0x07ff;
const PCI_MSIX_FLAGS_MASKALL = 0x4000;
const PCI_MSIX_FLAGS_ENABLE = 0x8000;
const PCI_MSIX_TABLE = 0x04;
const PCI_MSIX_PBA = 0x08;
const BIR = 0x7;
const ENTRY_BYTES = 16;
const VECTOR_CONTROL = 12;
const MASK_BIT = 1;
const HIGH = 2 ** 32;

interface MsixState {
  readonly table: string;
  readonly pending: string;
}

/** MSI-X: the table and the Pending Bit Array in a BAR, and what masking does (PCIe 6.0 §6.1.4, §7.7.2). */
export class MsixPart implements FunctionPart, Interrupter {
  readonly key = "msix";
  readonly start: number;
  readonly end: number;
  /** Table and PBA, as a BAR shows them. */
  readonly regions: readonly BarRegion[];
  readonly vectors: number;
  readonly #fn: PciFunction;
  readonly #table: Uint8Array;
  readonly #view: DataView;
  readonly #pending: Uint8Array;

  constructor(fn: PciFunction, offset: number) {
    this.#fn = fn;
    this.start = offset + PCI_MSIX_FLAGS;
    this.end = this.start + 2;
    this.vectors = (fn.config.read(this.start, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
    this.#table = new Uint8Array(this.vectors * ENTRY_BYTES);
    this.#view = new DataView(this.#table.buffer);
    this.#pending = new Uint8Array(Math.ceil(this.vectors / 64) * 8);
    const table = fn.config.read(offset + PCI_MSIX_TABLE, 4);
    const pba = fn.config.read(offset + PCI_MSIX_PBA, 4);
    this.regions = [
      {
        bar: table & BIR,
        start: (table & ~BIR) >>> 0,
        end: ((table & ~BIR) >>> 0) + this.#table.length,
        read: (at, size) => bytesAt(this.#table, at, size),
        write: (at, size, value) => this.#writeTable(at, size, value),
      },
      {
        bar: pba & BIR,
        start: (pba & ~BIR) >>> 0,
        end: ((pba & ~BIR) >>> 0) + this.#pending.length,
        read: (at, size) => bytesAt(this.#pending, at, size),
        // Software only reads it (PCIe 6.0 §7.7.2.9).
        write: () => {},
      },
    ];
    this.reset();
  }

  get enabled(): boolean {
    return (this.#fn.config.read(this.start, 2) & PCI_MSIX_FLAGS_ENABLE) !== 0;
  }

  interrupt(vector: number): void {
    if (vector >= this.vectors) return;
    if (this.#masked(vector)) this.#setPending(vector, true);
    else this.#send(vector);
  }

  /** Message Control was written: what waited may go. */
  written(): void {
    if (!this.enabled || this.#allMasked) return;
    for (let vector = 0; vector < this.vectors; vector++) this.#sendIfPending(vector);
  }

  /** Every vector is masked after a reset (PCIe 6.0 §7.7.2.8). */
  reset(): void {
    this.#table.fill(0);
    this.#pending.fill(0);
    for (let vector = 0; vector < this.vectors; vector++) this.#table[vector * ENTRY_BYTES + VECTOR_CONTROL] = MASK_BIT;
  }

  save(): MsixState {
    return { table: toBase64(this.#table), pending: toBase64(this.#pending) };
  }

  restore(state: unknown): void {
    const { table, pending } = state as MsixState;
    this.#table.set(fromBase64(table, this.#table.length));
    this.#pending.set(fromBase64(pending, this.#pending.length));
  }

  get #allMasked(): boolean {
    return (this.#fn.config.read(this.start, 2) & PCI_MSIX_FLAGS_MASKALL) !== 0;
  }

  #masked(vector: number): boolean {
    const control = this.#table[vector * ENTRY_BYTES + VECTOR_CONTROL] as number;
    return (control & MASK_BIT) !== 0 || this.#allMasked;
  }

  #send(vector: number): void {
    const at = vector * ENTRY_BYTES;
    const address = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * HIGH;
    this.#fn.sendMessage(address, this.#view.getUint32(at + 8, true));
  }

  #sendIfPending(vector: number): void {
    const pending = ((this.#pending[vector >>> 3] as number) & (1 << (vector & 7))) !== 0;
    if (!pending || this.#masked(vector)) return;
    this.#setPending(vector, false);
    this.#send(vector);
  }

  #setPending(vector: number, pending: boolean): void {
    const at = vector >>> 3;
    const bit = 1 << (vector & 7);
    const before = this.#pending[at] as number;
    this.#pending[at] = pending ? before | bit : before & ~bit;
  }

  #writeTable(at: number, size: number, value: number): void {
    for (let byte = 0; byte < size; byte++) {
      const index = at + byte;
      if (index >= this.#table.length) return;
      const position = index % ENTRY_BYTES;
      let written = (value >>> (8 * byte)) & 0xff;
      // Message Address 1:0 are zero; of Vector Control there is the mask alone (PCIe 6.0 §7.7.2.5, §7.7.2.8).
      if (position === 0) written &= ~3;
      else if (position === VECTOR_CONTROL) written &= MASK_BIT;
      else if (position > VECTOR_CONTROL) written = 0;
      this.#table[index] = written;
    }
    const vector = Math.floor(at / ENTRY_BYTES);
    if (this.enabled) this.#sendIfPending(vector);
  }
}

/** The MSI-X of a function that has it. */
export function msixPart(fn: PciFunction): MsixPart | undefined {
  const offset = fn.template.offsetOf(MSIX, false);
  return offset === undefined ? undefined : new MsixPart(fn, offset);
}

function bytesAt(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let byte = 0; byte < size; byte++) value |= (bytes[at + byte] ?? 0) << (8 * byte);
  return value >>> 0;
}
