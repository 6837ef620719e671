/**
 * Builds what is published, into dist/: our own modules in a few files, since a start that loads 200 takes twice as long,
 * with the declarations beside them. The packages that we depend on stay what they are.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "rolldown";
import manifest from "../package.json" with { type: "json" };
import { buildCni } from "./build-cni.ts";
import { buildWeb, isWebStale } from "./build-web.ts";

// The page is built where it is not there as it is now, and not taken away from a server that shows it.
for (const name of existsSync("dist") ? readdirSync("dist") : []) {
  if (name !== "web") rmSync(join("dist", name), { recursive: true });
}
const dependencies = Object.keys(manifest.dependencies);
await build({
  input: {
    main: "src/cli/main.ts",
    // What runs inside lab machines.
    "inner-guest": "src/lab/inner-guest.ts",
    "save-inner-guest": "src/lab/save-inner-guest.ts",
    // The process of a modelled machine.
    "serve-model": "src/kernel/model/remote/serve-model.ts",
  },
  platform: "node",
  external: (id) => dependencies.some((name) => id === name || id.startsWith(`${name}/`)),
  // All beside main.js: names.ts finds the package's files from where it is.
  output: { dir: "dist/cli", format: "esm", chunkFileNames: "[name].js" },
});
await buildCni("dist/cni/main.cjs");
if (isWebStale()) await buildWeb();
const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
