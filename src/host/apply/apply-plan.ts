import { catalogueEntry } from "../../errors/catalogue.ts";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { known } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";
import type { DesiredPf, DesiredVf } from "../desired/desired-pf.ts";
import type { GuestAddress, Guests } from "../guest-port.ts";
import type { PfAddress } from "../pf-address.ts";
import { isSettled, type PfPlan, type Plan } from "../plan/plan.ts";
import type { Step } from "../plan/step.ts";
import type { HostState } from "../state/host-state.ts";
import type { Clock } from "./clock.ts";
import { failureOf, goBack } from "./go-back.ts";
import { type ApplyProgress, Journal } from "./journal.ts";
import {
  DESIRED,
  type Kept,
  type Operation,
  type OperationFailure,
  type OperationStore,
  type PfLocks,
} from "./operation.ts";
import { PATIENCE, type Patience } from "./patience.ts";
import { leftOf, type Planning, refusalsOf, stepsOf } from "./planning.ts";
import { recordedPf } from "./recorded-pfs.ts";
import { type RunSetting, runSteps } from "./run-steps.ts";
import { operationFailure } from "./step-outcome.ts";

/** What every operation works with. */
export interface OperationSetting {
  readonly kernel: ChangeableKernel;
  /** Left out where the host's guests cannot be spoken to: no VF is given to one then, nor taken. */
  readonly guests?: Guests;
  readonly store: OperationStore;
  readonly locks: PfLocks;
  readonly clock: Clock;
  readonly planning: Planning;
  /** Of this process, for the record. */
  readonly pid: number;
  readonly patience?: Patience;
  readonly onEvent?: (progress: ApplyProgress) => void;
  /** Ends all waiting, and leaves the operation to `recoverOperations`. */
  readonly abandon?: AbortSignal;
}

export interface ApplyRequest extends OperationSetting {
  readonly plan: Plan;
  /** The command, and its subject for a person. */
  readonly kind: string;
  readonly title: string;
  /** Makes the plan anew where it does not follow from what is desired alone, as that of a reset. */
  readonly replan?: (state: HostState) => Plan | Promise<Plan>;
  readonly keeping?: Keeping;
  /** Ends the operation at the next boundary of a step, and takes it back. */
  readonly signal?: AbortSignal;
}

/** What is written down of a change beside its operation: what is desired, and who has which VFs. */
export interface Keeping {
  /** Asked under the lock. @throws VfleetError VFL-0308 where it is not as it was when the plan was made */
  check(): Promise<void>;
  /** Before it is told that all is done: where it fails, all is taken back. Left out where nothing is to be written. */
  keep?(): Promise<void>;
  /** What `keep` writes, for the record: a crash may come before it. */
  readonly keeps?: Kept;
}

/**
 * Does a plan as one operation: all of it, verified, or it is taken back. What came of it is in the operation's state;
 * everything before its first step is thrown.
 * @throws VfleetError the first refusal of a plan that has some; VFL-0306, VFL-0307, VFL-0308
 */
export async function applyPlan(request: ApplyRequest): Promise<Operation> {
  const { plan, store, locks, clock, planning, pid, kind, title, keeping, onEvent } = request;
  const [refusal] = refusalsOf(plan);
  if (refusal) throw refused(refusal.code, refusal.summary, refusal.remedy);
  const involved = plan.pfs.filter(({ steps }) => steps.length > 0);
  const kept = keeping?.keep ? ([DESIRED] as const) : [];
  const { release } = await locks.acquire([...involved.map(({ pf }) => pf), ...kept]);
  try {
    await keeping?.check();
    const state = await planning.observe();
    const { replan = (now: HostState) => planning.plan(now, plan.desired) } = request;
    checkUnmoved(plan, await replan(state));
    const desired = plan.desired.filter(({ pf }) => involved.some((each) => each.pf === pf));
    const pfs = involved.map(({ pf }) => pfIn(state, pf));
    const steps = stepsOf(plan);
    const before = pfs.map((pf) => {
      const there = planning.desiredOf(pf, touchedVfs(involved, pf.bdf));
      return withHolders(withClaims(there, desired), steps, "before");
    });
    const writer = await store.create({
      kind,
      title,
      startedAt: clock.now().toISOString(),
      pid,
      bootId: known(state.bootId) ?? null,
      pfs: pfs.map(recordedPf),
      desired: desired.map((each) => withHolders(withAutoprobe(each, before), steps, "after")),
      before,
      steps,
      ...(keeping?.keeps && { keeps: keeping.keeps }),
    });
    const journal = new Journal(writer, clock, onEvent);
    try {
      return await perform(request, state, journal);
    } finally {
      await journal.close();
    }
  } finally {
    release();
  }
}

async function perform(request: ApplyRequest, state: HostState, journal: Journal): Promise<Operation> {
  const { planning, signal } = request;
  const { desired, before, steps } = journal.header;
  const setting = runSetting(request, journal);
  let cause: OperationFailure;
  try {
    const end = await runSteps(steps, state, setting, { keep: true, ...(signal ? { stop: signal } : {}) });
    if (end.kind === "abandoned") return journal.operation;
    if (end.kind === "done") {
      const left = leftOf(await planning.plan(await planning.observe(), desired));
      if (left === undefined) {
        await request.keeping?.keep?.();
        await journal.write({ event: "ended", state: "settled" });
        return journal.operation;
      }
      cause = operationFailure("VFL-0310", `the host is not as wished afterwards: ${left}`);
    } else if (end.kind === "failed") cause = end.failure;
    else cause = operationFailure("VFL-0312", "the operation was interrupted");
  } catch (error) {
    cause = failureOf(error);
    // All is done, and only that could not be written down: whoever recovers sees the same.
    if (journal.operation.state === "settled") throw error;
  }
  return goBack({ cause, before }, planning, setting);
}

