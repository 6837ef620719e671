import { answerOf } from "./run-script.ts";
import type { Step } from "./script.ts";

type More = Pick<Step, "source" | "log" | "events">;

const DEADLINE = { deadlineMs: 60_000 };

export function load(module: string, expect: string, more: More): Step {
  return {
    call: `load ${module}`,
    expect,
    run: async (kernel) => answerOf(await kernel.loadModule(module, DEADLINE)),
    ...more,
  };
}

export function unload(module: string, expect: string, more: More): Step {
  return {
    call: `unload ${module}`,
    expect,
    run: async (kernel) => answerOf(await kernel.unloadModule(module, DEADLINE)),
    ...more,
  };
}
