import { type HostOptions, type HostSetting, operationSetting } from "../../fleet/host-setting.ts";
import { applyPlan } from "../../host/apply/apply-plan.ts";
import type { Operation } from "../../host/apply/operation.ts";
import { askGuests } from "../../host/plan/ask-guests.ts";
import { isRefused, isSettled, type Plan } from "../../host/plan/plan.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { print, sayWaiting, toJson } from "../output.ts";
import { operationEnd } from "../render-operation.ts";
import { planSummary, renderPlan } from "../render-plan.ts";
import { confirm } from "./ask.ts";
import { noteInterrupt, onInterrupt } from "./on-interrupt.ts";
import { progressFor } from "./progress.ts";

const REFUSED = 3;
const FAILED = 1;

export interface RunOptions extends HostOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** How a plan came about, for its record. */
interface Origin {
  /** The command. */
  readonly kind: string;
  readonly title: string;
  /** As of `ApplyRequest`. */
  readonly replan?: (state: HostState) => Plan;
}

export interface RunResult {
  readonly exitCode: number;
  /** Undefined where nothing was begun. */
  readonly operation: Operation | undefined;
}

/** Shows a plan, asks, does it, and tells what came of it. */
export async function runPlan(
  host: HostSetting,
  state: HostState,
  planned: Plan,
  origin: Origin,
  options: RunOptions,
): Promise<RunResult> {
  const plan = await askGuests(planned, state, host.guests);
  const ended = (exitCode: number): RunResult => {
    if (options.json) print(`${toJson({ source: host.kernel.source.name, plan, operation: null })}\n`);
    return { exitCode, operation: undefined };
  };
  if (!options.json) showPlan(plan, state);
  if (isRefused(plan)) return ended(REFUSED);
  if (isSettled(plan) || options.dryRun) return ended(0);
  await confirm("Do it?", options);
  sayWaiting("reading it once more, now that nobody else can change it");
  const stop = new AbortController();
  const abandon = new AbortController();
  const interrupted = () => {
    if (stop.signal.aborted) abandon.abort();
    else {
      noteInterrupt("stopping at the next step, and undoing; once more leaves it to vfleet recover");
      stop.abort();
    }
  };
  const operation = await onInterrupt(interrupted, () =>
    applyPlan({
      ...operationSetting(host),
      plan,
      ...origin,
      signal: stop.signal,
      abandon: abandon.signal,
      ...progressFor(options),
    }),
  );
  if (options.json) print(`${toJson({ source: host.kernel.source.name, plan, operation })}\n`);
  else print(`${operationEnd(operation).join("\n")}\n`);
  return { exitCode: operation.state === "settled" ? 0 : FAILED, operation };
}

export function showPlan(plan: Plan, state: HostState): void {
  const lines = renderPlan(plan, state);
  print(`${[...lines, ...(lines.length > 0 ? [""] : []), planSummary(plan)].join("\n")}\n`);
}
