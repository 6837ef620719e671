/** What preflight foresees of a modelled machine is what its kernel then does. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { offeredVfs, physicalFunctions, readInventory } from "../../host/inventory.ts";
import { preflight } from "../../host/preflight/preflight.ts";
import { openModel } from "./model-kernel.ts";
import { labModel, MODELLED_MACHINES } from "./testing/lab-models.ts";

const MODULES = ["igb", "nvme", "virtio_net"];

describe("preflight foresees what the model's kernel answers", () => {
  for (const name of MODELLED_MACHINES) {
    test(name, async () => {
      const description = labModel(name);
      assert.ok(description);
      const kernel = await openModel({ ...description, modules: MODULES }, name);
      const inventory = await readInventory(kernel);
      for (const pf of physicalFunctions(inventory)) {
        const total = offeredVfs(pf) ?? 0;
        for (const vfs of [1, total, total + 1]) {
          const { findings } = await preflight(inventory, pf, { vfs });
          const refusals = findings
            .filter(({ result }) => result === "refuse")
            .map(({ check, errno }) => ({ check, errno }));
          const folder = `/sys/bus/pci/devices/${pf.bdf}`;
          const outcome = await kernel.write(`${folder}/sriov_numvfs`, String(vfs));
          const answer = outcome.kind === "failed" ? outcome.errno : undefined;
          assert.equal(
            refusals.find(({ errno }) => errno !== undefined)?.errno,
            answer,
            `${pf.bdf} ${vfs}: ${JSON.stringify(refusals)}`,
          );
          assert.equal((await kernel.write(`${folder}/sriov_numvfs`, "0")).kind, "done");
        }
      }
    });
  }
});
