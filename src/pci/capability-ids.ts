/** IDs of capabilities that more than their own definition asks for (`pci_regs.h`). */
export const PCI_CAP_ID_VPD = 0x03;
export const PCI_CAP_ID_PCIX = 0x07;
export const PCI_CAP_ID_SSVID = 0x0d;
export const PCI_CAP_ID_EXP = 0x10;
export const PCI_CAP_ID_MSIX = 0x11;
export const PCI_CAP_ID_EA = 0x14;

/** Of extended capabilities, which are numbered by themselves. */
export const PCI_EXT_CAP_ID_DSN = 0x03;
export const PCI_EXT_CAP_ID_ACS = 0x0d;
export const PCI_EXT_CAP_ID_ARI = 0x0e;
export const PCI_EXT_CAP_ID_SRIOV = 0x10;
