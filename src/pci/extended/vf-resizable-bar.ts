import { capability } from "../capability.ts";
import { resizableBarEntries } from "./resizable-bar.ts";

/** VF Resizable BAR, of a PF: how large each VF's part of the VF BARs can be made, and is. */
export const VF_RESIZABLE_BAR = capability({
  id: 0x24,
  name: "VF Resizable BAR",
  spec: "PCIe 6.0 §7.8.7",
  table: {},
  blocks: resizableBarEntries({
    capabilityConstant: "PCI_VF_REBAR_CAP",
    capabilitySpec: "PCIe 6.0 §7.8.7.2",
    controlConstant: "PCI_VF_REBAR_CTRL",
    controlSpec: "PCIe 6.0 §7.8.7.3",
  }),
});
