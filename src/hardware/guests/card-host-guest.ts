import type { MigrationFeatures } from "../vfio/device-state.ts";
import { VfioDevice } from "../vfio/vfio-device.ts";
import { Guest, type GuestOptions } from "./guest.ts";
import type { MovableGuest } from "./movable-guest.ts";
import { forgetAddress, pfSideOf } from "./moved-vf.ts";

/** What the model's driver of the 82576's VFs has. */
const VARIANT_FEATURES: MigrationFeatures = { p2p: true, preCopy: true };

/** A guest's VF as VFIO moves it, with what its PF knows of it by its own asking. */
export function vfioDeviceOf({ host, rid, vfIndex }: Guest, features = VARIANT_FEATURES): VfioDevice {
  return new VfioDevice({
    fabric: host.machine.fabric,
    rid,
    features,
    pfSide: pfSideOf(() => host.pf.vfs, vfIndex),
  });
}

/** A guest of a {@link CardHost} as one that moves. */
export function movable(guest: Guest): MovableGuest {
  const { host } = guest;
  return {
    memory: guest.memory.memory,
    parts: [{ start: 0, memory: guest.memory.memory }],
    devices: guest.hasVf ? [vfioDeviceOf(guest)] : [],
    pause: () => guest.pause(),
    resume: () => guest.resume(),
    saveSoftware: () => guest.saveSoftware(),
    restoreSoftware: (software) => guest.restoreSoftware(software),
    end(moved) {
      const vfIndex = guest.hasVf ? guest.vfIndex : undefined;
      guest.destroy();
      if (vfIndex !== undefined) forgetAddress(host.pf.vfs, vfIndex, moved);
    },
  };
}

export interface ArrivalOptions extends Omit<GuestOptions, "sizeBytes" | "descriptors"> {
  /** What there is for its memory. */
  readonly availableBytes: number;
  /** A VF that nobody has; undefined where the guest comes without. */
  readonly vfIndex: number | undefined;
}

/** A guest for whom another is to come. @throws RangeError where there is no memory for it, or no VF */
export function arrive(options: ArrivalOptions, sizeBytes: number): { guest: Guest; moving: MovableGuest } {
  const { availableBytes, vfIndex, host, base } = options;
  if (sizeBytes > Math.min(availableBytes, host.machine.memory.sizeBytes - base)) {
    throw new RangeError(`the guest has ${sizeBytes} bytes of memory, and there are ${availableBytes} for it`);
  }
  if (vfIndex !== undefined) host.vf(vfIndex);
  const guest = new Guest({ ...options, sizeBytes });
  if (vfIndex !== undefined) guest.plug(vfIndex);
  return { guest, moving: movable(guest) };
}
