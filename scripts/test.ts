/**
 * Runs the checks and all tests; the last line it prints is the totals.
 *
 *     npm test                          checks, then all tests
 *     npm test -- src/pci decode        no checks, and of the tests those in files whose path holds one of the words
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { PassThrough } from "node:stream";
import { run } from "node:test";
import { dot, spec } from "node:test/reporters";
import { buildWeb, isWebStale } from "./build-web.ts";

// One test's: it is there for what hangs, and never a measure of speed; a test that needs longer says so itself (`{ timeout }`).
const TEST_TIMEOUT_MS = 600_000;
const MS_PER_S = 1000;

/** So many files at once. With a third beside them the lab's machines take four times as long on two processors, and the whole longer. */
const AT_ONCE = 2;
/** The longest come first, so that in the end no processor stands idle beside one long file. */
const FIRST = ["test/lab/guests", "test/lab/provision", "test/lab/", "test/"];
/** How many of the slowest files a run of all tests names. */
const SLOWEST = 20;

const words = process.argv.slice(2);
const rank = (path: string) => [...FIRST, ""].findIndex((folder) => path.startsWith(folder));
const files = globSync("{src,test,web}/**/*.test.ts", { exclude: ["**/node_modules/**"] })
  .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  .sort()
  .sort((a, b) => rank(a) - rank(b));

interface Event {
  readonly type: string;
  readonly data: { readonly nesting?: number; readonly file?: string };
}

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

// Of a few files everything is of interest, of all of them what failed.
const events = eventsOf(files);
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

/** Runs the files, each as soon as there is room for it. @returns what happens in them, as it happens */
function eventsOf(paths: readonly string[]): PassThrough {
  const sink = new PassThrough({ objectMode: true });
  const waiting = [...paths];
  let running = 0;
  const startNext = () => {
    for (const path of waiting.splice(0, AT_ONCE - running)) void runOne(path);
    if (running === 0) sink.end();
  };
  const runOne = async (path: string) => {
    running += 1;
    try {
      const events = run({ files: [path], timeout: TEST_TIMEOUT_MS });
      count(events, path);
      for await (const event of events as AsyncIterable<Event>) {
        // The totals of each file would be told between the files.
        const isTotal = event.type === "test:diagnostic" && event.data.nesting === 0 && event.data.file === undefined;
        if (!isTotal) sink.write(event);
      }
    } catch (error) {
      sink.destroy(error as Error);
    }
    running -= 1;
    startNext();
  };
  startNext();
  return sink;
}

/** What happens in a file's tests, for the totals. */
function count(events: ReturnType<typeof run>, path: string): void {
  events.on("test:summary", ({ file, counts, success, duration_ms: durationMs }) => {
    // The file's tests have a summary, and so has the run; a suite that throws while it is put together is in the latter alone.
    if (file !== undefined) {
      durations.push({ path, seconds: durationMs / MS_PER_S });
      return;
    }
    const skipped = counts.skipped + counts.todo;
    totals.passed += counts.passed;
    totals.skipped += skipped;
    const failed = counts.tests - counts.passed - skipped;
    // Such a suite has no tests to count, and so none that failed.
    totals.failed += failed === 0 && !success ? 1 : failed;
  });
  events.on("test:pass", ({ name, skip }) => {
    if (skip !== undefined) notes.push(`skipped: ${name}${typeof skip === "string" ? `: ${skip}` : ""}`);
    // node:test counts a file without tests as a test that passed, by the file's name.
    if (name === path) {
      notes.push(`no test in ${name}`);
      totals.passed -= 1;
      totals.failed += 1;
    }
  });
}
