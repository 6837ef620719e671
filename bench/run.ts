/**
 * Measures vfleet; prints one figure a line, as JSON.
 *
 *     npm run bench
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { figure } from "./figure.ts";
import { benchFunctions, dumpText } from "./functions.ts";
import { functionsPerSecond, parsedMegabytesPerSecond } from "./in-process.ts";
import { type Command, medianMs } from "./processes.ts";

const FUNCTIONS = 1000;
const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("../bin/vfleet.js", import.meta.url));

const functions = benchFunctions(FUNCTIONS);
const text = dumpText(functions);

figure("functions decoded", functionsPerSecond(functions), "functions/s", { wanted: ">= 20000" });
figure("dump parsed", parsedMegabytesPerSecond(new TextEncoder().encode(text)), "MB/s");

const folder = mkdtempSync(join(tmpdir(), "vfleet-bench-"));
try {
  const path = join(folder, "dump.txt");
  writeFileSync(path, text);
  compareProcesses(path);
} finally {
  rmSync(folder, { recursive: true });
}

/** `vfleet decode` beside `lspci -vvv -F`, on one dump. */
function compareProcesses(path: string): void {
  const dump = { functions: FUNCTIONS, bytes: text.length };
  const node = (name: string, file: string, ...more: string[]): Command => ({
    name,
    program: process.execPath,
    args: [file, "decode", path, ...more],
  });
  const ours = existsSync(LAUNCHER)
    ? [node("vfleet decode", LAUNCHER), node("vfleet decode --json", LAUNCHER, "--json")]
    : [];
  ours.push(node("main.ts decode", MAIN), node("main.ts decode --json", MAIN, "--json"));
  const lspci = "lspci -vvv";
  const hasLspci = existsSync("/usr/bin/lspci");
  const theirs = hasLspci ? [{ name: lspci, program: "lspci", args: ["-vvv", "-F", path] }] : [];
  const times = medianMs([...ours, ...theirs]);
  for (const [name, ms] of times) figure(`${name}, process`, ms, "ms", dump);
  const lspciMs = times.get(lspci);
  if (lspciMs === undefined) return;
  for (const { name } of ours) {
    const wanted = name.endsWith("--json") ? {} : { wanted: "<= 1.0" };
    figure(`${name} / ${lspci}`, (times.get(name) ?? Number.NaN) / lspciMs, "ratio", wanted);
  }
}
