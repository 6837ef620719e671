import type { MigrationFeatures } from "../../hardware/vfio/device-state.ts";
import type { VfEnd } from "../../hardware/vfio/move-verdict.ts";
import { VfioDevice, VfioRefused } from "../../hardware/vfio/vfio-device.ts";
import { igbAdapterOf } from "./drivers/igb.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";

/** The driver that moves VFs of the 82576: of the model alone (docs/decisions/0020). */
export const MOVING_DRIVER = "model_vfio_pci";
const FEATURES: MigrationFeatures = { p2p: true, preCopy: true };

/** VFIO_DEVICE_FEATURE_MIGRATION. @throws KernelError EOPNOTSUPP where the driver has none (ENOTTY), ENODEV where the VF has gone */
export function vfioDeviceOf(linux: Linux, dev: PciDev): VfioDevice {
  if (dev.driver?.name !== MOVING_DRIVER) throw new KernelError("EOPNOTSUPP");
  return deviceOf(linux, dev);
}

function deviceOf(linux: Linux, dev: PciDev): VfioDevice {
  const { vfIndex = 0 } = dev;
  const requests = () => igbAdapterOf(linux, dev.physfn)?.driver.vfs?.requests;
  return new VfioDevice({
    fabric: linux.machine.fabric,
    rid: dev.routingId,
    features: FEATURES,
    pfSide: {
      save: () => requests()?.of(vfIndex) ?? [],
      restore: (messages) => {
        const igb = requests();
        return igb === undefined ? "the PF has no driver" : igb.assume(vfIndex, messages);
      },
    },
  });
}

/** What a verdict has to know of a VF here. @param memoryBytes of the guest, or for one that comes */
export function vfEnd(linux: Linux, dev: PciDev, memoryBytes: number): VfEnd {
  const config = igbAdapterOf(linux, dev.physfn)?.driver.vfs?.config(dev.vfIndex ?? 0);
  return {
    identity: identityOf(linux, dev),
    driver: dev.driver?.name ?? "no driver",
    features: dev.driver?.name === MOVING_DRIVER ? FEATURES : null,
    settings: config ?? null,
    subsystem: null,
    memoryBytes,
  };
}

function identityOf(linux: Linux, dev: PciDev): VfEnd["identity"] {
  try {
    return deviceOf(linux, dev).identity;
  } catch (error) {
    if (error instanceof VfioRefused) return null;
    throw error;
  }
}

/** A guest has left with its address: the PF's filters are not to know it any more, whoever had set it. */
export function forgetAddress(linux: Linux, dev: PciDev, moved: boolean): void {
  const vfs = igbAdapterOf(linux, dev.physfn)?.driver.vfs;
  const { vfIndex = 0 } = dev;
  vfs?.requests.release(vfIndex);
  if (moved) vfs?.setMac(vfIndex, new Uint8Array(6));
}
