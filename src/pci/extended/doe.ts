import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Data Object Exchange: a mailbox for protocols such as SPDM and CXL's tables. Reading it changes nothing. */
export const DOE = capability({
  id: 0x2e,
  name: "Data Object Exchange (DOE)",
  spec: "PCIe 6.0 §7.9.24",
  table: {
    capabilities: register(0x04, 32, "PCI_DOE_CAP", "PCIe 6.0 §7.9.24.2", {
      doeInterruptSupport: bit(0, "HwInit"),
      doeInterruptMessageNumber: bits(11, 1, "RO", "MSI or MSI-X vector"),
      doeAttentionMechanismSupport: bit(12, "HwInit", "from version 2"),
      doeAsyncMessageSupport: bit(13, "HwInit", "from version 2"),
    }),
    control: register(0x08, 32, "PCI_DOE_CTRL", "PCIe 6.0 §7.9.24.3", {
      doeAbort: bit(0, "RW", "drops what is in hand; reads 0"),
      doeInterruptEnable: bit(1, "RW"),
      doeAttentionNotNeeded: bit(2, "RW", "from version 2"),
      doeAsyncMessageEnable: bit(3, "RW", "from version 2"),
      doeGo: bit(31, "RW", "the object is complete; reads 0"),
    }),
    status: register(0x0c, 32, "PCI_DOE_STATUS", "PCIe 6.0 §7.9.24.4", {
      doeBusy: bit(0, "RO", "cannot take an object now"),
      doeInterruptStatus: bit(1, "RW1C"),
      doeError: bit(2, "RO", "cleared by an abort"),
      doeAsyncMessageStatus: bit(3, "RO", "from version 2"),
      doeAtAttention: bit(4, "RO", "from version 2"),
      dataObjectReady: bit(31, "RO"),
    }),
    writeDataMailbox: register(0x10, 32, "PCI_DOE_WRITE", "PCIe 6.0 §7.9.24.5", {
      doeWriteDataMailbox: bits(31, 0, "RW", "each write adds a dword to the object; reads 0"),
    }),
    readDataMailbox: register(0x14, 32, "PCI_DOE_READ", "PCIe 6.0 §7.9.24.6", {
      doeReadDataMailbox: bits(31, 0, "RW", "the object's current dword; a write of anything moves on"),
    }),
  },
});
