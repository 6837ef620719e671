import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Conventional PCI Advanced Features: Function Level Reset for a function that is not PCI Express. */
export const ADVANCED_FEATURES = capability({
  id: 0x13,
  name: "PCI Advanced Features (AF)",
  spec: "PCIe 6.0 §7.9.21",
  table: {
    length: register(0x02, 8, "PCI_AF_LENGTH", "PCIe 6.0 §7.9.21.1", {
      afLengthBytes: bits(7, 0, "RO", "of the whole capability: 6"),
    }),
    capabilities: register(0x03, 8, "PCI_AF_CAP", "PCIe 6.0 §7.9.21.2", {
      transactionsPendingSupported: bit(0, "HwInit"),
      flrCapable: bit(1, "HwInit"),
    }),
    control: register(0x04, 8, "PCI_AF_CTRL", "PCIe 6.0 §7.9.21.3", {
      initiateFlr: bit(0, "RW", "written 1 to reset the function; reads 0"),
    }),
    status: register(0x05, 8, "PCI_AF_STATUS", "PCIe 6.0 §7.9.21.4", {
      transactionsPending: bit(0, "RO", "the function waits for completions"),
    }),
  },
});
