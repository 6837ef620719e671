import { PCI_EXP_TYPE_ROOT_PORT } from "../../pci/device-port-type.ts";
import { AerStats } from "./aer-stats.ts";
import type { Linux } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";

const PCI_BRIDGE_CONTROL = 0x3e;
const PCI_BRIDGE_CTL_SERR = 0x2;
const PCI_EXP_DEVCTL = 0x08;
/** PCI_EXP_AER_FLAGS: errors of each severity, and Unsupported Requests, are reported. */
export const PCI_EXP_AER_FLAGS = 0xf;
export const PCI_ERR_UNCOR_STATUS = 0x04;
export const PCI_ERR_COR_STATUS = 0x10;
export const PCI_ERR_ROOT_STATUS = 0x30;

/** `pci_configure_serr`: a bridge passes on messages of errors below it. */
export function configureSerr(dev: PciDev): void {
  if (dev.isBridge) dev.update(PCI_BRIDGE_CONTROL, 0, PCI_BRIDGE_CTL_SERR);
}

/** `pci_aer_init`; the firmware leaves AER to the kernel. */
export function initAer({ options }: Linux, dev: PciDev): void {
  const { aer, express } = dev.capabilities;
  if (aer === 0) return;
  dev.aerStats = new AerStats();
  clearAerStatus(dev);
  if (!options.noAer && express !== 0) dev.update(express + PCI_EXP_DEVCTL, 0, PCI_EXP_AER_FLAGS);
}

/** `pci_aer_raw_clear_status`: each bit that is 1 is cleared by writing it. */
export function clearAerStatus(dev: PciDev): void {
  const { aer } = dev.capabilities;
  const isRoot = dev.expressType === PCI_EXP_TYPE_ROOT_PORT;
  for (const status of [...(isRoot ? [PCI_ERR_ROOT_STATUS] : []), PCI_ERR_COR_STATUS, PCI_ERR_UNCOR_STATUS]) {
    dev.write(aer + status, 4, dev.read(aer + status, 4));
  }
}
