import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "rolldown";
import { buildCni } from "../../scripts/build-cni.ts";
import { ROOT } from "../dumps.ts";

/**
 * Lays the program out in `folder` as it is published, with what it depends on: in an emulated machine, to strip and load two
 * hundred modules takes longer than what most commands do.
 */
export async function layOutProgram(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of ["bin", "data", "package.json", "examples"]) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  if (existsSync(join(ROOT, "dist/web"))) cpSync(join(ROOT, "dist/web"), join(folder, "dist/web"), { recursive: true });
  await build({
    input: { main: join(ROOT, "src/cli/main.ts") },
    platform: "node",
    output: { dir: join(folder, "dist/cli"), format: "esm", chunkFileNames: "[name].js" },
    logLevel: "warn",
  });
  await buildCni(join(folder, "dist/cni/main.cjs"));
}
