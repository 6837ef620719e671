import { type HostOptions, openHost } from "../../fleet/host-setting.ts";
import { recoverHost } from "../../fleet/recover-host.ts";
import { noteDamage } from "../note-damage.ts";
import { print, toJson } from "../output.ts";
import { progressFor } from "../provision/progress.ts";
import { operationEnd } from "../render-operation.ts";

export interface RecoverOptions extends HostOptions {
  readonly stuck?: boolean;
}

const FAILED = 1;

/** `vfleet recover`: ends what a crash or a power loss has cut off, by what the hardware shows. */
export async function recover(options: RecoverOptions): Promise<number> {
  const host = await openHost(options);
  let damaged = 0;
  const found = await recoverHost(host, {
    onDamage: (damage) => {
      noteDamage(damage);
      damaged++;
    },
    ...(options.stuck ? { stuck: true } : {}),
    ...progressFor(options),
  });
  if (options.json) print(`${toJson({ source: host.kernel.source.name, operations: found })}\n`);
  else if (found.length === 0) print("Nothing to recover.\n");
  else print(`${found.flatMap(operationEnd).join("\n")}\n`);
  const ended = ["settled", "undone", "overtaken"];
  // What a damaged record had to say nobody knows: it may have been unfinished.
  return damaged === 0 && found.every(({ state }) => ended.includes(state)) ? 0 : FAILED;
}
