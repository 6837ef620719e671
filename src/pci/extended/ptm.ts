import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Precision Time Measurement: functions learn the time of one clock at the root. */
export const PTM = capability({
  id: 0x1f,
  name: "Precision Time Measurement (PTM)",
  spec: "PCIe 6.0 §7.9.15",
  table: {
    capability: register(0x04, 32, "PCI_PTM_CAP", "PCIe 6.0 §7.9.15.2", {
      ptmRequesterCapable: bit(0, "HwInit", "can ask for the time"),
      ptmResponderCapable: bit(1, "HwInit", "can answer"),
      ptmRootCapable: bit(2, "HwInit", "can be the source of the time"),
      eptmCapable: bit(3, "HwInit", "Enhanced PTM"),
      ptmPropagationDelayAdaptationCapable: bit(4, "HwInit"),
      localClockGranularityNs: bits(15, 8, "HwInit", "0: there is no local clock; 255: more than 254"),
    }),
    control: register(0x08, 32, "PCI_PTM_CTRL", "PCIe 6.0 §7.9.15.3", {
      ptmEnable: bit(0, "RW"),
      rootSelect: bit(1, "RW", "this is the source of the time"),
      effectiveGranularityNs: bits(15, 8, "RW", "as software found it; 0: not known; 255: more than 254"),
    }),
  },
});
