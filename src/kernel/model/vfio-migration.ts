import type { IgbVfConfig, IgbVfControl } from "../../hardware/guests/igb-vf-control.ts";
import { pfSideOf } from "../../hardware/guests/moved-vf.ts";
import type { MigrationFeatures } from "../../hardware/vfio/device-state.ts";
import type { VfEnd } from "../../hardware/vfio/move-verdict.ts";
import { VfioDevice, VfioRefused } from "../../hardware/vfio/vfio-device.ts";
import { igbAdapterOf } from "./drivers/igb.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import { formatMac } from "./mac-address.ts";
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
  return new VfioDevice({
    fabric: linux.machine.fabric,
    rid: dev.routingId,
    features: FEATURES,
    pfSide: pfSideOf(() => vfControlOf(linux, dev), dev.vfIndex ?? 0),
  });
}

/** What a verdict has to know of a VF here. @param memoryBytes of the guest, or for one that comes */
export function vfEnd(linux: Linux, dev: PciDev, memoryBytes: number): VfEnd {
  const config = vfControlOf(linux, dev)?.config(dev.vfIndex ?? 0);
  return {
    identity: identityOf(linux, dev),
    driver: dev.driver?.name ?? "no driver",
    features: dev.driver?.name === MOVING_DRIVER ? FEATURES : null,
    settings: config ? settingsOf(config) : null,
    subsystem: null,
    memoryBytes,
  };
}

function settingsOf({ address, addressIsSet: macIsSet, ...rest }: IgbVfConfig): VfEnd["settings"] {
  return { ...rest, mac: formatMac(address), macIsSet };
}

function identityOf(linux: Linux, dev: PciDev): VfEnd["identity"] {
  try {
    return deviceOf(linux, dev).identity;
  } catch (error) {
    if (error instanceof VfioRefused) return null;
    throw error;
  }
}

/** The VFs of igb, where the VF's PF is on it. */
export function vfControlOf(linux: Linux, dev: PciDev): IgbVfControl | undefined {
  return igbAdapterOf(linux, dev.physfn)?.driver.vfs;
}
