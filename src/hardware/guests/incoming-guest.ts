import type { MigrationFeatures } from "../vfio/device-state.ts";
import { type VfioDevice, VfioRefused } from "../vfio/vfio-device.ts";
import { Guest, type GuestOptions, type GuestSoftware } from "./guest.ts";
import type { CopiedPage, GuestOnTheMove, MoveDestination } from "./move-guest.ts";
import { VARIANT_FEATURES, vfioDeviceOf } from "./outgoing-guest.ts";

const PAGE_BYTES = 4096;

export interface IncomingOptions extends Omit<GuestOptions, "sizeBytes" | "descriptors"> {
  /** What there is for its memory. */
  readonly availableBytes: number;
  /** A VF that nobody has; undefined where the guest comes without. */
  readonly vfIndex: number | undefined;
  readonly features?: MigrationFeatures;
}

/** A guest that moves to this machine. */
export class IncomingGuest implements MoveDestination {
  readonly #options: IncomingOptions;
  #guest: Guest | undefined;
  #device: VfioDevice | undefined;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /** The guest, once it has been prepared. */
  get guest(): Guest {
    if (this.#guest === undefined) throw new RangeError("no guest has come");
    return this.#guest;
  }

  prepare({ memoryBytes, device }: GuestOnTheMove): void {
    const { availableBytes, vfIndex, features = VARIANT_FEATURES, host, base } = this.#options;
    if (memoryBytes > Math.min(availableBytes, host.machine.memory.sizeBytes - base)) {
      throw new RangeError(`the guest has ${memoryBytes} bytes of memory, and there are ${availableBytes} for it`);
    }
    if (vfIndex !== undefined) host.vf(vfIndex);
    const guest = new Guest({ ...this.#options, sizeBytes: memoryBytes });
    this.#guest = guest;
    guest.pause();
    if (vfIndex === undefined) return;
    guest.plug(vfIndex);
    this.#device = vfioDeviceOf(guest, features);
    this.#device.setState("RESUMING");
    this.#device.write(device);
  }

  takePages(pages: readonly CopiedPage[]): void {
    const { memory, sizeBytes } = this.guest;
    for (const { address, bytes } of pages) {
      const isPage = address % PAGE_BYTES === 0 && address >= 0 && address < sizeBytes;
      if (!isPage || (bytes?.length ?? PAGE_BYTES) !== PAGE_BYTES) {
        throw new RangeError(`no page of a guest of ${sizeBytes} bytes begins at ${address}`);
      }
      if (bytes === undefined) memory.memory.clear(address, PAGE_BYTES);
      else memory.memory.write(address, bytes);
    }
  }

  takeDevice(bytes: Uint8Array): void {
    if (this.#device === undefined) throw new VfioRefused("EINVAL", "no VF waits for a state");
    this.#device.write(bytes);
  }

  /** First the VF's state, which may be refused; then the software, and the VF goes on before the processor does. */
  run(software: GuestSoftware): void {
    if ((software.vf === null) !== (this.#device === undefined)) {
      throw new VfioRefused("EINVAL", "the guest has a VF at one end, and none at the other");
    }
    this.#device?.setState("STOP");
    this.guest.restoreSoftware(software);
    this.#device?.setState("RUNNING");
    this.guest.resume();
  }

  abort(): void {
    this.#guest?.destroy();
    this.#guest = undefined;
    this.#device = undefined;
  }
}
