import { capability } from "../capability.ts";
import { PCI_CAP_ID_SSVID } from "../capability-ids.ts";
import { bits, register } from "../register.ts";

/** Subsystem ID and Subsystem Vendor ID, of a bridge: its header has no place for them. */
export const SUBSYSTEM_ID = capability({
  id: PCI_CAP_ID_SSVID,
  name: "Bridge Subsystem ID (SSVID)",
  spec: "PCIe 6.0 §7.9.23",
  table: {
    subsystemVendorId: register(0x04, 16, "PCI_SSVID_VENDOR_ID", "PCIe 6.0 §7.9.23.2", {
      subsystemVendorId: bits(15, 0, "HwInit"),
    }),
    subsystemId: register(0x06, 16, "PCI_SSVID_DEVICE_ID", "PCIe 6.0 §7.9.23.2", {
      subsystemId: bits(15, 0, "HwInit"),
    }),
  },
});
