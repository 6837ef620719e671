import type { Operation, OperationEvent, OperationFailure } from "../../../src/host/apply/operation.ts";
import { pfOf, type Step } from "../../../src/host/plan/step.ts";
import { stepGroup, stepTotal } from "../../../src/host/words/step-words.ts";

/** Steps of a PF that a person sees as one thing, and how far they are. */
export interface StepGroup {
  readonly name: string;
  /** null of what is the whole host's. */
  readonly pf: string | null;
  readonly state: "waiting" | "doing" | "done" | "failed";
  /** `3 of 12`; empty of what is one thing. */
  readonly count: string;
  readonly tookMs: number;
  /** What was read back; empty where it is of one of many. */
  readonly evidence: string;
  /** Kernel log lines meanwhile. */
  readonly log: readonly string[];
  readonly failure: OperationFailure | null;
}

/** What is being done now, after the last turn: toward what is wanted, or back. */
export interface Course {
  /** Why it goes back; null while it goes on. */
  readonly back: string | null;
  readonly groups: readonly StepGroup[];
}

type StepEvent = Extract<OperationEvent, { event: "stepBegun" | "stepDone" | "stepFailed" }>;

/** The way there, and the way back where there is one. */
export function coursesOf({ steps, events }: Pick<Operation, "steps" | "events">): readonly Course[] {
  const courses: Course[] = [];
  let course: { back: string | null; steps: readonly Step[]; events: StepEvent[] } = { back: null, steps, events: [] };
  const end = () => courses.push({ back: course.back, groups: groupsOf(course.steps, course.events) });
  for (const event of events) {
    if (event.event === "undoBegun") {
      end();
      course = { back: event.why, steps: event.steps, events: [] };
    } else if ("step" in event) course.events.push(event);
  }
  end();
  return courses;
}

interface Progress {
  begun: boolean;
  done?: Extract<StepEvent, { event: "stepDone" }>;
  failure?: OperationFailure;
}

/** In the order in which they are done; steps that are nobody's news are left out. */
function groupsOf(steps: readonly Step[], events: readonly StepEvent[]): readonly StepGroup[] {
  const progress = new Map<number, Progress>();
  for (const event of events) {
    const of = progress.get(event.step) ?? { begun: true };
    progress.set(event.step, of);
    if (event.event === "stepDone") of.done = event;
    if (event.event === "stepFailed") of.failure = event.failure;
  }
  const groups = Map.groupBy(steps.entries(), ([, step]) => `${pfOf(step) ?? ""} ${stepGroup(step) ?? ""}`);
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    const name = first && stepGroup(first[1]);
    return first && name ? [groupOf(name, members, progress)] : [];
  });
}

function groupOf(
  name: string,
  members: ReadonlyArray<readonly [number, Step]>,
  progress: ReadonlyMap<number, Progress>,
): StepGroup {
  const steps = members.map(([, step]) => step);
  const each = members.map(([place]) => progress.get(place));
  const done = each.flatMap((of) => of?.done ?? []);
  const failure = each.find((of) => of?.failure !== undefined)?.failure ?? null;
  const isDone = done.length === steps.length;
  const last = steps.at(-1);
  return {
    name,
    pf: (steps[0] && pfOf(steps[0])) ?? null,
    state: failure !== null ? "failed" : isDone ? "done" : each.some((of) => of?.begun) ? "doing" : "waiting",
    count: countOf(steps, isDone, done.length),
    tookMs: done.reduce((sum, { tookMs }) => sum + tookMs, 0),
    // What was read back of the last of many says nothing of the others.
    evidence: isDone && !(steps.length > 1 && last?.kind === "bindDriver") ? (done.at(-1)?.evidence ?? "") : "",
    log: done.flatMap(({ log }) => log),
    failure,
  };
}

/** VFs that are made at once come at once; those that are changed one by one are counted. */
function countOf(steps: readonly Step[], isDone: boolean, done: number): string {
  const total = stepTotal(steps);
  if (total === undefined) return "";
  const isOneByOne = steps.every((step) => "vfIndex" in step);
  return `${isDone ? total : isOneByOne ? done : 0} of ${total}`;
}
