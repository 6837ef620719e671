import type { PhysicalMemory } from "../memory.ts";

/** Memory of a guest, or of a driver's own: a region of RAM, with the bus addresses by which devices reach it. */
export class GuestMemory {
  readonly #sizeBytes: number;
  readonly #busBase: number;
  #memory: PhysicalMemory;
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

  /** It is in other RAM from now on, which has the same bytes: the guest does not see that. */
  moveTo(ram: PhysicalMemory, base: number): void {
    this.#memory = ram.part(base, this.#sizeBytes);
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
    this.#memory.bytes.fill(0, at, at + sizeBytes);
    return at;
  }

  busAddress(address: number): number {
    return address + this.#busBase;
  }
}
