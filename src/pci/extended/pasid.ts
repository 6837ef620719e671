import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Process Address Space ID: requests name the address space that they are for. A PF's serves its VFs too. */
export const PASID = capability({
  id: 0x1b,
  name: "Process Address Space ID (PASID)",
  spec: "PCIe 6.0 §7.8.9",
  table: {
    capability: register(0x04, 16, "PCI_PASID_CAP", "PCIe 6.0 §7.8.9.2", {
      executePermissionSupported: bit(1, "RO"),
      privilegedModeSupported: bit(2, "RO"),
      translatedRequestsWithPasidSupported: bit(3, "RO"),
      maxPasidWidthBits: bits(12, 8, "RO"),
    }),
    control: register(0x06, 16, "PCI_PASID_CTRL", "PCIe 6.0 §7.8.9.3", {
      pasidEnable: bit(0, "RW", "must not change while ATS is enabled"),
      executePermissionEnable: bit(1, "RW", "may request that memory be executable"),
      privilegedModeEnable: bit(2, "RW", "may request in privileged mode"),
      translatedRequestsWithPasidEnable: bit(3, "RW"),
    }),
  },
});
