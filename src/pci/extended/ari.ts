import { capability } from "../capability.ts";
import { PCI_EXT_CAP_ID_ARI } from "../capability-ids.ts";
import { bit, bits, register } from "../register.ts";

/** Alternative Routing-ID Interpretation: the function number has eight bits and the device number none. */
export const ARI = capability({
  id: PCI_EXT_CAP_ID_ARI,
  name: "Alternative Routing-ID Interpretation (ARI)",
  spec: "PCIe 6.0 §7.8.8",
  table: {
    capability: register(0x04, 16, "PCI_ARI_CAP", "PCIe 6.0 §7.8.8.2", {
      mfvcFunctionGroupsCapability: bit(0, "RO", "arbitrates between function groups (function 0)"),
      acsFunctionGroupsCapability: bit(1, "RO", "ACS egress control works on function groups (function 0)"),
      nextFunctionNumber: bits(15, 8, "RO", "the next function of the device, 0 at the last; VFs are not in this list"),
    }),
    control: register(0x06, 16, "PCI_ARI_CTRL", "PCIe 6.0 §7.8.8.3", {
      mfvcFunctionGroupsEnable: bit(0, "RW"),
      acsFunctionGroupsEnable: bit(1, "RW"),
      functionGroup: bits(6, 4, "RW", "the group this function belongs to"),
    }),
  },
});
