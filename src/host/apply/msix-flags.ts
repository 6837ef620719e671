import { walkCapabilities } from "../../pci/capability.ts";
import { PCI_CAP_ID_MSIX } from "../../pci/capability-ids.ts";
import type { ConfigSpace } from "../../pci/config-space.ts";

const PCI_CAPABILITY_LIST = 0x34;
const PCI_MSIX_FLAGS = 0x02;

/** Message Control of the MSI-X Capability (PCIe 6.0 §7.7.2.2); undefined where there is none, or it was not read. */
export function msixFlags(space: ConfigSpace): number | undefined {
  const found = walkCapabilities(space, PCI_CAPABILITY_LIST, []).find(({ id }) => id === PCI_CAP_ID_MSIX);
  return found && space.u16(found.offset + PCI_MSIX_FLAGS);
}
