import { noteDamage } from "../note-damage.ts";
import { outliveOutput, print, toJson } from "../output.ts";
import type { AccessOptions } from "../provision/access-options.ts";
import { openAccess } from "../provision/open-access.ts";
import { progressFor } from "../provision/progress.ts";
import { operationEnd } from "../render-operation.ts";

export interface RecoverOptions extends AccessOptions {
  readonly stuck?: boolean;
}

const FAILED = 1;

/** `vfleet recover`: ends what a crash or a power loss has cut off, by what the hardware shows. */
export async function recover(options: RecoverOptions): Promise<number> {
  const host = await openAccess(options);
  outliveOutput();
  const { operations, damaged } = await host.recover({
    ...(options.stuck ? { stuck: true } : {}),
    ...progressFor(options),
  });
  for (const damage of damaged) noteDamage(damage);
  if (options.json) print(`${toJson({ source: host.source, operations })}\n`);
  else if (operations.length === 0) print("Nothing to recover.\n");
  else print(`${operations.flatMap(operationEnd).join("\n")}\n`);
  const ended = ["settled", "undone", "overtaken"];
  // What a damaged record had to say nobody knows: it may have been unfinished.
  return damaged.length === 0 && operations.every(({ state }) => ended.includes(state)) ? 0 : FAILED;
}
