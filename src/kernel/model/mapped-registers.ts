import type { Mmio } from "../../hardware/guests/mmio.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";

/** BAR 0, mapped (`pci_iomap`). @throws KernelError ENODEV where it has no place */
export function mapRegisters({ machine: { fabric } }: Linux, dev: PciDev): Mmio {
  const [bar] = dev.bars;
  if (bar === undefined) throw new KernelError("ENODEV");
  return {
    read32: (offset) => fabric.memoryRead(bar.start + offset, 4),
    write32: (offset, value) => fabric.memoryWrite(bar.start + offset, 4, value),
  };
}
