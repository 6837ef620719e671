import type { Step } from "../plan/step.ts";
import type { Operation, OperationEvent, OperationFailure, OperationHeader, OperationState } from "./operation.ts";

/** What the events so far make of an operation. */
interface Progress {
  readonly state: OperationState;
  /** Those that are being done: `steps` of the header, or of the last undo. */
  readonly steps: readonly Step[];
  /** Whether it has begun to go back. */
  readonly undoing: boolean;
  /** Of this fold alone, which adds to them: copies for each event would make long operations slow. */
  readonly begun: Set<number>;
  readonly ended: Set<number>;
  readonly failure: OperationFailure | null;
  readonly endedAt: string | null;
}

/** An event that cannot follow what was written before it. */
export class ImpossibleEvent extends Error {
  override readonly name = "ImpossibleEvent";
}

/**
 * An operation as its header and events tell it.
 * @throws ImpossibleEvent
 */
export function foldOperation(header: OperationHeader, events: readonly OperationEvent[]): Operation {
  let progress: Progress = {
    state: "applying",
    steps: header.steps,
    undoing: false,
    begun: new Set(),
    ended: new Set(),
    failure: null,
    endedAt: null,
  };
  for (const event of events) progress = next(progress, event);
  const { state, failure, endedAt } = progress;
  return { ...header, state, events, failure, endedAt };
}

/** One match over state and event: every pair that is not here is impossible. */
function next(progress: Progress, event: OperationEvent): Progress {
  const { state } = progress;
  switch (`${isOpen(state) ? "open" : state} ${event.event}` as const) {
    case "open stepBegun":
    case "open stepDone":
    case "open stepFailed":
      return step(progress, event as StepEvent);
    case "open undoBegun": {
      const { steps } = event as Extract<OperationEvent, { event: "undoBegun" }>;
      return { ...progress, state: "undoing", undoing: true, steps, begun: new Set(), ended: new Set() };
    }
    case "open phase":
    case "open traffic":
      return progress;
    case "open resumed":
    // What stood in the way of a stuck one may be gone.
    case "stuck resumed":
      // Whether what had begun was done, nobody wrote down.
      return {
        ...progress,
        state: progress.undoing ? "undoing" : "applying",
        begun: new Set(progress.ended),
        endedAt: null,
      };
    case "open ended": {
      const { state: end, failure, at } = event as Extract<OperationEvent, { event: "ended" }>;
      if (end === "undone" && !progress.undoing) throw impossible(progress, event);
      return { ...progress, state: end, failure: failure ?? progress.failure, endedAt: at };
    }
    default:
      throw impossible(progress, event);
  }
}

type StepEvent = Extract<OperationEvent, { event: "stepBegun" | "stepDone" | "stepFailed" }>;

function step(progress: Progress, event: StepEvent): Progress {
  const { steps, begun, ended } = progress;
  const { step: place } = event;
  if (!Number.isInteger(place) || place < 0 || place >= steps.length) throw impossible(progress, event);
  if (event.event === "stepBegun") {
    if (begun.has(place)) throw impossible(progress, event);
    begun.add(place);
    return progress;
  }
  if (!begun.has(place) || ended.has(place)) throw impossible(progress, event);
  ended.add(place);
  if (event.event === "stepDone") return progress;
  // The first is what the operation goes back for; those of the way back do not hide it.
  return { ...progress, failure: progress.failure ?? event.failure };
}

function isOpen(state: OperationState): boolean {
  return state === "applying" || state === "undoing";
}

function impossible({ state }: Progress, event: OperationEvent): ImpossibleEvent {
  const place = "step" in event ? ` of step ${event.step}` : "";
  return new ImpossibleEvent(`${event.event}${place} cannot follow in the state ${state}`);
}
