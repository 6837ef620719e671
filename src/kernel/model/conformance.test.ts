/** The conformance scripts on the modelled kernel: the same expectations as on the real one (test/lab). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FileHolder } from "../conformance/place.ts";
import { runScript } from "../conformance/run-script.ts";
import { CONFORMANCE_SCRIPTS } from "../conformance/scripts.ts";
import { KERNEL_RELEASE } from "./boot.ts";
import { errnoOf } from "./kernel-error.ts";
import type { ModelProcess } from "./linux.ts";
import { type ModelKernel, openModel } from "./model-kernel.ts";
import { labModel } from "./testing/lab-models.ts";

/** Processes of the model that have files open. */
function holderOf({ linux }: ModelKernel): FileHolder {
  const held: ModelProcess[] = [];
  return {
    async hold(path) {
      try {
        held.push(linux.processes.start("sleep", path));
        return "ok";
      } catch (error) {
        return errnoOf(error);
      }
    },
    async letGo() {
      for (const process of held.splice(0)) process.end();
    },
  };
}

describe("the modelled Linux answers as the conformance scripts say", () => {
  for (const script of CONFORMANCE_SCRIPTS) {
    test(script.name, async () => {
      const description = labModel(script.machine);
      assert.ok(description, `no model of the lab machine ${script.machine}`);
      const kernel = await openModel(description, `model:${script.machine}`);
      const results = await runScript(kernel, script, KERNEL_RELEASE, undefined, holderOf(kernel));
      const lines = results.flatMap(({ index, step, problems }) =>
        problems.map((problem) => `step ${index}, ${step}: ${problem}`),
      );
      assert.equal(lines.join("\n"), "");
    });
  }
});
