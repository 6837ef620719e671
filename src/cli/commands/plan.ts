import { type HostOptions, openHost } from "../../fleet/host-setting.ts";
import { planWishes } from "../../fleet/wishes.ts";
import { askGuests } from "../../host/plan/ask-guests.ts";
import { isRefused, isSettled, verdictOf } from "../../host/plan/plan.ts";
import { print, toJson } from "../output.ts";
import { showPlan } from "../provision/run-plan.ts";
import { endedLines } from "../render-ended.ts";
import { paint } from "../terminal.ts";

export interface PlanOptions extends HostOptions {
  readonly file?: readonly string[];
  readonly check?: boolean;
}

const REFUSED = 3;
/** With --check: the host is not what is desired. */
const DIFFERS = 4;

/** `vfleet plan`: what would be done to make the host what is wanted. Writes nothing. */
export async function plan(options: PlanOptions): Promise<number> {
  const host = await openHost(options);
  const wishes = await planWishes(host, options.file);
  const {
    state,
    resolved: { ended },
  } = wishes;
  const planned = await askGuests(wishes.plan, state, host.guests);
  const settled = isSettled(planned);
  if (options.json) {
    print(`${toJson({ source: host.kernel.source.name, verdict: verdictOf(planned), ended, plan: planned })}\n`);
  } else {
    for (const line of endedLines(ended, state)) print(`${line}\n`);
    showPlan(planned, state);
    if (!isRefused(planned) && !settled && !options.check) {
      const files = (options.file ?? []).map((path) => ` -f ${path}`).join("");
      print(
        paint(
          "faint",
          `to do it: vfleet apply${files}${options.source === "linux" ? "" : ` --source ${options.source}`}\n`,
        ),
      );
    }
  }
  if (isRefused(planned)) return REFUSED;
  return options.check && !settled ? DIFFERS : 0;
}
