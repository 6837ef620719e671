import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** RCRB Header: who made a Root Complex Register Block, and what holds for the ports that belong to it. */
export const RCRB_HEADER = capability({
  id: 0x0a,
  name: "Root Complex Register Block (RCRB) Header",
  spec: "PCIe 6.0 §7.9.7",
  table: {
    vendorId: register(0x04, 16, undefined, "PCIe 6.0 §7.9.7.2", { rcrbVendorId: bits(15, 0, "RO") }),
    deviceId: register(0x06, 16, undefined, "PCIe 6.0 §7.9.7.2", { rcrbDeviceId: bits(15, 0, "RO") }),
    capabilities: register(0x08, 32, undefined, "PCIe 6.0 §7.9.7.3", {
      configurationRrsSoftwareVisibility: bit(0, "RO", "can tell software that a function is not ready yet"),
    }),
    control: register(0x0c, 32, undefined, "PCIe 6.0 §7.9.7.4", {
      configurationRrsSoftwareVisibilityEnable: bit(0, "RW"),
    }),
  },
});
