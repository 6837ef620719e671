import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Native PCIe Enclosure Management: the indicators of a drive bay. */
export const NPEM = capability({
  id: 0x29,
  name: "Native PCIe Enclosure Management (NPEM)",
  spec: "PCIe 6.0 §7.9.19",
  table: {
    capability: register(0x04, 32, "PCI_NPEM_CAP", "PCIe 6.0 §7.9.19.2", {
      npemCapable: bit(0, "HwInit"),
      npemResetCapable: bit(1, "HwInit"),
      npemOkCapable: bit(2, "HwInit"),
      npemLocateCapable: bit(3, "HwInit"),
      npemFailCapable: bit(4, "HwInit"),
      npemRebuildCapable: bit(5, "HwInit"),
      npemPfaCapable: bit(6, "HwInit", "Predicted Failure Analysis"),
      npemHotSpareCapable: bit(7, "HwInit"),
      npemInACriticalArrayCapable: bit(8, "HwInit"),
      npemInAFailedArrayCapable: bit(9, "HwInit"),
      npemInvalidDeviceTypeCapable: bit(10, "HwInit"),
      npemDisabledCapable: bit(11, "HwInit"),
      npemEnclosureSpecificCapabilities: bits(31, 24, "HwInit"),
    }),
    control: register(0x08, 32, "PCI_NPEM_CTRL", "PCIe 6.0 §7.9.19.3", {
      npemEnable: bit(0, "RW"),
      npemInitiateReset: bit(1, "RW", "reads 0"),
      npemOkControl: bit(2, "RW"),
      npemLocateControl: bit(3, "RW"),
      npemFailControl: bit(4, "RW"),
      npemRebuildControl: bit(5, "RW"),
      npemPfaControl: bit(6, "RW"),
      npemHotSpareControl: bit(7, "RW"),
      npemInACriticalArrayControl: bit(8, "RW"),
      npemInAFailedArrayControl: bit(9, "RW"),
      npemInvalidDeviceTypeControl: bit(10, "RW"),
      npemDisabledControl: bit(11, "RW"),
      npemEnclosureSpecificControls: bits(31, 24, "RW"),
    }),
    status: register(0x0c, 32, "PCI_NPEM_STATUS", "PCIe 6.0 §7.9.19.4", {
      npemCommandCompleted: bit(0, "RW1C", "the last write to Control has taken effect"),
      npemEnclosureSpecificStatus: bits(31, 24, "RO"),
    }),
  },
});
