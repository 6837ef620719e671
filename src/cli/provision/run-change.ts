import type { Doing } from "../../fleet/changes/do-change.ts";
import type { HostAccess, ShownChange } from "../../fleet/host-access.ts";
import type { Plan } from "../../host/plan/plan.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { note, outliveOutput, print, sayWaiting, toJson } from "../output.ts";
import { endedLines } from "../render-ended.ts";
import { operationEnd } from "../render-operation.ts";
import { planSummary, renderPlan } from "../render-plan.ts";
import type { AccessOptions } from "./access-options.ts";
import { confirm } from "./ask.ts";
import { noteInterrupt, onInterrupt } from "./on-interrupt.ts";
import { progressFor } from "./progress.ts";

const REFUSED = 3;
const FAILED = 1;

export interface RunOptions extends AccessOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** Shows the plan of a change, asks, does it, and tells what came of it. @returns the exit code */
export async function runChange({ source }: HostAccess, change: ShownChange, options: RunOptions): Promise<number> {
  const { plan, state, ended, verdict } = change;
  if (!options.dryRun) outliveOutput();
  if (!options.json) {
    for (const line of endedLines(ended, state)) print(`${line}\n`);
    showPlan(plan, state);
  }
  if (verdict === "changes" && !options.dryRun) return perform(source, change, options);
  if (verdict === "settled" && !options.dryRun) {
    await change.perform();
    noteKept(change);
  }
  if (options.json) print(`${toJson({ source, plan, operation: null })}\n`);
  return verdict === "refused" ? REFUSED : 0;
}

async function perform(source: string, change: ShownChange, options: RunOptions): Promise<number> {
  await confirm("Do it?", options);
  sayWaiting("reading it once more, now that nobody else can change it");
  const operation = await interruptible((stops) => change.perform({ ...stops, ...progressFor(options) }));
  const { plan } = change;
  if (options.json) print(`${toJson({ source, plan, operation })}\n`);
  else if (operation) print(`${operationEnd(operation).join("\n")}\n`);
  if (operation?.state !== "settled") return FAILED;
  noteKept(change);
  return 0;
}

/** The first signal stops it at the next step, the second one at once. */
async function interruptible<Result>(work: (stops: Pick<Doing, "signal" | "abandon">) => Promise<Result>) {
  const stop = new AbortController();
  const abandon = new AbortController();
  const interrupted = (isAgain: boolean) => {
    if (isAgain) abandon.abort();
    else {
      noteInterrupt("stopping at the next step, and undoing; once more leaves it to vfleet recover");
      stop.abort();
    }
  };
  return onInterrupt(interrupted, () => work({ signal: stop.signal, abandon: abandon.signal }));
}

function noteKept({ keeps }: ShownChange): void {
  for (const path of keeps) note(`kept for the next boot: ${path}`);
}

export function showPlan(plan: Plan, state: HostState): void {
  const lines = renderPlan(plan, state);
  print(`${[...lines, ...(lines.length > 0 ? [""] : []), planSummary(plan)].join("\n")}\n`);
}
