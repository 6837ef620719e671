import type { ApplyProgress } from "../../host/apply/journal.ts";
import type { OperationEvent, OperationFailure } from "../../host/apply/operation.ts";
import { pfOf, type Step } from "../../host/plan/step.ts";
import { print } from "../output.ts";
import { duration } from "../render-plan.ts";
import { paint } from "../terminal.ts";

/** Steps that a person sees as one thing; others, as probing off and on, are nobody's news. */
const GROUPS: Partial<Record<Step["kind"], string>> = {
  loadModule: "modules",
  setPfUp: "PF link",
  setPfMtu: "PF MTU",
  setEswitchMode: "eSwitch",
  setNumVfs: "VFs",
  awaitVfs: "VFs",
  setVfNetwork: "settings",
  setMsixCount: "vectors",
  assignNvmeResources: "NVMe resources",
  setNvmeOnline: "NVMe resources",
  bindDriver: "drivers",
  resetVf: "reset",
};

const WHAT_WIDTH = 16;

interface Group {
  done: number;
  readonly total: number;
  tookMs: number;
  evidence: string;
}

/** Tells how an operation goes on: a line when each thing is done; on a terminal, what is being done as well. */
export class ProgressLines {
  readonly #groups = new Map<string, Group>();
  #steps: readonly Step[] = [];
  #undoing = false;
  #waiting = false;

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
        const name = step && GROUPS[step.kind];
        if (step && name) this.#transient(`${pfOf(step) ?? ""} ${name} ...`);
        return;
      }
      case "stepDone":
        this.#done(event.step, event.tookMs, event.evidence);
        return;
      case "stepFailed": {
        const step = this.#steps[event.step];
        if (step) this.#line(`${paint("bad", "✖")} ${this.#place(step)}${event.failure.errno ?? event.failure.code}`);
        for (const line of failureLines(event.failure)) this.#line(line);
        return;
      }
      case "undoBegun":
        this.#undoing = true;
        this.#line(`  undoing     ${event.steps.length === 0 ? "nothing had changed" : `${event.steps.length} steps`}`);
        return;
      case "resumed":
        this.#line(`  found       ${event.found}`);
        return;
      case "ended":
        this.#clear();
    }
  }

  #done(place: number, tookMs: number, evidence: string): void {
    const step = this.#steps[place];
    const name = step && GROUPS[step.kind];
    if (!step || !name) return;
    const key = `${pfOf(step)} ${name}`;
    const inGroup = (other: Step) => GROUPS[other.kind] === name && pfOf(other) === pfOf(step);
    const group = this.#groups.get(key) ?? {
      done: 0,
      total: this.#steps.filter(inGroup).length,
      tookMs: 0,
      evidence: "",
    };
    group.done++;
    group.tookMs += tookMs;
    group.evidence = evidence;
    this.#groups.set(key, group);
    if (group.done < group.total) return;
    const text = step.kind === "bindDriver" ? `${group.total} of ${group.total}` : group.evidence;
    const tick = paint(this.#undoing ? "warn" : "good", this.#undoing ? "↺" : "✔");
    this.#line(`${tick} ${this.#place(step)}${text}  ${paint("faint", duration(group.tookMs))}`);
  }

  #place(step: Step): string {
    const pf = pfOf(step);
    return `${pf === undefined ? "" : `${pf}  `}${(GROUPS[step.kind] ?? step.kind).padEnd(WHAT_WIDTH)}`;
  }

  #line(text: string): void {
    this.#clear();
    print(`${text}\n`);
  }

  /** Stays until the next line; only a terminal shows it. */
  #transient(text: string): void {
    if (!process.stdout.isTTY) return;
    this.#clear();
    print(paint("faint", `  ${text}`));
    this.#waiting = true;
  }

  #clear(): void {
    if (this.#waiting) print("\r\u001b[2K");
    this.#waiting = false;
  }
}

/** Kernel, cause, remedy: in the order in which a person asks. */
export function failureLines({ code, message, remedy, log }: OperationFailure): string[] {
  return [
    ...log.map((line) => `  kernel      ${line}`),
    `  cause       ${message} (${code})`,
    ...(remedy === "" ? [] : [`  remedy      ${remedy}`]),
  ];
}
