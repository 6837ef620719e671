import type { PhysicalMemory } from "../memory.ts";

/** Memory of a guest, or of a driver's own: a region of RAM, with the bus addresses by which devices reach it. */
export class GuestMemory {
  readonly #sizeBytes: number;
  readonly #busBase: number;
  readonly #memory: PhysicalMemory;
  #allocated = 0;

  /**
   * @param base where in RAM it begins
   * @param busBase the bus address of its first byte: equal to `base` without an IOMMU, 0 for a guest's memory behind one
   */
  constructor(ram: PhysicalMemory, base: number, sizeBytes: number, busBase: number) {
    this.#memory = ram.part(base, sizeBytes);
    this.#sizeBytes = sizeBytes;
    this.#busBase = busBase;
  }

  /** With addresses from 0. */
  get memory(): PhysicalMemory {
    return this.#memory;
  }

  /** How much of it is set aside. */
  get allocated(): number {
    return this.#allocated;
  }

  set allocated(bytes: number) {
    this.#allocated = bytes;
  }

  /** Gives back all that was set aside: another driver, or another boot, begins. */
  free(): void {
    this.#allocated = 0;
  }

  /** Sets bytes aside, all zero. @returns where they are in the memory */
  allocate(sizeBytes: number, alignment: number): number {
    const at = Math.ceil(this.#allocated / alignment) * alignment;
    if (at + sizeBytes > this.#sizeBytes) throw new RangeError(`no ${sizeBytes} bytes left for the driver`);
    this.#allocated = at + sizeBytes;
    this.#memory.clear(at, sizeBytes);
    return at;
  }

  busAddress(address: number): number {
    return address + this.#busBase;
  }
}
