import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const RUNS = fileURLToPath(new URL("./operations/crash-runs.ts", import.meta.url));
const run = promisify(execFile);

test("a process that dies at any moment leaves a host that recovery makes as before or as wished", async (t) => {
  // It fails where one of the runs does.
  const { stdout } = await run(process.execPath, [RUNS]);
  const scenarios = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { name: string; moments: number; runs: number });
  assert.equal(scenarios.length, 6);
  for (const { name, moments, runs } of scenarios) {
    assert.ok(moments > 8 && runs > moments, name);
    t.diagnostic(`${name}: ${moments} moments, ${runs} runs`);
  }
});
