/**
 * Measures vfleet; prints one figure a line, as JSON.
 *
 *     npm run bench
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cniFigures } from "./cni.ts";
import { figure } from "./figure.ts";
import { benchFunctions, dumpText } from "./functions.ts";
import { measureHardware } from "./hardware.ts";
import { functionsPerSecond, parsedMegabytesPerSecond } from "./in-process.ts";
import { translationsPerSecond } from "./iommu.ts";
import { labFigures } from "./lab.ts";
import { moveFigures } from "./move.ts";
import { cardFramesPerSecond, guestFramesPerSecond } from "./nic.ts";
import { nvmeReadsPerSecond } from "./nvme.ts";
import { pageFigures } from "./page.ts";
import { planFigures } from "./plan.ts";
import { type Command, medianMs } from "./processes.ts";
import { serverFigures } from "./server.ts";

const FUNCTIONS = 1000;
const CHECKOUT = fileURLToPath(new URL("..", import.meta.url));

const functions = benchFunctions(FUNCTIONS);
figure("functions decoded", functionsPerSecond(functions), "functions/s", { wanted: ">= 20000" });

const text = dumpText(functions);
figure("dump parsed", parsedMegabytesPerSecond(new TextEncoder().encode(text)), "MB/s");

const { hits, walks, walksEach } = translationsPerSecond();
figure("DMA translations, IOTLB hits", hits, "translations/s", { wanted: ">= 20000000" });
figure("DMA translations, 4-level walks", walks, "walks/s", { wanted: ">= 2000000", walksEach });
measureHardware();
planFigures();
figure("frames through the card alone, 64 bytes", cardFramesPerSecond(64), "frames/s");
figure("frames through the card alone, 1518 bytes", cardFramesPerSecond(1518), "frames/s");
const guestFrames = guestFramesPerSecond(64);
figure("frames from guest to guest, 64 bytes", guestFrames, "frames/s", { wanted: ">= 1500000" });
figure("frames from guest to guest, 1518 bytes", guestFramesPerSecond(1518), "frames/s");
await moveFigures();
figure("NVMe reads of 4 KiB", nvmeReadsPerSecond(), "reads/s");

const folder = mkdtempSync(join(tmpdir(), "vfleet-bench-"));
try {
  const path = join(folder, "dump.txt");
  writeFileSync(path, text);
  const built = buildPackage();
  compareProcesses(path, built);
  cniFigures(join(built, "dist/cni/main.cjs"));
  await serverFigures(join(built, "bin/vfleet.js"));
  await pageFigures(join(built, "dist/web"));
} finally {
  rmSync(folder, { recursive: true });
}

await labFigures(guestFrames);

/** The package as users install it. @returns its folder */
function buildPackage(): string {
  execFileSync(process.execPath, ["scripts/build.ts"], { cwd: CHECKOUT, stdio: "ignore" });
  const target = join(folder, "package");
  for (const part of ["bin", "data", "dist", "package.json"]) {
    cpSync(join(CHECKOUT, part), join(target, part), { recursive: true });
  }
  symlinkSync(join(CHECKOUT, "node_modules"), join(target, "node_modules"));
  return target;
}

/** `vfleet decode` beside `lspci -vvv -F`, on one dump. */
function compareProcesses(path: string, folder: string): void {
  const dump = { functions: FUNCTIONS, bytes: text.length };
  const node = (name: string, file: string, ...more: string[]): Command => ({
    name,
    program: process.execPath,
    args: [file, "decode", path, ...more],
  });
  const built = join(folder, "bin/vfleet.js");
  const sources = join(CHECKOUT, "bin/vfleet.js");
  const ours = [
    node("vfleet decode", built),
    node("vfleet decode --json", built, "--json"),
    node("vfleet decode from sources", sources),
  ];
  const lspci = "lspci -vvv";
  const hasLspci = existsSync("/usr/bin/lspci");
  const theirs = hasLspci ? [{ name: lspci, program: "lspci", args: ["-vvv", "-F", path] }] : [];
  const times = medianMs([...ours, ...theirs]);
  for (const [name, ms] of times) figure(`${name}, process`, ms, "ms", dump);
  const lspciMs = times.get(lspci);
  if (lspciMs === undefined) return;
  for (const { name } of ours) {
    const wanted = name === "vfleet decode" ? { wanted: "<= 1.0" } : {};
    figure(`${name} / ${lspci}`, (times.get(name) ?? Number.NaN) / lspciMs, "ratio", wanted);
  }
}
