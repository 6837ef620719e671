import { hex } from "../bdf.ts";
import { capability } from "../capability.ts";
import { PCI_EXT_CAP_ID_DSN } from "../capability-ids.ts";
import { quadword } from "../quadword.ts";
import { bits, register } from "../register.ts";

/** Device Serial Number: an EUI-64 that all functions of a device share; NICs make it of their MAC address. */
export const DEVICE_SERIAL_NUMBER = capability({
  id: PCI_EXT_CAP_ID_DSN,
  name: "Device Serial Number (DSN)",
  spec: "PCIe 6.0 §7.9.3",
  table: {
    serialNumberLower: register(0x04, 32, undefined, "PCIe 6.0 §7.9.3.2", {
      serialNumberLower: bits(31, 0, "RO", "the extension's last bytes"),
    }),
    serialNumberUpper: register(0x08, 32, undefined, "PCIe 6.0 §7.9.3.2", {
      serialNumberUpper: bits(31, 0, "RO", "the company ID and the extension's first byte"),
    }),
  },
  derive: ({ serialNumberLower, serialNumberUpper }) => {
    const serial = quadword(serialNumberLower, serialNumberUpper);
    // Most significant byte first, as EUI-64 and lspci write it.
    return { serialNumber: serial === null ? null : hex(serial, 16).replace(/(..)(?=.)/g, "$1-") };
  },
});
