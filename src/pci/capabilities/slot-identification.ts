import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Slot Identification, of a bridge to an expansion chassis. */
export const SLOT_IDENTIFICATION = capability({
  id: 0x04,
  name: "Slot Identification",
  spec: "PCI-to-PCI Bridge 1.2, Slot Numbering",
  table: {
    expansionSlot: register(0x02, 8, "PCI_SID_ESR", "PCI-to-PCI Bridge 1.2, Slot Numbering", {
      expansionSlots: bits(4, 0, "HwInit", "slots on the bridge's secondary bus"),
      firstInChassis: bit(5, "HwInit", "the bridge is the chassis' first"),
    }),
    chassis: register(0x03, 8, "PCI_SID_CHASSIS_NR", "PCI-to-PCI Bridge 1.2, Slot Numbering", {
      chassisNumber: bits(7, 0, "RWS"),
    }),
  },
});
