import { spawnSync } from "node:child_process";
import { median } from "./figure.ts";

const ROUNDS = 15;

export interface Command {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * How long each command takes as a process, in milliseconds: the medians of several rounds in which each ran once, so
 * that whatever the machine does besides meets all of them. Output goes to /dev/null. A first round, which fills caches,
 * does not count.
 */
export function medianMs(commands: readonly Command[]): ReadonlyMap<string, number> {
  const times = new Map<string, number[]>(commands.map(({ name }) => [name, []]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const command of commands) {
      const tookMs = run(command);
      if (round >= 0) times.get(command.name)?.push(tookMs);
    }
  }
  return new Map([...times].map(([name, list]) => [name, median(list)]));
}

function run({ name, program, args }: Command): number {
  const started = performance.now();
  const { status, stderr, error } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  const tookMs = performance.now() - started;
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`, { cause: error });
  return tookMs;
}
