/** What `lspci -vvv` said on the captured hosts, which reads sysfs by itself, and what the inventory of the capture says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readInventory } from "../../src/host/inventory.ts";
import { openSource } from "../../src/kernel/open-source.ts";
import { compareBdf, parseBdf } from "../../src/pci/bdf.ts";
import { capturedHosts, HOSTS } from "./captured-hosts.ts";

describe("captures say what lspci -vvv said beside them", () => {
  for (const name of capturedHosts) {
    test(name, async () => {
      const inventory = await readInventory(await openSource(`snapshot:${join(HOSTS, `${name}.tar.gz`)}`));
      const shown = new Map(
        readFileSync(join(HOSTS, `${name}.lspci-vvv.txt`), "utf8")
          .trimEnd()
          .split("\n\n")
          .map((text) => [parseBdf(text.slice(0, 12)), text] as const),
      );
      assert.deepEqual(
        [...inventory.functions.keys()],
        [...shown.keys()].map((bdf) => bdf ?? assert.fail()).sort(compareBdf),
      );
      for (const { bdf, driver, iommuGroup, node, sriov } of inventory.functions.values()) {
        const text = shown.get(bdf) ?? "";
        assert.equal(driver, /Kernel driver in use: (\S+)/.exec(text)?.[1] ?? null, bdf);
        const group = /IOMMU group: (\d+)/.exec(text)?.[1];
        assert.equal(iommuGroup, group === undefined ? null : Number(group), bdf);
        const [, total, numVfs] = /Total VFs: (\d+), Number of VFs: (\d+)/.exec(text) ?? [];
        assert.deepEqual([sriov?.totalVfs, sriov?.numVfs].map(String), [total, numVfs].map(String), bdf);
        if (sriov) assert.equal(node.vfs.length, Number(numVfs), bdf);
      }
    });
  }
});
