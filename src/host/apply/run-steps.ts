import { isUnread, type Observed, unread } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";
import type { Guests } from "../guest-port.ts";
import type { PfAddress } from "../pf-address.ts";
import { pfOf, type Step } from "../plan/step.ts";
import type { HostState } from "../state/host-state.ts";
import type { Clock } from "./clock.ts";
import { executorOf } from "./executors.ts";
import { isThere } from "./find-devices.ts";
import type { Journal } from "./journal.ts";
import { kernelRefusal } from "./kernel-refusal.ts";
import type { OperationFailure } from "./operation.ts";
import type { Patience } from "./patience.ts";
import { failure, type StepContext, type StepFailure, type StepOutcome } from "./step-outcome.ts";
import { usersInTheWay } from "./users-in-the-way.ts";

/** What steps are run with. */
export interface RunSetting {
  readonly kernel: ChangeableKernel;
  readonly guests?: Guests;
  readonly clock: Clock;
  readonly patience: Patience;
  readonly journal: Journal;
  /** PFs whose VFs this operation has made, by a write of its own that was done. */
  readonly fresh: Set<PfAddress>;
  readonly abandon?: AbortSignal;
}

export type RunEnd =
  | { readonly kind: "done" }
  /** At the boundary of a step, since `stop` said so. */
  | { readonly kind: "stopped" }
  | { readonly kind: "abandoned" }
  | { readonly kind: "failed"; readonly failure: OperationFailure };

const DONE: RunEnd = { kind: "done" };
const LOG_LINES = 100;
const LOG_LINE_LENGTH = 400;

/**
 * Does steps: the whole host's first, then PF beside PF, those of each in order. Where one fails the others end after the
 * step that they are at.
 * @param state of which variant drivers are taken
 * @param keep whether a step must be written down before it is done: on the way back it is done anyhow
 */
export async function runSteps(
  steps: readonly Step[],
  state: HostState,
  setting: RunSetting,
  { stop, keep }: { readonly stop?: AbortSignal; readonly keep: boolean },
): Promise<RunEnd> {
  const numbered = steps.map((step, place) => ({ step, place }));
  const tracks = Map.groupBy(numbered, ({ step }) => pfOf(step));
  const others = new AbortController();
  const pfs = [...tracks.keys()].filter((pf) => pf !== undefined);

  async function runTrack(pf: PfAddress | undefined): Promise<RunEnd> {
    try {
      for (const { step, place } of tracks.get(pf) ?? []) {
        if (setting.abandon?.aborted) return { kind: "abandoned" };
        if (stop?.aborted || others.signal.aborted) return { kind: "stopped" };
        const run = new StepRun(step, place, state, setting, pfs, keep);
        const end = await run.run();
        if (end.kind !== "done") {
          others.abort();
          return end;
        }
      }
      return DONE;
    } catch (error) {
      others.abort();
      throw error;
    }
  }

  const first = await runTrack(undefined);
  if (first.kind !== "done") return first;
  const settled = await Promise.allSettled(pfs.map(runTrack));
  const ends = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  // What the kernel still works at comes before whatever else went wrong: nothing may be done until it has ended.
  const pending = ends.find((end) => end.kind === "failed" && end.failure.code === "VFL-0304");
  if (pending) return pending;
  for (const each of settled) if (each.status === "rejected") throw each.reason;
  const byKind = (kind: RunEnd["kind"]) => ends.find((end) => end.kind === kind);
  return byKind("abandoned") ?? byKind("failed") ?? byKind("stopped") ?? DONE;
}

/** Does one step of those that `place` counts in. */
export function runStep(
  step: Step,
  place: number,
  state: HostState,
  setting: RunSetting,
  keep: boolean,
): Promise<RunEnd> {
  const pf = pfOf(step);
  return new StepRun(step, place, state, setting, pf === undefined ? [] : [pf], keep).run();
}

/** One step with its records. */
class StepRun {
  readonly #step: Step;
  readonly #place: number;
  readonly #setting: RunSetting;
  readonly #context: StepContext;
  readonly #pfs: readonly PfAddress[];
  readonly #keep: boolean;

