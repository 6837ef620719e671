import { fileURLToPath } from "node:url";
import { build } from "rolldown";

/**
 * Builds the CNI plugin: one file that loads nothing of the rest, since each container waits for its start. As CommonJS, which Node
 * starts without its loader of modules.
 */
export async function buildCni(file: string): Promise<void> {
  await build({
    input: fileURLToPath(new URL("../src/guests/container/cni/main.ts", import.meta.url)),
    platform: "node",
    output: { file, format: "cjs", minify: true },
    logLevel: "warn",
  });
}
