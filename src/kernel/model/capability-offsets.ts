import {
  PCI_CAP_ID_EXP,
  PCI_CAP_ID_MSIX,
  PCI_CAP_ID_SSVID,
  PCI_EXT_CAP_ID_ACS,
  PCI_EXT_CAP_ID_ARI,
  PCI_EXT_CAP_ID_SRIOV,
} from "../../pci/capability-ids.ts";
import type { CapabilityOffsets, PciDev } from "./pci-dev.ts";

const PCI_STATUS = 0x06;
const PCI_STATUS_CAP_LIST = 0x10;
const PCI_CAPABILITY_LIST = 0x34;
const PCI_CFG_SPACE_SIZE = 0x100;
const PCI_CAP_ID_PM = 0x01;
const PCI_CAP_ID_MSI = 0x05;
const PCI_EXT_CAP_ID_ERR = 0x01;
/** A list that leads in a circle is left after as many (PCI_FIND_CAP_TTL; `pci_find_next_ext_capability`). */
const MOST_STANDARD = 48;
const MOST_EXTENDED = 480;

/** `pci_find_capability` and `pci_find_ext_capability`, for all that the model of the kernel looks at. */
export function findCapabilities(dev: PciDev): CapabilityOffsets {
  const standard = new Map<number, number>();
  let at = (dev.read(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST) === 0 ? 0 : dev.read(PCI_CAPABILITY_LIST, 1) & ~3;
  for (let count = 0; at >= 0x40 && count < MOST_STANDARD; count++) {
    const header = dev.read(at, 2);
    if ((header & 0xff) === 0xff) break;
    if (!standard.has(header & 0xff)) standard.set(header & 0xff, at);
    at = (header >>> 8) & ~3;
  }
  const extended = standard.has(PCI_CAP_ID_EXP) ? extendedCapabilities(dev) : new Map<number, number>();
  return {
    express: standard.get(PCI_CAP_ID_EXP) ?? 0,
    power: standard.get(PCI_CAP_ID_PM) ?? 0,
    msi: standard.get(PCI_CAP_ID_MSI) ?? 0,
    subsystem: standard.get(PCI_CAP_ID_SSVID) ?? 0,
    msix: standard.get(PCI_CAP_ID_MSIX) ?? 0,
    aer: extended.get(PCI_EXT_CAP_ID_ERR) ?? 0,
    acs: extended.get(PCI_EXT_CAP_ID_ACS) ?? 0,
    ari: extended.get(PCI_EXT_CAP_ID_ARI) ?? 0,
    sriov: extended.get(PCI_EXT_CAP_ID_SRIOV) ?? 0,
  };
}

export function extendedCapabilities(dev: PciDev): Map<number, number> {
  const found = new Map<number, number>();
  let at = PCI_CFG_SPACE_SIZE;
  for (let count = 0; at >= PCI_CFG_SPACE_SIZE && count < MOST_EXTENDED; count++) {
    const header = dev.read(at, 4);
    if (header === 0 || header === 0xffff_ffff) break;
    if (!found.has(header & 0xffff)) found.set(header & 0xffff, at);
    at = (header >>> 20) & ~3;
  }
  return found;
}
