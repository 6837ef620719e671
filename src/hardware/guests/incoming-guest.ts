import { type VfioDevice, VfioRefused } from "../vfio/vfio-device.ts";
import type { MovableGuest } from "./movable-guest.ts";
import type {
  Awaitable,
  CopiedPage,
  DevicePiece,
  GuestOnTheMove,
  GuestSoftware,
  MoveDestination,
} from "./move-guest.ts";

const PAGE_BYTES = 4096;

/** Makes a guest with so much memory, and VFs that nobody else has: it stands still. @throws where there is no room, or are none */
type Arrive = (memoryBytes: number) => Awaitable<MovableGuest>;

/** A guest that moves to this machine. */
export class IncomingGuest implements MoveDestination {
  readonly #arrive: Arrive;
  #guest: MovableGuest | undefined;

  constructor(arrive: Arrive) {
    this.#arrive = arrive;
  }

  async prepare({ memoryBytes, devices }: GuestOnTheMove): Promise<void> {
    const guest = await this.#arrive(memoryBytes);
    this.#guest = guest;
    guest.pause();
    if (guest.devices.length !== devices.length) {
      throw new VfioRefused("EINVAL", `the guest has ${devices.length} VFs, and ${guest.devices.length} are for it`);
    }
    guest.devices.forEach((device, index) => {
      device.setState("RESUMING");
      device.write(devices[index] as Uint8Array);
    });
  }

  takePages(pages: readonly CopiedPage[]): void {
    const { memory } = this.#here;
    for (const { address, bytes } of pages) {
      const isPage = address % PAGE_BYTES === 0 && memory.has(address, PAGE_BYTES);
      if (!isPage || (bytes?.length ?? PAGE_BYTES) !== PAGE_BYTES) {
        throw new RangeError(`no page of a guest of ${memory.sizeBytes} bytes begins at ${address}`);
      }
      if (bytes === undefined) memory.clearPages(address, PAGE_BYTES);
      else memory.write(address, bytes);
    }
  }

  takeDevice({ device, bytes }: DevicePiece): void {
    this.#device(device).write(bytes);
  }

  /** First the VFs' states, which may be refused; then the software, and the VFs go on before the processor does. */
  run(software: GuestSoftware): void {
    const guest = this.#here;
    for (const device of guest.devices) device.setState("STOP");
    guest.restoreSoftware(software);
    for (const device of guest.devices) device.setState("RUNNING");
    guest.resume();
  }

  async abort(): Promise<void> {
    const guest = this.#guest;
    this.#guest = undefined;
    await guest?.end(false);
  }

  get #here(): MovableGuest {
    if (this.#guest === undefined) throw new VfioRefused("EINVAL", "no guest has come");
    return this.#guest;
  }

  #device(index: number): VfioDevice {
    const device = this.#here.devices[index];
    if (device === undefined) throw new VfioRefused("EINVAL", `there is no VF ${index} for the guest`);
    return device;
  }
}
