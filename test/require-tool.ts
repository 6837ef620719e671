import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { findImage } from "../src/lab/image.ts";

/** Conditions that are no program, with what is wrong where they do not hold. */
const CONDITIONS: Readonly<Record<string, { readonly holds: () => boolean; readonly reason: string }>> = {
  root: { holds: () => process.getuid?.() === 0, reason: "not run as root" },
  netns: { holds: canMakeNamespaces, reason: "network namespaces cannot be made here: it takes root" },
  lab: { holds: () => findImage() !== undefined, reason: "the lab's image is not built: npm run lab -- build" },
};

/**
 * For node:test's `skip`: false where a program (or a condition, see above) is there, else why the test is skipped.
 * `VFLEET_REQUIRE` names what must be there (`lspci,root`, or `all`): its absence is then a failure, so that CI cannot
 * come to skip unseen what it is to run.
 *
 * @example test("reads what lspci prints", { skip: requireTool("lspci") }, () => { … });
 */
export function requireTool(name: string, env: NodeJS.ProcessEnv = process.env): false | string {
  const condition = CONDITIONS[name];
  if (condition === undefined ? findTool(name, env) !== undefined : condition.holds()) {
    return false;
  }
  const reason = condition?.reason ?? `no ${name}: scripts/setup-ci installs it`;
  const required = (env.VFLEET_REQUIRE ?? "").split(",");
  if (required.includes("all") || required.includes(name)) {
    throw new Error(`${reason} (VFLEET_REQUIRE=${env.VFLEET_REQUIRE} asks for it)`);
  }
  return reason;
}

/** A program's path: from the cache that scripts/setup-ci fills, or from PATH. */
export function findTool(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const cache = join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "vfleet", "bin");
  // Debian keeps lspci and others in sbin, which is not on every user's PATH.
  const folders = [cache, ...(env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin", CNI_PLUGINS];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** Debian's containernetworking-plugins. */
const CNI_PLUGINS = "/usr/lib/cni";

/** As `ip netns add` does it, without leaving anything. */
function canMakeNamespaces(): boolean {
  return spawnSync("unshare", ["--net", "true"], { stdio: "ignore" }).status === 0;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
