import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Inventory, physicalFunctions, readInventory } from "../../src/host/inventory.ts";
import { openSource } from "../../src/kernel/open-source.ts";
import type { Bdf } from "../../src/pci/bdf.ts";
import { computeIommuGroups } from "../../src/pci/iommu-groups.ts";
import { predictVfGroups } from "../../src/pci/predict-vf-groups.ts";
import { capturedHosts, HOSTS } from "./captured-hosts.ts";
import { kernelGroups, modelOf, partition } from "./kernel-groups.ts";

/** A host whose kernel formed no groups. */
const WITHOUT_IOMMU = "no-iommu";

function openHost(name: string): Promise<Inventory> {
  return openSource(`snapshot:${join(HOSTS, `${name}.tar.gz`)}`).then(readInventory);
}

describe("IOMMU groups as a real kernel formed them", () => {
  test("there are hosts to compare, with VFs and without", () => {
    assert.ok(capturedHosts.some((name) => name.endsWith("-vfs")) && capturedHosts.length >= 20);
  });

  for (const name of capturedHosts) {
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
