/**
 * Builds the page into dist/web/.
 *
 *     node scripts/build-web.ts
 */
import { globSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BUILT = "dist/web/index.html";

export async function buildWeb(logLevel: "info" | "warn" = "warn"): Promise<void> {
  // Loaded where it is needed: most starts find the page built.
  const { build } = await import("vite");
  await build({ configFile: `${ROOT}web/vite.config.ts`, logLevel });
}

/** Whether something that the page is made of is newer than what was built, or nothing was. */
export function isWebStale(): boolean {
  const builtAtMs = statSync(`${ROOT}${BUILT}`, { throwIfNoEntry: false })?.mtimeMs;
  if (builtAtMs === undefined) return true;
  const sources = ["package-lock.json", ...globSync("{web,src}/**/*.{ts,tsx,css,html,svg}", { cwd: ROOT })];
  return sources.some((path) => statSync(`${ROOT}${path}`).mtimeMs > builtAtMs);
}

if (import.meta.main) await buildWeb("info");
