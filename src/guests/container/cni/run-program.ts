import type { SpawnSyncOptionsWithStringEncoding, SpawnSyncReturns } from "node:child_process";

/**
 * Runs a program to its end. The module for it comes with the first one: it takes longer to load than all of the plugin, and
 * VERSION runs none.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  options: Omit<SpawnSyncOptionsWithStringEncoding, "encoding">,
): SpawnSyncReturns<string> {
  return process.getBuiltinModule("node:child_process").spawnSync(program, args, { ...options, encoding: "utf8" });
}
