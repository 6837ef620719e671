import { PageLog } from "../page-log.ts";
import type { MigrationFeatures } from "../vfio/device-state.ts";
import { VfioDevice } from "../vfio/vfio-device.ts";
import type { Guest, GuestSoftware } from "./guest.ts";
import type { CopiedPage, GuestOnTheMove, MoveSource } from "./move-guest.ts";

const PAGE_BYTES = 4096;
/** So much of a device's data is read while it runs; only what it is. */
const IDENTITY_BYTES = 64;
const NOTHING = new Uint8Array(0);

/** What the model's driver of the 82576's VFs has. */
export const VARIANT_FEATURES: MigrationFeatures = { p2p: true, preCopy: true };

/** A guest's VF as VFIO moves it, with what its PF knows of it by its own asking. */
export function vfioDeviceOf({ host, rid, vfIndex }: Guest, features: MigrationFeatures): VfioDevice {
  return new VfioDevice({
    fabric: host.machine.fabric,
    rid,
    features,
    pfSide: {
      save: () => host.pf.vfs?.requestsOf(vfIndex) ?? [],
      restore: (requests) => host.pf.vfs?.assume(vfIndex, requests) ?? undefined,
    },
  });
}

/** A guest of this machine that moves away: its memory by what it and its VF write, its VF's state by VFIO. */
export class OutgoingGuest implements MoveSource {
  readonly #guest: Guest;
  readonly #device: VfioDevice | undefined;
  /** Pages of this round that are still to be copied, from the end on. */
  #pages: number[] = [];

  constructor(guest: Guest, features: MigrationFeatures = VARIANT_FEATURES) {
    this.#guest = guest;
    this.#device = guest.hasVf ? vfioDeviceOf(guest, features) : undefined;
  }

  start(): GuestOnTheMove {
    const { memory, sizeBytes } = this.#guest;
    const device = this.#device;
    if (device?.features.preCopy) device.setState("PRE_COPY");
    memory.memory.writes = new PageLog(0, sizeBytes);
    device?.startLogging(0, sizeBytes);
    // All of it, the first time.
    memory.memory.writes.mark(0, sizeBytes);
    return { memoryBytes: sizeBytes, device: device?.read(IDENTITY_BYTES) ?? NOTHING };
  }

  nextRound(): number {
    const byProcessor = this.#guest.memory.memory.writes?.take() ?? [];
    const written = new Set([...this.#pages, ...byProcessor, ...(this.#device?.reportLogged() ?? [])]);
    this.#pages = [...written].sort((one, other) => other - one);
    return this.#pages.length;
  }

  takePages(most: number): readonly CopiedPage[] {
    const { memory } = this.#guest.memory;
    const addresses = this.#pages.splice(Math.max(0, this.#pages.length - most)).reverse();
    return addresses.map((address) => {
      const bytes = memory.bytes.slice(address, address + PAGE_BYTES);
      return { address, bytes: bytes.every((byte) => byte === 0) ? undefined : bytes };
    });
  }

  /** The processor first: the device may still interrupt it, and that comes at the other side. */
  stop(): void {
    this.#guest.pause();
    this.#device?.setState("STOP_COPY");
  }

  takeDevice(most: number): Uint8Array {
    return this.#device?.read(most) ?? NOTHING;
  }

  software(): GuestSoftware {
    return this.#guest.saveSoftware();
  }

  /** A VF that has failed is reset, which its guest's driver is not told here; one that is gone stays so. */
  cancel(): void {
    const device = this.#device;
    this.#guest.memory.memory.writes = undefined;
    this.#pages = [];
    if (device !== undefined && device.state !== "ERROR") {
      device.stopLogging();
      device.setState("RUNNING");
    }
    this.#guest.resume();
  }

  /** The VF is reset and free; its PF's filters do not know the guest's addresses any more. */
  complete(): void {
    const { host, memory } = this.#guest;
    const vfIndex = this.#guest.hasVf ? this.#guest.vfIndex : undefined;
    memory.memory.writes = undefined;
    this.#device?.stopLogging();
    this.#guest.destroy();
    if (vfIndex !== undefined) host.pf.vfs?.release(vfIndex);
  }
}
