import type { ApplyProgress } from "../../host/apply/journal.ts";
import type { OperationEvent } from "../../host/apply/operation.ts";
import { pfOf, type Step } from "../../host/plan/step.ts";
import { duration, plural } from "../../host/words/amounts.ts";
import { trafficFact } from "../../host/words/migration-words.ts";
import { phaseFact } from "../../host/words/operation-words.ts";
import { stepGroup, stepTotal } from "../../host/words/step-words.ts";
import { print } from "../output.ts";
import { factLines, failureLines } from "../render-operation.ts";
import { paint, shorten } from "../terminal.ts";

const NAME_WIDTH = 22;
const COUNT_WIDTH = 12;
const TIME_WIDTH = 8;
const PHASE_WIDTH = 13;
/** As narrow as terminals are. */
const NARROW = 76;
const ERASE_LINE = "\r\u001b[2K";

/** Where progress is written. */
export interface ProgressOutput {
  readonly print: (text: string) => void;
  /** A terminal also shows what is being done; in a pipe each line stands for good. */
  readonly terminal: boolean;
}

interface Group {
  done: number;
  readonly steps: readonly Step[];
  tookMs: number;
}

/** To be spread into what runs an operation: its progress goes to standard output, unless JSON is asked for. */
export function progressFor({ json }: { readonly json?: boolean }): Partial<Pick<ProgressLines, "onEvent">> {
  return json ? {} : { onEvent: new ProgressLines({ print, terminal: process.stdout.isTTY === true }).onEvent };
}

/** Tells how an operation goes on: a line when each thing is done, with how many, how long, and what was read back. */
export class ProgressLines {
  readonly #output: ProgressOutput;
  readonly #groups = new Map<string, Group>();
  #steps: readonly Step[] = [];
  #failed = false;
  #undoing = false;
  #waiting = false;

  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  readonly onEvent = (progress: ApplyProgress): void => {
    if (progress.kind === "waiting") {
      this.#transient(`waiting for the kernel: ${progress.target}`);
      return;
    }
    if (progress.steps !== this.#steps) {
      this.#steps = progress.steps;
      this.#groups.clear();
    }
    this.#tell(progress.event);
  };

  #tell(event: OperationEvent): void {
    switch (event.event) {
      case "stepBegun": {
        const step = this.#steps[event.step];
        const name = step && stepGroup(step);
        if (step && name) this.#transient(`${this.#place(step)}${name} ...`);
        return;
      }
      case "stepDone":
        this.#done(event.step, event.tookMs, event.evidence);
        return;
      case "stepFailed": {
        const step = this.#steps[event.step];
        const { failure } = event;
        this.#failed = true;
        if (step) {
          const count = failedCount(step, this.#group(step)).padEnd(COUNT_WIDTH);
          this.#line(`${paint("bad", "✖")} ${this.#head(step)}${count}${failure.errno ?? failure.code}`);
        }
        for (const line of failureLines(failure)) this.#line(line);
        return;
      }
      case "undoBegun": {
        const { steps, why } = event;
        const what = steps.length === 0 ? "nothing had changed" : plural(steps.length, "step");
        // A failure was told with its step; what else makes an operation go back was not.
        if (!this.#failed) for (const line of factLines("cause", why)) this.#line(line);
        for (const line of factLines("undoing", what)) this.#line(line);
        this.#undoing = true;
        return;
      }
      case "phase":
        this.#line(`${paint("good", "›")} ${event.phase.padEnd(PHASE_WIDTH)}${paint("faint", phaseFact(event))}`);
        return;
      case "traffic":
        this.#line(`${paint("good", "›")} ${event.event.padEnd(PHASE_WIDTH)}${paint("faint", trafficFact(event))}`);
        return;
      case "resumed":
        this.#undoing = false;
        for (const line of factLines("found", event.found)) this.#line(line);
        return;
      case "ended":
        this.#clear();
    }
  }

  #done(place: number, tookMs: number, evidence: string): void {
    const step = this.#steps[place];
    const group = step && this.#group(step);
    if (!step || !group) return;
    group.done++;
    group.tookMs += tookMs;
    if (group.done < group.steps.length) {
      if ("vfIndex" in step) this.#transient(`${this.#head(step)}${group.done} of ${group.steps.length}`);
      return;
    }
    const [mark, tone] = this.#undoing ? (["↺", "warn"] as const) : (["✔", "good"] as const);
    const count = groupCount(group.steps).padEnd(COUNT_WIDTH);
    const time = duration(group.tookMs).padEnd(TIME_WIDTH);
    // What was read back of the last of many says nothing of the others.
    const told = group.steps.length > 1 && step.kind === "bindDriver" ? "" : evidence;
    this.#line(`${paint(tone, mark)} ${this.#head(step)}${count}${time}${paint("faint", told)}`.trimEnd());
  }

  /** The steps of a PF that are one thing to a person; undefined of a step that is nobody's news. */
  #group(step: Step): Group | undefined {
    const name = stepGroup(step);
    if (name === undefined) return undefined;
    const key = `${pfOf(step)} ${name}`;
    const found = this.#groups.get(key);
    if (found) return found;
    const steps = this.#steps.filter((other) => stepGroup(other) === name && pfOf(other) === pfOf(step));
    const group = { done: 0, steps, tookMs: 0 };
    this.#groups.set(key, group);
    return group;
  }

  #head(step: Step): string {
    return `${this.#place(step)}${(stepGroup(step) ?? step.kind).padEnd(NAME_WIDTH)}`;
  }

  /** Named only where there are several: PFs are changed side by side, and their lines mix. */
  #place(step: Step): string {
    const pf = pfOf(step);
    const several = new Set(this.#steps.flatMap((each) => pfOf(each) ?? [])).size > 1;
    return pf === undefined || !several ? "" : `${pf}  `;
  }

  #line(text: string): void {
    this.#clear();
    this.#output.print(`${text}\n`);
  }

  /** Stays until the next line. */
  #transient(text: string): void {
    if (!this.#output.terminal) return;
    this.#clear();
    // A line that is broken could not be erased.
    this.#output.print(paint("faint", `  ${shorten(text, NARROW)}`));
    this.#waiting = true;
  }

  #clear(): void {
    if (this.#waiting) this.#output.print(ERASE_LINE);
    this.#waiting = false;
  }
}

/** How much of what was to be done is done: all of it. */
function groupCount(steps: readonly Step[]): string {
  const total = stepTotal(steps);
  return total === undefined ? "" : `${total} of ${total}`;
}

/** Of VFs that are made at once, none; of steps one by one, those before. */
function failedCount(step: Step, group: Group | undefined): string {
  const total = stepTotal(group?.steps ?? [step]);
  if (total === undefined) return "";
  return `${"vfIndex" in step ? (group?.done ?? 0) : 0} of ${total}`;
}
