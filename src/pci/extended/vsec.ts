import { capability } from "../capability.ts";
import { bits, register } from "../register.ts";
import { vendorBytes } from "./vendor-bytes.ts";

const VENDOR_REGISTERS = 0x08;

/** Vendor-Specific Extended Capability; what it is, the function's Vendor ID and the VSEC ID say together. */
export const VSEC = capability({
  id: 0x0b,
  name: "Vendor-Specific Extended Capability (VSEC)",
  spec: "PCIe 6.0 §7.9.5",
  table: {
    header: register(0x04, 32, "PCI_VNDR_HEADER", "PCIe 6.0 §7.9.5.2", {
      vsecId: bits(15, 0, "RO"),
      vsecRevision: bits(19, 16, "RO"),
      vsecLength: bits(31, 20, "RO", "bytes, with both headers"),
    }),
  },
  /** The vendor's registers, after both headers. */
  derive: ({ vsecLength }, view) => ({ bytes: vendorBytes(view, VENDOR_REGISTERS, vsecLength) }),
  size: ({ vsecLength }) => vsecLength,
});
