import type { DeviceModel } from "../device-model.ts";

/** A BAR that a driver has mapped: dwords, as `readl` and `writel`. */
export interface Mmio {
  read32(offset: number): number;
  write32(offset: number, value: number): void;
}

/** The BAR of a device without bridges between. */
export function directMmio(device: DeviceModel, bar: number): Mmio {
  return {
    read32: (offset) => device.readBar(bar, offset, 4),
    write32: (offset, value) => device.writeBar(bar, offset, 4, value),
  };
}
