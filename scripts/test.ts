/**
 * Runs the checks and all tests; the last line it prints is the totals.
 *
 *     npm test                          checks, then all tests
 *     npm test -- src/pci decode        no checks, and of the tests those in files whose path holds one of the words
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { relative } from "node:path";
import { run } from "node:test";
import { dot, spec } from "node:test/reporters";
import { buildWeb, isWebStale } from "./build-web.ts";

// One test's; a test that needs longer says so itself (`{ timeout }`).
const TEST_TIMEOUT_MS = 120_000;

/** The longest come first, so that in the end no processor stands idle beside one long file: suites that boot machines, then others. */
const FIRST = ["test/lab/", "test/"];
/** How many of the slowest files a run of all tests names. */
const SLOWEST = 20;

const words = process.argv.slice(2);
const rank = (path: string) => [...FIRST, ""].findIndex((folder) => path.startsWith(folder));
const files = globSync("{src,test,web}/**/*.test.ts", { exclude: ["**/node_modules/**"] })
  .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  .sort()
  .sort((a, b) => rank(a) - rank(b));

const totals = { passed: 0, failed: 0, skipped: 0 };
const notes: string[] = [];
const durations: { readonly path: string; readonly seconds: number }[] = [];

if (words.length === 0) {
  const { status } = spawnSync(process.execPath, ["scripts/check.ts"], { stdio: "inherit" });
  // Broken sources count as a failed test. The tests run all the same: they may tell why.
  totals.failed += status === 0 ? 0 : 1;
}

// Once, before several tests want it; those beside the sources do not.
if (files.some((path) => path.startsWith("test/")) && isWebStale()) await buildWeb();

const events = run({ files, concurrency: 2, timeout: TEST_TIMEOUT_MS });
events.on("test:summary", ({ file, counts, success, duration_ms: durationMs }) => {
  if (file !== undefined) durations.push({ path: relative(process.cwd(), file), seconds: durationMs / 1000 });
  // Each file has a summary of its own, too; the one that names no file is the whole run's.
  if (file === undefined) {
    const skipped = counts.skipped + counts.todo;
    totals.passed += counts.passed;
    totals.skipped += skipped;
    const failed = counts.tests - counts.passed - skipped;
    // A suite that throws while it is put together has no tests to count, and so none that failed.
    totals.failed += failed === 0 && !success ? 1 : failed;
  }
});
events.on("test:pass", ({ name, skip }) => {
  if (skip !== undefined) {
    notes.push(`skipped: ${name}${typeof skip === "string" ? `: ${skip}` : ""}`);
  }
  // node:test counts a file without tests as a test that passed, by the file's name.
  if (files.includes(name)) {
    notes.push(`no test in ${name}`);
    totals.passed -= 1;
    totals.failed += 1;
  }
});

// Of a few files everything is of interest, of all of them what failed.
for await (const text of words.length === 0 ? events.compose(dot) : events.compose(new spec())) {
  process.stdout.write(text);
}

if (files.length === 0) {
  notes.push("no test files");
}
if (words.length === 0) {
  const slowest = durations.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  for (const { path, seconds } of slowest) console.log(`${seconds.toFixed(1).padStart(6)} s  ${path}`);
}
for (const note of notes) {
  console.log(note);
}
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;
