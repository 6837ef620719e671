import type { Operation, OperationEvent, OperationFailure } from "../host/apply/operation.ts";
import { pfOf, type Step } from "../host/plan/step.ts";
import { duration } from "../host/words/amounts.ts";
import { trafficFact } from "../host/words/migration-words.ts";
import { endFailure, endWords, goOnCommand, phaseFact } from "../host/words/operation-words.ts";
import { stepWords } from "../host/words/step-words.ts";
import { type Cell, paint, type Tone, table, wrapWords } from "./terminal.ts";

const TONES: Readonly<Record<Operation["state"], Tone>> = {
  settled: "good",
  undone: "warn",
  stuck: "bad",
  overtaken: "unsure",
  applying: "warn",
  undoing: "warn",
};

const FACT_AT = 14;
/** Before what a step did: the time, the mark. */
const STEP_AT = 16;

/** All operations, the newest first. */
export function renderOperations(operations: readonly Operation[]): string[] {
  if (operations.length === 0) return ["No operations yet."];
  return table(["NR", "STATE", "STARTED (UTC)", "TOOK", "WHAT"], operations.toReversed().map(row));
}

function row({ number, state, startedAt, endedAt, kind, title }: Operation): Cell[] {
  const took = endedAt === null ? "-" : duration(Date.parse(endedAt) - Date.parse(startedAt));
  const started = startedAt.slice(0, 19).replace("T", " ");
  return [String(number), { text: state, tone: TONES[state] }, started, took, `${kind} ${title}`];
}

/** One operation: each step with old and new values, what was read back, and the kernel's words; then what came of it. */
export function renderOperation(operation: Operation): string[] {
  const { number, kind, title, state, startedAt, endedAt, pid, pfs, events } = operation;
  const lines = [
    `operation ${number}  ${paint(TONES[state], state)}  ${kind} ${title}`,
    `  from ${startedAt}${endedAt === null ? "" : ` to ${endedAt}`}, process ${pid}`,
    ...pfs.map(({ bdf, key }) => `  ${bdf}, known by its ${key}`),
    "",
  ];
  let { steps } = operation;
  for (const event of events) {
    if (event.event === "undoBegun") steps = event.steps;
    lines.push(...eventLines(event, steps, pfs.length > 1));
  }
  const failure = endFailure(operation);
  if (failure !== null) lines.push("", ...failureLines(failure));
  return [...lines, ...thenLines(state)];
}

function eventLines(event: OperationEvent, steps: readonly Step[], several: boolean): string[] {
  const at = event.at.slice(11, 23);
  const stepLines = (place: number, mark: string) => {
    const step = steps[place];
    const words = step === undefined ? [`step ${place}`] : stepWords(step);
    const pf = step && several ? `${pfOf(step) ?? ""}  ` : "";
    return words.map((text, index) => `${index === 0 ? `${at}  ${mark} ` : " ".repeat(STEP_AT - 1)}${pf}${text}`);
  };
  const under = (text: string) => paint("faint", `${" ".repeat(STEP_AT)}${text}`);
  switch (event.event) {
    case "stepBegun":
      return [];
    case "stepDone":
      return [
        ...stepLines(event.step, paint("good", "✔")),
        under(`${event.evidence} (${duration(event.tookMs)})`),
        ...event.log.map((line) => under(`kernel: ${line}`)),
      ];
    case "stepFailed":
      return [...stepLines(event.step, paint("bad", "✖")), ...failureLines(event.failure)];
    case "undoBegun":
      return [`${at}  ${paint("warn", "↺")} going back: ${event.why}`];
    case "phase":
      return [`${at}  ${paint("good", "›")} ${event.phase}`, under(phaseFact(event))];
    case "traffic":
      return [`${at}  ${paint("good", "›")} traffic`, under(trafficFact(event))];
    case "resumed":
      return [`${at}    taken up by process ${event.pid}: ${event.found}`];
    case "ended":
      return [`${at}    ${event.state}`];
  }
}

/** Kernel, cause, remedy: in the order in which a person asks. */
export function failureLines({ code, message, remedy, log }: OperationFailure): string[] {
  return [
    ...log.flatMap((line) => factLines("kernel", line)),
    ...factLines("cause", `${message} (${code})`),
    ...(remedy === "" ? [] : factLines("remedy", remedy)),
  ];
}

/** What came of an operation, in its last lines. */
export function operationEnd(operation: Operation): string[] {
  const { number, state } = operation;
  const failure = endFailure(operation);
  const kept = paint("faint", `operation ${number}: vfleet operations show ${number}`);
  const line = (mark: string) => `${mark}${endWords(operation)}   ${kept}`;
  switch (state) {
    case "settled":
      return [line(`${paint("good", "✔")} `)];
    case "undone":
      return [line(`${paint("warn", "↺")} `)];
    case "overtaken":
      return [line(""), ...(failure ? failureLines(failure) : [])];
    case "stuck":
      return [line(`${paint("bad", "✖")} `), ...(failure ? failureLines(failure) : []), ...thenLines(state)];
    default:
      return [line(""), ...thenLines(state)];
  }
}

function thenLines(state: Operation["state"]): readonly string[] {
  const command = goOnCommand(state);
  return command === undefined ? [] : factLines("then", command);
}

/** `  cause       it is so` */
export function factLines(key: string, text: string): string[] {
  return wrapWords(text, FACT_AT).map((line, index) => `${(index === 0 ? `  ${key}` : "").padEnd(FACT_AT)}${line}`);
}
