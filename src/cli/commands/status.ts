import { readPolicyFiles } from "../../state/read-policy-file.ts";
import { noteDamage } from "../note-damage.ts";
import { print, toJson } from "../output.ts";
import type { AccessOptions } from "../provision/access-options.ts";
import { openAccess } from "../provision/open-access.ts";
import { endedLines } from "../render-ended.ts";
import { renderStatus } from "../render-status.ts";

export interface StatusOptions extends AccessOptions {
  readonly file?: readonly string[];
}

/** `vfleet status`: what is there, what is wanted, who has it; unfinished operations first. */
export async function status(options: StatusOptions): Promise<number> {
  const host = await openAccess(options);
  const { damaged, ...found } = await host.status(await readPolicyFiles(options.file));
  for (const damage of damaged) noteDamage(damage);
  if (options.json) {
    print(`${toJson({ source: host.source, ...found })}\n`);
  } else {
    const { state, plan, unfinished, ended } = found;
    print(
      `${[...endedLines(ended, state), ...renderStatus({ state, plan: plan ?? undefined, unfinished })].join("\n")}\n`,
    );
  }
  return 0;
}
