import { type Inventory, kernelRelease, physicalFunctions } from "../host/inventory.ts";
import type { HostFacts } from "../host/preflight/facts.ts";
import { plural } from "../host/words/amounts.ts";
import { isUnread } from "../kernel/port.ts";

/** The first line about a host: `this host · Linux 6.12 · VT-d on, interrupt remapping on · 2 PFs, 0 VFs`. */
export async function hostLine(inventory: Inventory, facts: HostFacts): Promise<string> {
  const { kernel } = inventory;
  const release = await kernelRelease(kernel);
  const pfs = physicalFunctions(inventory);
  const vfs = [...inventory.functions.values()].filter(({ node }) => node.vf !== undefined).length;
  return [
    kernel.source.kind === "linux" ? "this host" : kernel.source.name,
    isUnread(release) ? "kernel unknown" : `Linux ${release}`,
    `${iommuText(facts)}, ${remappingText(facts)}`,
    `${plural(pfs.length, "PF")}, ${plural(vfs, "VF")}`,
  ].join(" · ");
}

function iommuText({ iommu }: HostFacts): string {
  if (isUnread(iommu.groupCount)) return "IOMMU unknown";
  const name = isUnread(iommu.units) || iommu.units.length === 0 ? "IOMMU" : iommu.units.join(" and ");
  return `${name} ${iommu.groupCount > 0 ? "on" : "off"}`;
}

function remappingText({ iommu }: HostFacts): string {
  const { interruptRemapping } = iommu;
  return `interrupt remapping ${isUnread(interruptRemapping) ? "unknown" : interruptRemapping.on ? "on" : "off"}`;
}
