import { assignResources } from "./assign-resources.ts";
import { scanChildBus } from "./enumerate.ts";
import type { Linux } from "./linux.ts";
import type { PciBus } from "./pci-dev.ts";

/** `pci_rescan_bus`: what has come is taken in, given resources, and offered to drivers. */
export async function rescanBus(linux: Linux, bus: PciBus): Promise<void> {
  const before = new Set(linux.devices.keys());
  await scanChildBus(linux, bus);
  for (const child of bus.children) if (child.self !== undefined) await rescanBelow(linux, child);
  if (linux.devices.size !== before.size) assignResources(linux);
  for (const dev of [...linux.devices.values()]) {
    if (!before.has(dev.bdf) && linux.drivers.autoprobe) await linux.drivers.attachDevice(dev);
  }
}

async function rescanBelow(linux: Linux, bus: PciBus): Promise<void> {
  await scanChildBus(linux, bus);
  for (const child of bus.children) if (child.self !== undefined) await rescanBelow(linux, child);
}
