import type { PhysicalMemory } from "../memory.ts";

/** Memory of a guest, or of a driver's own: a region of RAM, with the bus addresses by which devices reach it. */
export class GuestMemory {
  readonly memory: PhysicalMemory;
  readonly #base: number;
  readonly #sizeBytes: number;
  readonly #busBase: number;
  #allocated = 0;

  /**
   * @param base where in RAM it begins
   * @param busBase the bus address of its first byte: equal to `base` without an IOMMU, 0 for a guest's memory behind one
   */
  constructor(memory: PhysicalMemory, base: number, sizeBytes: number, busBase: number) {
    this.memory = memory;
    this.#base = base;
    this.#sizeBytes = sizeBytes;
    this.#busBase = busBase;
  }

  /** Sets bytes aside, for good, all zero. @returns where they are in RAM */
  allocate(sizeBytes: number, alignment: number): number {
    const at = Math.ceil((this.#base + this.#allocated) / alignment) * alignment;
    if (at + sizeBytes > this.#base + this.#sizeBytes)
      throw new RangeError(`no ${sizeBytes} bytes left for the driver`);
    this.#allocated = at + sizeBytes - this.#base;
    this.memory.bytes.fill(0, at, at + sizeBytes);
    return at;
  }

  busAddress(ramAddress: number): number {
    return ramAddress - this.#base + this.#busBase;
  }
}
