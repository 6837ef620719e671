import type { Bdf } from "../../pci/bdf.ts";

const PREFIX = "vfleet-";

/** What a device is called in the guest that vfleet plugs it into; QEMU takes no colon (`id_wellformed`). */
export function deviceIdOf(bdf: Bdf): string {
  return `${PREFIX}${bdf.replaceAll(":", ".")}`;
}

/** Whether vfleet gave the device its id, and so the device to the guest. */
export function isByVfleet(deviceId: string | null): boolean {
  return deviceId?.startsWith(PREFIX) ?? false;
}
