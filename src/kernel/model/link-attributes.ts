import { PCI_EXP_TYPE_RC_EC, PCI_EXP_TYPE_RC_END } from "../../pci/device-port-type.ts";
import type { Attribute } from "./attributes.ts";
import type { PciDev } from "./pci-dev.ts";

const PCI_EXP_LNKCAP = 0x0c;
const PCI_EXP_LNKSTA = 0x12;
const PCI_EXP_LNKCAP2 = 0x2c;

/** `pci_speed_string`, by the encoding of Link Speed. */
const SPEEDS: Readonly<Record<number, string>> = {
  1: "2.5 GT/s PCIe",
  2: "5.0 GT/s PCIe",
  3: "8.0 GT/s PCIe",
  4: "16.0 GT/s PCIe",
  5: "32.0 GT/s PCIe",
  6: "64.0 GT/s PCIe",
};

const isExpress = ({ capabilities }: PciDev) => capabilities.express !== 0;
const READ_LINK = { visible: isExpress } as const;

/** `pcie_dev_attrs` */
export const LINK_ATTRIBUTES: readonly Attribute<PciDev>[] = [
  { name: "current_link_speed", ...READ_LINK, show: (dev) => SPEEDS[linkStatus(dev) & 0xf] ?? "Unknown" },
  { name: "current_link_width", ...READ_LINK, show: (dev) => String((linkStatus(dev) >>> 4) & 0x3f) },
  { name: "max_link_speed", ...READ_LINK, show: (dev) => SPEEDS[fastest(dev)] ?? "Unknown" },
  { name: "max_link_width", ...READ_LINK, show: widest },
];

/** `pcie_cap_has_lnkctl`: the registers of others are zeros, whatever they hold. */
function hasLink({ expressType }: PciDev): boolean {
  return expressType !== PCI_EXP_TYPE_RC_END && expressType !== PCI_EXP_TYPE_RC_EC;
}

/** Link Status: Current Link Speed and Negotiated Link Width; 0 of a function without a link. */
export function linkStatus(dev: PciDev): number {
  return !hasLink(dev) ? 0 : dev.read(dev.capabilities.express + PCI_EXP_LNKSTA, 2);
}

function capabilities(dev: PciDev): number {
  return !hasLink(dev) ? 0 : dev.read(dev.capabilities.express + PCI_EXP_LNKCAP, 4);
}

/** `pcie_get_width_cap`: PCIE_LNK_WIDTH_UNKNOWN without the register. */
function widest(dev: PciDev): string {
  const register = capabilities(dev);
  return String(register === 0 ? 0xff : (register >>> 4) & 0x3f);
}

/** `pcie_get_speed_cap`: by the vector, and without one by Max Link Speed. */
function fastest(dev: PciDev): number {
  if (!hasLink(dev)) return 0;
  const vector = dev.read(dev.capabilities.express + PCI_EXP_LNKCAP2, 4) & 0xfe;
  return vector === 0 ? capabilities(dev) & 0xf : 31 - Math.clz32(vector);
}
