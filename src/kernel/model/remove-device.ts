import { deleteDevice } from "./add-device.ts";
import type { Linux } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";
import { release } from "./resource.ts";

/** `pci_stop_and_remove_bus_device`: first all drivers below let go, then all functions are gone. */
export async function removeDevice(linux: Linux, dev: PciDev): Promise<void> {
  await stop(linux, dev);
  await remove(linux, dev);
}

async function stop(linux: Linux, dev: PciDev): Promise<void> {
  for (const below of [...(dev.subordinate?.devices ?? [])].reverse()) await stop(linux, below);
  await linux.drivers.releaseDevice(dev);
}

async function remove(linux: Linux, dev: PciDev): Promise<void> {
  const { subordinate } = dev;
  if (subordinate !== undefined) {
    for (const below of [...subordinate.devices]) await remove(linux, below);
    subordinate.remove();
    dev.subordinate = undefined;
  }
  deleteDevice(linux, dev);
  // pci_free_resources. A VF's lie in its PF's, which keep no list of them.
  if (!dev.isVf) for (const each of dev.resources) if (each?.parent !== undefined) release(each);
}
