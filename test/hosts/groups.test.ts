import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Inventory, physicalFunctions, readInventory } from "../../src/host/inventory.ts";
import { openSource } from "../../src/kernel/open-source.ts";
import type { Bdf } from "../../src/pci/bdf.ts";
import { computeIommuGroups } from "../../src/pci/iommu-groups.ts";
import { isolationModel } from "../../src/pci/isolation-model.ts";
import { predictVfGroups } from "../../src/pci/predict-vf-groups.ts";

const HOSTS = join(import.meta.dirname, "../../fixtures/hosts");
const NAMES = readdirSync(HOSTS).flatMap((file) => /^(.*)\.tar\.gz$/.exec(file)?.[1] ?? []);

/** A host whose kernel formed no groups. */
const WITHOUT_IOMMU = "igb-no-iommu";

/** Sets of functions that share a group, as comparable text. */
function partition(groups: Iterable<readonly Bdf[]>): string[] {
  return [...groups].map((members) => [...members].sort().join(" ")).sort();
}

/** The groups that the captured kernel had, by the `iommu_group` links of its functions. */
function kernelGroups(inventory: Inventory): Map<number, Bdf[]> {
  const groups = new Map<number, Bdf[]>();
  for (const { bdf, iommuGroup } of inventory.functions.values()) {
    if (typeof iommuGroup !== "number") continue;
    groups.set(iommuGroup, [...(groups.get(iommuGroup) ?? []), bdf]);
  }
  return groups;
}

function modelOf(inventory: Inventory) {
  const topology = new Map([...inventory.functions.values()].map(({ bdf, node }) => [bdf, node]));
  return isolationModel(topology, { acs: "asConfigured", ivrs: false });
}

function openHost(name: string): Promise<Inventory> {
  return openSource(`snapshot:${join(HOSTS, `${name}.tar.gz`)}`).then(readInventory);
}

describe("IOMMU groups as a real kernel formed them", () => {
  test("there are hosts to compare, with VFs and without", () => {
    assert.ok(NAMES.some((name) => name.endsWith("-vfs")) && NAMES.length >= 5);
  });

  for (const name of NAMES) {
    test(`computeIommuGroups agrees with the kernel on ${name}`, async () => {
      const inventory = await openHost(name);
      const real = kernelGroups(inventory);
      if (name.startsWith(WITHOUT_IOMMU)) return assert.equal(real.size, 0);
      const { groups } = computeIommuGroups(modelOf(inventory));
      assert.deepEqual(partition(groups.map(({ members }) => members)), partition(real.values()));
    });

    if (!existsSync(join(HOSTS, `${name}-vfs.tar.gz`)) || name.startsWith(WITHOUT_IOMMU)) continue;
    test(`predictVfGroups foresees on ${name} what the kernel then did`, async () => {
      const before = await openHost(name);
      const after = await openHost(`${name}-vfs`);
      const real = kernelGroups(after);
      const groupOf = new Map([...real.values()].flatMap((members) => members.map((bdf) => [bdf, members])));
      let compared = 0;
      for (const pf of physicalFunctions(before)) {
        const made = after.functions.get(pf.bdf)?.node.vfs.map(({ bdf }) => bdf) ?? [];
        const foreseen = predictVfGroups(modelOf(before), pf.bdf, made.length);
        assert.deepEqual(
          foreseen.vfs.map(({ bdf }) => bdf),
          made,
        );
        for (const { bdf, group } of foreseen.vfs) {
          // VFs of other PFs, which the prediction for this PF knows nothing of, are not counted.
          const expected = groupOf
            .get(bdf as Bdf)
            ?.filter((member) => made.includes(member) || before.functions.has(member));
          assert.deepEqual([...(group?.members ?? [])].sort(), expected?.sort());
          compared++;
        }
      }
      assert.ok(compared > 0);
    });
  }
});
