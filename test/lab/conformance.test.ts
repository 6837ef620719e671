/** The conformance scripts on the real kernel: each boots a machine of the lab with others that are for it. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type StepResult, stepsFor } from "../../src/kernel/conformance/run-script.ts";
import type { ConformanceScript } from "../../src/kernel/conformance/script.ts";
import { CONFORMANCE_SCRIPTS } from "../../src/kernel/conformance/scripts.ts";
import { findImage } from "../../src/lab/image.ts";
import { MACHINES } from "../../src/lab/machines.ts";
import { requireTool } from "../require-tool.ts";
import { runGuestScript } from "./guest-script.ts";

/** So that machines with many scripts run side by side. */
const SCRIPTS_A_BOOT = 7;
/** With one processor each. */
const BOOTS_AT_ONCE = 3;
const MACHINE_TIMEOUT_MS = 400_000;
/** With the time that other machines of this host may take before. */
const BOOT_TIMEOUT_MS = 3 * MACHINE_TIMEOUT_MS;

/** Who boots what: a machine, and the scripts that it runs, one after the other. */
const BOOTS = MACHINES.flatMap(({ name }) => {
  const scripts = CONFORMANCE_SCRIPTS.filter(({ machine }) => machine === name);
  const parts = Math.ceil(scripts.length / SCRIPTS_A_BOOT);
  return Array.from({ length: parts }, (_, part) => ({
    machine: name,
    title: parts === 1 ? name : `${name}, ${part + 1} of ${parts}`,
    scripts: scripts.filter((_, index) => index % parts === part),
  }));
});

test("each script is for a machine of the lab, by a name of its own", () => {
  const booted = BOOTS.flatMap(({ scripts }) => scripts.map(({ name }) => name));
  assert.deepEqual(booted.toSorted(), CONFORMANCE_SCRIPTS.map(({ name }) => name).toSorted());
  assert.equal(new Set(booted).size, booted.length);
});

describe("the lab's Linux answers as the conformance scripts say", {
  skip: requireTool("lab"),
  concurrency: BOOTS_AT_ONCE,
  timeout: BOOT_TIMEOUT_MS * BOOTS.length,
}, () => {
  for (const { machine, title, scripts } of BOOTS) {
    describe(title, { concurrency: false }, () => {
      let results: readonly StepResult[] = [];
      let release = "";
      /** Why the machine, or what ran in it, did not come to its end. */
      let broken: string | undefined;
      before(() => boot(), { timeout: BOOT_TIMEOUT_MS });

      async function boot(): Promise<void> {
        const image = findImage();
        const found = MACHINES.find(({ name }) => name === machine);
        assert.ok(image && found);
        release = image.kernelRelease;
        const records: unknown[] = [];
        let output = "";
        try {
          const { exitCode } = await runGuestScript("conformance.ts", {
            image,
            machine: found,
            args: scripts.map(({ name }) => name),
            timeoutMs: MACHINE_TIMEOUT_MS,
            cpus: 1,
            signal: new AbortController().signal,
            onOutput: (text) => {
              output += text;
            },
            onRecord: (record) => records.push(record),
          });
          if (exitCode !== 0) broken = `what ran in the machine ended with ${exitCode}:\n${output}`;
        } catch (error) {
          broken = String(error);
        }
        results = records as StepResult[];
      }

      for (const script of scripts) {
        test(script.name, () => assert.equal(report(script, results, release, broken), ""));
      }
    });
  }
});

/** What is wrong with a script's results, a line each. */
function report(
  script: ConformanceScript,
  results: readonly StepResult[],
  release: string,
  broken: string | undefined,
): string {
  const lines = stepsFor(script, release).flatMap(([index, { source }]) => {
    const result = results.find((one) => one.script === script.name && one.index === index);
    if (result === undefined) return [`step ${index} was not run`];
    const where = `step ${index}, ${result.step}${source ? ` (${source})` : ""}`;
    return result.problems.map((problem) => `${where}: ${problem}`);
  });
  const cut = lines.some((line) => line.endsWith("was not run")) ? [broken ?? "nothing tells why"] : [];
  return [...cut, ...lines].join("\n");
}
