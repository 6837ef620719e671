/** Device/Port Types (PCIe 6.0 §7.5.3.2; `pci_regs.h`). */
export const PCI_EXP_TYPE_ENDPOINT = 0x0;
export const PCI_EXP_TYPE_LEG_END = 0x1;
export const PCI_EXP_TYPE_ROOT_PORT = 0x4;
export const PCI_EXP_TYPE_UPSTREAM = 0x5;
export const PCI_EXP_TYPE_DOWNSTREAM = 0x6;
export const PCI_EXP_TYPE_PCI_BRIDGE = 0x7;
export const PCI_EXP_TYPE_PCIE_BRIDGE = 0x8;
export const PCI_EXP_TYPE_RC_END = 0x9;
export const PCI_EXP_TYPE_RC_EC = 0xa;

/** What the specification calls them. */
export const DEVICE_PORT_TYPES: Readonly<Record<number, string>> = {
  [PCI_EXP_TYPE_ENDPOINT]: "PCI Express Endpoint",
  [PCI_EXP_TYPE_LEG_END]: "Legacy PCI Express Endpoint",
  [PCI_EXP_TYPE_ROOT_PORT]: "Root Port of PCI Express Root Complex",
  [PCI_EXP_TYPE_UPSTREAM]: "Upstream Port of PCI Express Switch",
  [PCI_EXP_TYPE_DOWNSTREAM]: "Downstream Port of PCI Express Switch",
  [PCI_EXP_TYPE_PCI_BRIDGE]: "PCI Express to PCI/PCI-X Bridge",
  [PCI_EXP_TYPE_PCIE_BRIDGE]: "PCI/PCI-X to PCI Express Bridge",
  [PCI_EXP_TYPE_RC_END]: "Root Complex Integrated Endpoint",
  [PCI_EXP_TYPE_RC_EC]: "Root Complex Event Collector",
};

/** A port whose link leads away from the root (Linux `pcie_downstream_port`). */
export function isDownstreamPort(type: unknown): boolean {
  return type === PCI_EXP_TYPE_ROOT_PORT || type === PCI_EXP_TYPE_DOWNSTREAM || type === PCI_EXP_TYPE_PCIE_BRIDGE;
}