export function runSetting(
  { kernel, guests, clock, patience = PATIENCE, abandon }: OperationSetting,
  journal: Journal,
): RunSetting {
  return {
    kernel,
    ...(guests ? { guests } : {}),
    clock,
    patience,
    journal,
    fresh: new Set(),
    ...(abandon ? { abandon } : {}),
  };
}

/** Between plan and lock another may have changed the host: then the plan would be another one. */
function checkUnmoved(plan: Plan, now: Plan): void {
  const [refusal] = refusalsOf(now);
  if (refusal) throw moved(`${refusal.summary} (${refusal.code})`);
  if (JSON.stringify(stepsOf(now)) === JSON.stringify(stepsOf(plan))) return;
  throw moved(isSettled(now) ? "nothing is left to do" : "other steps would be needed now");
}

/** Who asks for what is done asks for the way back as well. */
function withClaims(before: DesiredPf, desired: readonly DesiredPf[]): DesiredPf {
  const wanted = desired.find(({ pf }) => pf === before.pf)?.vfs ?? [];
  const claims = new Map(wanted.map(({ vfIndex, claim }) => [vfIndex, claim]));
  const vfs = before.vfs.map((vf) => {
    const claim = claims.get(vf.vfIndex);
    return claim === undefined ? vf : { ...vf, claim };
  });
  return { ...before, vfs };
}

/** The steps turn it off for a while. It is as wished only once it is back. */
function withAutoprobe(desired: DesiredPf, before: readonly DesiredPf[]): DesiredPf {
  const was = before.find(({ pf }) => pf === desired.pf)?.driversAutoprobe;
  return was === undefined ? desired : { driversAutoprobe: was, ...desired };
}

/**
 * Who has the VFs that guests get or give back: where a policy drains them they are wanted by nobody's word, and must be back
 * with their guests in the end all the same.
 */
function withHolders(desired: DesiredPf, steps: readonly Step[], when: "before" | "after"): DesiredPf {
  const holders = new Map<number, Pick<DesiredVf, "attachment"> & { readonly guest: GuestAddress | null }>();
  for (const step of steps) {
    if (step.kind !== "attachGuest" && step.kind !== "detachGuest") continue;
    if (step.pf !== desired.pf) continue;
    const { vfIndex, guest, attachment } = step;
    const isAttach = step.kind === "attachGuest";
    const held = { guest, ...(attachment ? { attachment } : {}) };
    // Of what a guest has already nothing is taken from it to go back.
    const from = isAttach && step.from ? { guest, attachment: step.from } : { guest: null };
    // Steps are in order: what is detached comes before what is attached.
    if (when === "after") holders.set(vfIndex, isAttach ? held : { guest: null });
    else if (!holders.has(vfIndex)) holders.set(vfIndex, isAttach ? from : held);
  }
  if (holders.size === 0) return desired;
  const named = new Set(desired.vfs.map(({ vfIndex }) => vfIndex));
  const others = [...holders].filter(([vfIndex]) => !named.has(vfIndex) && isKept(desired, vfIndex));
  const vfs = [
    ...desired.vfs.map((vf) => {
      const held = holders.get(vf.vfIndex);
      return held === undefined ? vf : { ...vf, ...held };
    }),
    ...others.map(([vfIndex, held]) => ({ vfIndex, ...held })),
  ];
  return { ...desired, vfs: vfs.sort((a, b) => a.vfIndex - b.vfIndex) };
}

/** A VF that is not wanted any more has nobody. */
function isKept({ numVfs }: DesiredPf, vfIndex: number): boolean {
  return numVfs === undefined || vfIndex < numVfs;
}

function moved(why: string): VfleetError {
  return new VfleetError("VFL-0308", { message: `the host has changed since the plan: ${why}` });
}

function refused(code: string, message: string, remedy: string): VfleetError {
  return new VfleetError(catalogueEntry(code)?.code ?? "VFL-0308", { message, remedy });
}

function pfIn({ pfs }: HostState, pf: PfAddress): HostState["pfs"][number] {
  const found = pfs.find(({ bdf }) => bdf === pf);
  if (found === undefined) throw new VfleetError("VFL-0311", { message: `${pf} is gone`, details: { pf } });
  return found;
}

/** The VFs that the steps change; undefined where it is all, since they are made anew. Others' VFs are not gone back to. */
function touchedVfs(plans: readonly PfPlan[], pf: PfAddress): readonly number[] | undefined {
  const steps = plans.filter((each) => each.pf === pf).flatMap((each) => each.steps);
  if (steps.some(({ kind }) => kind === "setNumVfs" || kind === "setEswitchMode")) return undefined;
  const touched = steps.flatMap((step) => {
    if ("vfIndex" in step) return [step.vfIndex];
    return step.kind === "setVfNetwork" ? step.changes.map(({ to }) => to.vfIndex) : [];
  });
  return [...new Set(touched)].sort((a, b) => a - b);
}
