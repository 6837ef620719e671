import { capability } from "../capability.ts";
import { bits, register } from "../register.ts";
import { CXL_DEVICE_DVSEC_ID, CXL_VENDOR_ID, cxlDeviceBlocks } from "./cxl-device.ts";
import { vendorBytes } from "./vendor-bytes.ts";

const VENDOR_REGISTERS = 0x0a;

/** Designated Vendor-Specific: registers that one vendor or consortium defined and any may implement. */
export const DVSEC = capability({
  id: 0x23,
  name: "Designated Vendor-Specific Extended Capability (DVSEC)",
  spec: "PCIe 6.0 §7.9.6",
  table: {
    header1: register(0x04, 32, "PCI_DVSEC_HEADER1", "PCIe 6.0 §7.9.6.2", {
      dvsecVendorId: bits(15, 0, "RO", "who defined the registers; 1E98h is CXL"),
      dvsecRevision: bits(19, 16, "RO"),
      dvsecLength: bits(31, 20, "RO", "bytes, with all headers"),
    }),
    header2: register(0x08, 16, "PCI_DVSEC_HEADER2", "PCIe 6.0 §7.9.6.3", {
      dvsecId: bits(15, 0, "RO"),
    }),
  },
  blocks: ({ dvsecVendorId, dvsecId, dvsecRevision, dvsecLength }) =>
    dvsecVendorId === CXL_VENDOR_ID && dvsecId === CXL_DEVICE_DVSEC_ID
      ? cxlDeviceBlocks(dvsecRevision ?? 0, dvsecLength ?? 0)
      : [],
  /** The vendor's registers, after all headers. */
  derive: ({ dvsecLength }, view) => ({ bytes: vendorBytes(view, VENDOR_REGISTERS, dvsecLength) }),
  size: ({ dvsecLength }) => dvsecLength,
});
