import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readYaml } from "../../yaml/read-yaml.ts";
import { CASE_SCHEMA, planLines, planOf } from "./testing/planner-case.ts";

const FOLDER = join(import.meta.dirname, "cases");
/** Writes the plans as they are now: to be read, line by line, before they are committed. */
const WRITE = process.env.WRITE_PLANNER_CASES === "1";

for (const name of readdirSync(FOLDER).sort()) {
  const path = join(FOLDER, name);
  const text = readFileSync(path, "utf8");
  const plannerCase = readYaml(text, name, CASE_SCHEMA);
  test(`${name.replace(/\.yml$/, "")}: ${plannerCase.about}`, () => {
    const lines = planLines(planOf(plannerCase));
    if (WRITE) {
      const plan =
        lines.length === 0 ? "plan: []\n" : `plan:\n${lines.map((line) => `  - ${JSON.stringify(line)}\n`).join("")}`;
      writeFileSync(path, text.replace(/^plan:(?:.|\n)*$/m, plan));
      return;
    }
    assert.deepEqual(lines, plannerCase.plan);
  });
}
