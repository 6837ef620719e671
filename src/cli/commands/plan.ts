import { readPolicyFiles } from "../../state/read-policy-file.ts";
import { print, toJson } from "../output.ts";
import { type AccessOptions, accessWords } from "../provision/access-options.ts";
import { openAccess } from "../provision/open-access.ts";
import { showPlan } from "../provision/run-change.ts";
import { endedLines } from "../render-ended.ts";
import { paint } from "../terminal.ts";

export interface PlanOptions extends AccessOptions {
  readonly file?: readonly string[];
  readonly check?: boolean;
}

const REFUSED = 3;
/** With --check: the host is not what is desired. */
const DIFFERS = 4;

/** `vfleet plan`: what would be done to make the host what is wanted. Writes nothing. */
export async function plan(options: PlanOptions): Promise<number> {
  const host = await openAccess(options);
  const files = await readPolicyFiles(options.file);
  const change = await host.plan({ kind: "apply", ...(files && { files: [...files] }) });
  const { plan: planned, state, ended, verdict } = change;
  if (options.json) {
    print(`${toJson({ source: host.source, verdict, ended, plan: planned })}\n`);
  } else {
    for (const line of endedLines(ended, state)) print(`${line}\n`);
    showPlan(planned, state);
    if (verdict === "changes" && !options.check) {
      const paths = (options.file ?? []).map((path) => ` -f ${path}`).join("");
      print(paint("faint", `to do it: vfleet apply${paths}${accessWords(options)}\n`));
    }
  }
  if (verdict === "refused") return REFUSED;
  return options.check && verdict === "changes" ? DIFFERS : 0;
}
