import { hex } from "../../pci/bdf.ts";
import { KernelError } from "./kernel-error.ts";
import { type Linux, logOf } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";
import { IORESOURCE_IO, IORESOURCE_MEM, type Resource } from "./resource.ts";

const PCI_COMMAND = 0x04;
const PCI_COMMAND_IO = 0x1;
const PCI_COMMAND_MEMORY = 0x2;
export const PCI_COMMAND_MASTER = 0x4;

/** `pci_enable_resources`: the function is to answer at its BARs. @throws KernelError EINVAL where one has no place */
export function enableResources(linux: Linux, dev: PciDev, wanted: readonly (Resource | undefined)[]): void {
  const old = dev.read(PCI_COMMAND, 2);
  let command = old;
  for (const each of wanted) {
    if (each === undefined) continue;
    if (each.parent === undefined) {
      logOf(linux, dev, `can't enable device: ${each.name} not assigned`);
      throw new KernelError("EINVAL");
    }
    if ((each.flags & IORESOURCE_IO) !== 0) command |= PCI_COMMAND_IO;
    if ((each.flags & IORESOURCE_MEM) !== 0) command |= PCI_COMMAND_MEMORY;
  }
  if (command === old) return;
  logOf(linux, dev, `enabling device (${hex(old, 4)} -> ${hex(command, 4)})`);
  dev.write(PCI_COMMAND, 2, command);
}

/** `pci_enable_device`, and `pci_enable_device_mem` where `memoryOnly`. */
export function enableDevice(linux: Linux, dev: PciDev, memoryOnly = false): void {
  if (++dev.enableCount > 1) return;
  dev.powerState = "D0";
  routeInterrupt(dev);
  const bars = dev.bars.filter((bar) => bar !== undefined);
  try {
    enableResources(linux, dev, memoryOnly ? bars.filter(({ flags }) => (flags & IORESOURCE_MEM) !== 0) : bars);
  } catch (error) {
    dev.enableCount--;
    throw error;
  }
}

/** `pci_disable_device` */
export function disableDevice(dev: PciDev): void {
  if (dev.enableCount === 0 || --dev.enableCount > 0) return;
  dev.clearCommand(PCI_COMMAND_MASTER);
}

/**
 * `acpi_pci_irq_enable`: INTx of a function goes, by way of the bridges' swizzling (`pci_swizzle_interrupt_pin`), to one
 * of the chipset's four interrupts for slots; 20 to 23 on a Q35 (QEMU's acpi-build.c).
 */
function routeInterrupt(dev: PciDev): void {
  if (dev.interruptPin === 0) return;
  let pin = dev.interruptPin - 1;
  let at = dev;
  for (let bridge = at.bus.self; bridge !== undefined; bridge = at.bus.self) {
    pin = (pin + (at.devfn >>> 3)) & 3;
    at = bridge;
  }
  dev.irq = 20 + (((at.devfn >>> 3) + pin) & 3);
}
