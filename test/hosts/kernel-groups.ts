import type { Inventory } from "../../src/host/inventory.ts";
import type { Bdf } from "../../src/pci/bdf.ts";
import { type IsolationModel, isolationModel } from "../../src/pci/isolation-model.ts";

/** Sets of functions that share a group, as comparable text. */
export function partition(groups: Iterable<readonly Bdf[]>): string[] {
  return [...groups].map((members) => [...members].sort().join(" ")).sort();
}

/** The groups that a kernel formed, by the `iommu_group` links of its functions. */
export function kernelGroups(inventory: Inventory): Map<number, Bdf[]> {
  const groups = new Map<number, Bdf[]>();
  for (const { bdf, iommuGroup } of inventory.functions.values()) {
    if (typeof iommuGroup !== "number") continue;
    groups.set(iommuGroup, [...(groups.get(iommuGroup) ?? []), bdf]);
  }
  return groups;
}

/** What our own computation of the groups starts from. */
export function modelOf(inventory: Inventory): IsolationModel {
  const topology = new Map([...inventory.functions.values()].map(({ bdf, node }) => [bdf, node]));
  return isolationModel(topology, { acs: "asConfigured", ivrs: false });
}
