import type { ModelClock } from "../clock.ts";
import type { DevicePort, Span } from "../device-port.ts";
import type { PhysicalMemory } from "../memory.ts";

/** A port whose bus addresses are those of memory: no bridges, no IOMMU. Spans end at pages, as behind an IOMMU. */
export class FlatPort implements DevicePort {
  readonly clock: ModelClock;
  readonly #memory: PhysicalMemory;
  readonly #onInterrupt: (vector: number) => void;
  readonly #onIntx: (pending: boolean) => void;
  readonly #span: { -readonly [Key in keyof Span]: Span[Key] };

  constructor(
    memory: PhysicalMemory,
    clock: ModelClock,
    onInterrupt: (vector: number) => void = () => {},
    onIntx: (pending: boolean) => void = () => {},
  ) {
    this.clock = clock;
    this.#memory = memory;
    this.#onInterrupt = onInterrupt;
    this.#onIntx = onIntx;
    this.#span = { bytes: memory.bytes, view: memory.view, offset: 0, length: 0 };
  }

  span(address: number, length: number, _write: boolean): Span | undefined {
    if (!this.#memory.has(address, 1)) return undefined;
    this.#span.offset = address;
    this.#span.length = Math.min(length, 4096 - (address & 4095), this.#memory.sizeBytes - address);
    return this.#span;
  }

  read(address: number, target: Uint8Array, at: number, length: number): boolean {
    if (!this.#memory.has(address, length)) return false;
    target.set(this.#memory.bytes.subarray(address, address + length), at);
    return true;
  }

  write(address: number, source: Uint8Array, at: number, length: number): boolean {
    const room = this.#memory.has(address, 1) ? Math.min(length, this.#memory.sizeBytes - address) : 0;
    if (room > 0) this.#memory.bytes.set(source.subarray(at, at + room), address);
    return room === length;
  }

  interrupt(vector: number): void {
    this.#onInterrupt(vector);
  }

  setIntx(pending: boolean): void {
    this.#onIntx(pending);
  }
}
