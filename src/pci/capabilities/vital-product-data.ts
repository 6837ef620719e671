import { capability } from "../capability.ts";
import { PCI_CAP_ID_VPD } from "../capability-ids.ts";
import { bit, bits, register } from "../register.ts";

/**
 * Vital Product Data: a window of four bytes onto a memory of 32 KiB. What that memory holds is not in configuration
 * space, so it is not decoded here.
 */
export const VITAL_PRODUCT_DATA = capability({
  id: PCI_CAP_ID_VPD,
  name: "Vital Product Data (VPD)",
  spec: "PCIe 6.0 §7.9.18",
  table: {
    address: register(0x02, 16, "PCI_VPD_ADDR", "PCIe 6.0 §7.9.18.1", {
      vpdAddress: bits(14, 0, "RW", "of the four bytes; a multiple of four"),
      vpdFlag: bit(15, "RW", "written 0 to read, 1 to write; turns over when the transfer is done"),
    }),
    data: register(0x04, 32, "PCI_VPD_DATA", "PCIe 6.0 §7.9.18.2", {
      vpdData: bits(31, 0, "RW", "the byte at the address is the lowest one"),
    }),
  },
});
