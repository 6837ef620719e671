import { VfleetError } from "../../errors/vfleet-error.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import type { PfAddress } from "../pf-address.ts";
import { isRefused } from "../plan/plan.ts";
import type { Journal } from "./journal.ts";
import type { Operation, OperationFailure } from "./operation.ts";
import { besideVfs, type OthersVfs, othersVfs } from "./others-vfs.ts";
import { leftOf, type Planning, refusalsOf, stepsOf } from "./planning.ts";
import type { PfPlaces } from "./recorded-pfs.ts";
import { type RunSetting, runSteps } from "./run-steps.ts";
import { failure, operationFailure, type StepFailure } from "./step-outcome.ts";

const RECOVER = "then: vfleet recover --stuck";

export interface WayBack {
  /** Why it goes back. */
  readonly cause: OperationFailure;
  /** Of the PFs that are there, at the addresses that they have now. */
  readonly before: readonly DesiredPf[];
  /** PFs that are gone, of which nothing can be taken back. */
  readonly missing?: readonly PfAddress[];
  /** Where the PFs of the records are now; there where they were, where left out. */
  readonly places?: PfPlaces;
  /** Of PFs that are overtaken, beside those that go back: it ends so. */
  readonly overtaken?: OperationFailure;
}

/**
 * Takes an operation back: a plan toward what was there before, made of what the hardware shows now, with the same checks
 * as any other plan. It ends undone, or overtaken, or stuck.
 */
export async function goBack(way: WayBack, planning: Planning, setting: RunSetting): Promise<Operation> {
  const { journal } = setting;
  const { cause } = way;
  let why: OperationFailure | undefined;
  const gone = new Set(way.missing);
  try {
    why = await tryToGoBack(way, planning, setting, gone);
    if (setting.abandon?.aborted) return journal.operation;
  } catch (error) {
    why = failureOf(error);
  }
  if (why === undefined && gone.size > 0) {
    const { code, message, remedy } = failure("VFL-0311", `${[...gone].join(", ")}: not among the host's PFs any more`);
    why = { ...cause, code, message, remedy };
  }
  if (why === undefined) {
    const state = way.overtaken ? "overtaken" : "undone";
    await journal.tryWrite({ event: "ended", state, failure: noteBroken(way.overtaken ?? cause, setting) });
  } else {
    await endStuck(why, cause, setting);
  }
  return journal.operation;
}

/** @param why what stands in the way of going back for `cause` */
export async function endStuck(
  why: OperationFailure,
  cause: OperationFailure,
  setting: Pick<RunSetting, "journal">,
): Promise<void> {
  const code = why.code === "VFL-0304" || why.code === "VFL-0311" ? why.code : "VFL-0305";
  const after = why === cause ? "" : ` (after: ${cause.message})`;
  const remedy = why.remedy.includes(RECOVER) ? why.remedy : `${why.remedy}; ${RECOVER}`;
  const stuck = { ...why, code, message: `${why.message}${after}`, remedy };
  await setting.journal.tryWrite({ event: "ended", state: "stuck", failure: noteBroken(stuck, setting) });
}

/** @returns what stood in the way */
async function tryToGoBack(
  { cause, before, places }: WayBack,
  planning: Planning,
  setting: RunSetting,
  gone: Set<PfAddress>,
): Promise<OperationFailure | undefined> {
  const { journal } = setting;
  // What the kernel still works at holds the PF: whatever is read or written there would wait with it.
  const pending = cause.code === "VFL-0304" ? cause : pendingIn(journal);
  if (pending) return pending;
  const state = await planning.observe();
  // Those that are there go back all the same.
  const isHere = ({ pf }: DesiredPf) => state.pfs.some(({ bdf }) => bdf === pf);
  for (const each of before) if (!isHere(each)) gone.add(each.pf);
  const others = othersVfs(journal.operation, state, places);
  const here = before.filter(isHere).map((each) => (others.has(each.pf) ? besideVfs(each) : each));
  const plan = await planning.plan(state, here);
  const [refusal] = refusalsOf(plan);
  if (isRefused(plan) && refusal) {
    return { ...cause, code: refusal.code, message: `not taken back: ${refusal.summary}`, remedy: refusal.remedy };
  }
  const steps = stepsOf(plan);
  await journal.tryWrite({ event: "undoBegun", why: cause.message, steps });
  const end = await runSteps(steps, state, setting, { keep: false });
  if (end.kind === "failed") return end.failure;
  if (end.kind !== "done") return undefined;
  if (steps.length > 0) {
    const left = leftOf(await planning.plan(await planning.observe(), here));
    if (left !== undefined) return { ...cause, ...failure("VFL-0310", `it is not as before: ${left}`), log: [] };
  }
  const lost = [...others].find(([, { hadChanged }]) => hadChanged);
  return lost && { ...cause, ...othersFailure(lost), log: [] };
}

/** Somebody else's VFs are where the operation's own would have to be made anew. */
function othersFailure([pf, { numVfs }]: readonly [PfAddress, OthersVfs]): StepFailure {
  const message = `${pf}: somebody else has set ${numVfs} VFs meanwhile, which are left as they are`;
  return failure("VFL-0308", message, { remedy: `release them (vfleet release ${pf}), or apply what is wanted` });
}

/** What the kernel was left at work at since this process has the operation, whichever step's failure it goes back for. */
function pendingIn({ operation: { events } }: Journal): OperationFailure | undefined {
  const own = events.slice(events.findLastIndex(({ event }) => event === "resumed") + 1);
  for (const event of own) if (event.event === "stepFailed" && event.failure.code === "VFL-0304") return event.failure;
  return undefined;
}

/** Says that the end of an operation is not on the disk. */
function noteBroken(told: OperationFailure, { journal }: Pick<RunSetting, "journal">): OperationFailure {
  if (journal.broken === undefined || told.code === journal.broken.code) return told;
  return { ...told, message: `${told.message}; and the record is not complete: ${journal.broken.message}` };
}

/** A failure as it goes into the records. One that nobody has foreseen, too: what was half done would be left as it is, with no lock. */
export function failureOf(error: unknown): OperationFailure {
  if (!(error instanceof VfleetError)) return operationFailure("VFL-0314", String(error));
  const { code, message, remedy, details } = error;
  const { errno = null, path = null } = details;
  return {
    code,
    message,
    remedy,
    errno: typeof errno === "string" ? errno : null,
    target: typeof path === "string" ? path : null,
    value: null,
    log: [],
  };
}