  constructor(
    step: Step,
    place: number,
    state: HostState,
    setting: RunSetting,
    pfs: readonly PfAddress[],
    keep: boolean,
  ) {
    this.#step = step;
    this.#place = place;
    this.#setting = setting;
    this.#pfs = pfs;
    this.#keep = keep;
    const { kernel, guests, clock, patience, journal, fresh, abandon } = setting;
    this.#context = {
      kernel,
      ...(guests ? { guests } : {}),
      clock,
      patience,
      ...(abandon ? { abandon } : {}),
      isFresh: (pf) => fresh.has(pf),
      variantOf: (pf) => variantIn(state, pf),
      onLongWrite: (target) => journal.waiting(step, target),
    };
  }

  async run(): Promise<RunEnd> {
    const { kernel, clock, journal, fresh, abandon } = this.#setting;
    const step = this.#step;
    await this.#write({ event: "stepBegun", step: this.#place });
    const mark = await kernel.logMark();
    const begin = clock.elapsedMs();
    const outcome = await this.#outcome();
    const log = await this.#logSince(mark);
    if (step.kind === "setNumVfs") {
      if (outcome.kind === "done" && step.to > 0) fresh.add(step.pf);
      else fresh.delete(step.pf);
    }
    if (outcome.kind === "done") {
      const tookMs = Math.round(clock.elapsedMs() - begin);
      await this.#write({ event: "stepDone", step: this.#place, tookMs, evidence: outcome.evidence, log });
      return DONE;
    }
    // What was waited for may be there yet: whoever recovers looks.
    if (abandon?.aborted) return { kind: "abandoned" };
    const told = { ...(await this.#cause(outcome.failure, log)), log };
    await journal.tryWrite({ event: "stepFailed", step: this.#place, failure: told });
    return { kind: "failed", failure: told };
  }

  async #outcome(): Promise<StepOutcome> {
    const step = this.#step;
    const executor = executorOf(step);
    const look = await executor.look(step, this.#context);
    const pf = pfOf(step);
    const notAsPlanned = (evidence: string): StepOutcome => ({
      kind: "failed",
      failure: failure("VFL-0308", `${step.kind} of ${pf}: ${evidence}`),
    });
    if (look.kind === "after") {
      // VFs that somebody else has made are theirs, also where they are as many as are wanted.
      if (step.kind === "setNumVfs" && step.to > 0) return notAsPlanned(`${look.evidence} already`);
      return { kind: "done", evidence: `it was so: ${look.evidence}` };
    }
    // How VFs are that were just made no plan knows; how many there are it does.
    const isOpen = pf !== undefined && this.#context.isFresh(pf) && step.kind !== "setNumVfs";
    if (look.kind === "other" && !isOpen) return notAsPlanned(look.evidence);
    const users = await usersInTheWay(step, this.#context);
    if (users) return { kind: "failed", failure: users };
    return executor.run(step, this.#context);
  }

  #write(event: Parameters<Journal["write"]>[0]): Promise<void> {
    const { journal } = this.#setting;
    return this.#keep ? journal.write(event) : journal.tryWrite(event);
  }

  /** The kernel's refusal by its cause; a PF that is gone is the cause of everything. */
  async #cause({ refused, ...found }: StepFailure, log: readonly string[]): Promise<Omit<OperationFailure, "log">> {
    const pf = pfOf(this.#step);
    if (pf !== undefined && !(await isThere(this.#context, pf))) {
      const { code, message, remedy } = failure("VFL-0311", `${pf} is gone: ${found.message}`);
      return { ...found, code, message, remedy };
    }
    if (!refused) return found;
    const { code, title, remedy } = kernelRefusal(this.#step.kind, found.errno, found.target, log);
    return { ...found, code, message: code === found.code ? found.message : `${title}: ${found.message}`, remedy };
  }

  async #logSince(mark: Observed<number>): Promise<readonly string[]> {
    if (isUnread(mark)) return [];
    const part = await this.#setting.kernel.logSince(mark);
    if (isUnread(part)) return [];
    const own = pfOf(this.#step);
    const ofOthers = (line: string) =>
      own !== undefined && !line.includes(own) && this.#pfs.some((pf) => line.includes(pf));
    const lines = part.lines.filter((line) => !ofOthers(line));
    return lines.slice(0, LOG_LINES).map((line) => line.slice(0, LOG_LINE_LENGTH));
  }
}

function variantIn({ pfs }: HostState, pf: PfAddress): Observed<string | null> {
  const found = pfs.find(({ bdf }) => bdf === pf);
  return found ? found.vfioVariant : unread(pf, "ENODATA", "the PF was not looked at");
}
