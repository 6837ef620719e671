/** scripts/test.ts, in folders with tests of their own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";

const RUNNER = fileURLToPath(new URL("../scripts/test.ts", import.meta.url));
const PASSING = 'import { test } from "node:test";\ntest("passes", () => {});\n';
const FAILING = `${PASSING}test("fails", () => { throw new Error(); });\n`;
const SKIPPED = 'import { test } from "node:test";\ntest("is skipped", { skip: "no tool" }, () => {});\n';

/** Runs the runner over these test files, with checks that pass or fail. @returns its exit code and its last lines */
function runTests(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  { words = [], checksPass = true }: { readonly words?: readonly string[]; readonly checksPass?: boolean } = {},
) {
  const root = mkdtempSync(join(tmpdir(), "vfleet-runner-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of ["test/lab", "scripts"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, "scripts/check.ts"), `process.exitCode = ${checksPass ? 0 : 1};`);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(root, `test/${name}.test.ts`), text);
  }
  // node:test tells by this variable that it runs inside itself, and then runs nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout, status } = spawnSync(process.execPath, [RUNNER, ...words], { cwd: root, env, encoding: "utf8" });
  return { status, lines: stdout.trimEnd().split("\n") };
}

test("the test runner ends with the totals", (t) => {
  const { status, lines } = runTests(t, { passing: PASSING, skipped: SKIPPED });
  assert.deepEqual(lines.slice(-2), ["skipped: is skipped: no tool", "1 passed, 0 failed, 1 skipped"]);
  assert.equal(status, 0);
});

test("the test runner names the slowest files of a run of all", (t) => {
  const slow =
    'import { test } from "node:test";\ntest("waits", () => new Promise((done) => setTimeout(done, 600)));\n';
  const files = { a: PASSING, "lab/slow": slow };
  const named = (lines: readonly string[]) => lines.flatMap((line) => /^ *[\d.]+ s {2}(\S+)$/.exec(line)?.[1] ?? []);
  assert.deepEqual(named(runTests(t, files).lines), ["test/lab/slow.test.ts", "test/a.test.ts"]);
  assert.deepEqual(named(runTests(t, files, { words: ["test/"] }).lines), []);
});

test("two files run at once, those that boot machines first", (t) => {
  const waits =
    'import { test } from "node:test";\ntest("waits", () => new Promise((done) => setTimeout(done, 3000)));\n';
  const { lines } = runTests(t, { a: PASSING, "lab/1": waits, "lab/2": waits, "lab/3": waits }, { words: ["test/"] });
  const order = lines.flatMap((line) => /✔ (waits|passes)/.exec(line)?.[1] ?? []);
  assert.deepEqual(order, ["waits", "waits", "passes", "waits"]);
});

test("the test runner fails with a test", (t) => {
  const { status, lines } = runTests(t, { passing: PASSING, failing: FAILING });
  assert.equal(lines.at(-1), "2 passed, 1 failed, 0 skipped");
  assert.equal(status, 1);
});

test("the test runner fails with a file that does not load", (t) => {
  const { status, lines } = runTests(t, { passing: PASSING, broken: 'import "./none.ts";' });
  assert.equal(lines.at(-1), "1 passed, 1 failed, 0 skipped");
  assert.equal(status, 1);
});

test("the test runner fails with a suite that throws before its tests are there", (t) => {
  const suite = 'import { describe } from "node:test";\ndescribe("breaks", () => { throw new Error(); });\n';
  const { status, lines } = runTests(t, { passing: PASSING, suite });
  assert.equal(lines.at(-1), "1 passed, 1 failed, 0 skipped");
  assert.equal(status, 1);
});

test("the test runner fails with the checks, and runs the tests all the same", (t) => {
  const { status, lines } = runTests(t, { passing: PASSING }, { checksPass: false });
  assert.equal(lines.at(-1), "1 passed, 1 failed, 0 skipped");
  assert.equal(status, 1);
});

test("the test runner takes only the files that its words name, and leaves out the checks", (t) => {
  const files = { passing: PASSING, failing: FAILING };
  const { status, lines } = runTests(t, files, { words: ["test/pass"], checksPass: false });
  assert.equal(lines.at(-1), "1 passed, 0 failed, 0 skipped");
  assert.equal(status, 0);
});

test("the test runner fails where nothing ran", (t) => {
  for (const [files, words] of [
    [{}, []],
    [{ passing: PASSING }, ["nothing-like-it"]],
    [{ skipped: SKIPPED }, []],
    [{ empty: "export {};" }, []],
  ] as const) {
    const { status, lines } = runTests(t, files, { words });
    assert.match(lines.at(-1) ?? "", /^0 passed, /);
    assert.equal(status, 1);
  }
});
