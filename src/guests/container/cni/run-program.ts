import type { SpawnSyncOptionsWithStringEncoding, SpawnSyncReturns } from "node:child_process";

/** A file of this process that programs have open, too, as the descriptor {@link INHERITED}; see vf-lock.ts. */
let shared: number | undefined;
export const INHERITED = 3;

/** @param fd undefined where there is none any more */
export function shareWithPrograms(fd: number | undefined): void {
  shared = fd;
}

/**
 * Runs a program to its end. The module for it comes with the first one: it takes longer to load than all of the plugin, and
 * VERSION runs none.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  options: Omit<SpawnSyncOptionsWithStringEncoding, "encoding" | "stdio">,
): SpawnSyncReturns<string> {
  return process.getBuiltinModule("node:child_process").spawnSync(program, args, {
    ...options,
    encoding: "utf8",
    ...(shared === undefined ? {} : { stdio: ["pipe", "pipe", "pipe", shared] }),
  });
}
