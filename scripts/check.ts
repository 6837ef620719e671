/** All that can be said of the sources without running them. They run side by side; each one's report is kept together. */
import { spawn } from "node:child_process";

// By file, not by way of `.bin`: the Node that runs this one runs them all.
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  "types (tsc)": ["node_modules/typescript/bin/tsc"],
  "types of the page (tsc)": ["node_modules/typescript/bin/tsc", "--project", "web"],
  "lint and format (biome)": [
    "node_modules/@biomejs/biome/bin/biome",
    "ci",
    "--error-on-warnings",
    "--reporter=concise",
    "--max-diagnostics=none",
    process.stdout.isTTY ? "--colors=force" : "--colors=off",
  ],
  "layers (dependency-cruiser)": ["scripts/check-layers.ts"],
  "unused files, exports and packages (knip)": ["node_modules/knip/bin/knip.js", "--treat-config-hints-as-errors"],
};

/** Runs one check and prints its report. @returns whether it passed */
function run(name: string, args: readonly string[]): Promise<boolean> {
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...(process.stdout.isTTY && { FORCE_COLOR: "1" }) },
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const report = Buffer.concat(chunks).toString().trimEnd();
      console.log(`${code === 0 ? "ok" : "FAILED"}  ${name}, ${seconds} s`);
      if (code !== 0) {
        console.log(report.replace(/^/gm, "    "));
      }
      resolve(code === 0);
    });
  });
}

const passed = await Promise.all(Object.entries(CHECKS).map(([name, args]) => run(name, args)));
if (passed.includes(false)) {
  console.log("Formatting and the simpler findings are mended by: npm run fix");
  process.exitCode = 1;
}
