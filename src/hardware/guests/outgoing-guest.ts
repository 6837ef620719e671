import { PageLog } from "../page-log.ts";
import type { MovableGuest } from "./movable-guest.ts";
import type { Awaitable, CopiedPage, DevicePiece, GuestOnTheMove, GuestSoftware, MoveSource } from "./move-guest.ts";

const PAGE_BYTES = 4096;
/** So much of a device's data is read while it runs; only what it is. */
const IDENTITY_BYTES = 64;
/** Pages of zeros at a time, which have next to no bytes. */
const MOST_ZEROS = 4096;

/** A guest of this machine that moves away: its memory by what it and its VFs write, its VFs' state by VFIO. */
export class OutgoingGuest implements MoveSource {
  readonly #guest: MovableGuest;
  /** Pages of this round that are still to be copied, from the end on. */
  #pages: number[] = [];
  #device = 0;

  constructor(guest: MovableGuest) {
    this.#guest = guest;
  }

  start(): GuestOnTheMove {
    try {
      return this.#start();
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  #start(): GuestOnTheMove {
    const { memory, parts, devices } = this.#guest;
    for (const device of devices) if (device.features.preCopy) device.setState("PRE_COPY");
    for (const part of parts) part.memory.writes = new PageLog(part.start, part.memory.sizeBytes);
    for (const device of devices) device.startLogging(0, memory.sizeBytes);
    // All of it, the first time.
    this.#pages = Array.from(
      { length: memory.sizeBytes / PAGE_BYTES },
      (_, page) => memory.sizeBytes - (page + 1) * PAGE_BYTES,
    );
    return { memoryBytes: memory.sizeBytes, devices: devices.map((device) => device.read(IDENTITY_BYTES)) };
  }

  nextRound(): number {
    const { parts, devices } = this.#guest;
    const written = new Set([
      ...this.#pages,
      ...parts.flatMap(({ memory }) => memory.writes?.take() ?? []),
      ...devices.flatMap((device) => device.reportLogged()),
    ]);
    this.#pages = [...written].sort((one, other) => other - one);
    return this.#pages.length;
  }

  takePages(most: number): readonly CopiedPage[] {
    const { memory } = this.#guest;
    const pages: CopiedPage[] = [];
    for (let withBytes = 0; withBytes < most && pages.length < most + MOST_ZEROS; ) {
      const address = this.#pages.pop();
      if (address === undefined) break;
      const isZero = memory.isZeroPage(address);
      if (!isZero) withBytes++;
      pages.push({ address, bytes: isZero ? undefined : memory.bytes.slice(address, address + PAGE_BYTES) });
    }
    return pages;
  }

  /** The processor first: devices may still interrupt it, and that comes at the other side. Then all before any is done for. */
  stop(): void {
    const { devices } = this.#guest;
    this.#guest.pause();
    for (const device of devices) {
      if (device.features.p2p) device.setState(device.features.preCopy ? "PRE_COPY_P2P" : "RUNNING_P2P");
    }
    for (const device of devices) device.setState("STOP_COPY");
    this.#device = 0;
  }

  takeDevice(most: number): DevicePiece | undefined {
    const { devices } = this.#guest;
    for (; this.#device < devices.length; this.#device++) {
      const bytes = devices[this.#device]?.read(most);
      if (bytes !== undefined && bytes.length > 0) return { device: this.#device, bytes };
    }
    return undefined;
  }

  software(): GuestSoftware {
    return this.#guest.saveSoftware();
  }

  /** A VF that has failed stays as it is, and the guest's driver is not told here. */
  cancel(): void {
    this.#stopLogging();
    for (const device of this.#guest.devices) if (device.state !== "ERROR") device.setState("RUNNING");
    this.#guest.resume();
  }

  complete(): Awaitable<void> {
    this.#stopLogging();
    return this.#guest.end(true);
  }

  #stopLogging(): void {
    this.#pages = [];
    for (const { memory } of this.#guest.parts) memory.writes = undefined;
    for (const device of this.#guest.devices) if (device.state !== "ERROR") device.stopLogging();
  }
}
