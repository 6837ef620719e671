import { KernelError } from "./kernel-error.ts";
import { type Linux, logOf } from "./linux.ts";
import { cString, sysfsStreq } from "./parse-value.ts";
import type { PciDev } from "./pci-dev.ts";

const PCI_EXP_DEVCAP = 0x04;
const PCI_EXP_DEVCAP_FLR = 0x1000_0000;
const PCI_PM_CTRL = 4;
const PCI_PM_CTRL_NO_SOFT_RESET = 0x8;

/** `pci_reset_fn_methods` (drivers/pci/pci.c), in the order in which they are tried. */
const METHODS = ["device_specific", "acpi", "flr", "af_flr", "pm", "bus", "cxl_bus"] as const;

/** Whether a function can be reset in a way. */
function supports(dev: PciDev, method: string): boolean {
  const { express, power } = dev.capabilities;
  switch (method) {
    case "flr":
      return express !== 0 && (dev.read(express + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR) !== 0;
    case "pm":
      return power !== 0 && (dev.read(power + PCI_PM_CTRL, 2) & PCI_PM_CTRL_NO_SOFT_RESET) === 0;
    case "bus":
      // pci_parent_bus_reset: it would go over all that is on the bus.
      return (
        dev.bus.self !== undefined && dev.subordinate === undefined && dev.bus.devices.every((other) => other === dev)
      );
    default:
      return false;
  }
}

/** `pci_init_reset_methods`: what works now, before others come to the bus. */
export function initResetMethods(dev: PciDev): void {
  dev.resetMethods = METHODS.filter((method) => supports(dev, method));
}

/** `reset_method_show`: nothing at all where there is none. */
export function showResetMethods({ resetMethods }: PciDev): string {
  return resetMethods.length === 0 ? "" : `${resetMethods.join(" ")}\n`;
}

/** `reset_method_store` */
export function storeResetMethods(linux: Linux, dev: PciDev, text: string): void {
  if (sysfsStreq(text, "")) {
    dev.resetMethods = [];
    logOf(linux, dev, "All device reset methods disabled by user");
    return;
  }
  if (sysfsStreq(text, "default")) {
    initResetMethods(dev);
    return;
  }
  const chosen: string[] = [];
  for (const word of cString(text).split(" ")) {
    if (sysfsStreq(word, "")) continue;
    const name = word.trim();
    if (!METHODS.some((method) => method === name)) refuse(linux, dev, `Invalid reset method '${name}'`);
    if (!supports(dev, name)) refuse(linux, dev, `Unsupported reset method '${name}'`);
    chosen.push(name);
  }
  dev.resetMethods = chosen;
}

function refuse(linux: Linux, dev: PciDev, text: string): never {
  logOf(linux, dev, text);
  throw new KernelError("EINVAL");
}
