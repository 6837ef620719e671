import { VfleetError } from "../../errors/vfleet-error.ts";
import type { Operation, OperationEvent } from "../../host/apply/operation.ts";
import type { Step } from "../../host/plan/step.ts";
import { print, toJson } from "../output.ts";
import { failureLines } from "../provision/progress.ts";
import { type HostOptions, openHost, operationSetting } from "../provision/setting.ts";
import { duration } from "../render-plan.ts";
import { type Cell, paint, type Tone, table } from "../terminal.ts";

const TONES: Readonly<Record<Operation["state"], Tone>> = {
  settled: "good",
  undone: "warn",
  stuck: "bad",
  overtaken: "unsure",
  applying: "warn",
  undoing: "warn",
};

/** `vfleet operations`: all of them, the newest first. */
export async function operations(options: HostOptions): Promise<number> {
  const host = await openHost(options);
  const all = (await operationSetting(host).store.list()).toReversed();
  if (options.json) {
    print(`${toJson({ source: host.kernel.source.name, operations: all })}\n`);
  } else if (all.length === 0) {
    print("No operations yet.\n");
  } else {
    print(`${table(["NR", "STATE", "STARTED", "TOOK", "WHAT"], all.map(row)).join("\n")}\n`);
  }
  return 0;
}

function row(operation: Operation): Cell[] {
  const { number, state, startedAt, endedAt, kind, title } = operation;
  const took = endedAt === null ? "-" : duration(Date.parse(endedAt) - Date.parse(startedAt));
  return [String(number), { text: state, tone: TONES[state] }, startedAt.slice(0, 19), took, `${kind} ${title}`];
}

/** `vfleet operations show N`: its steps, with old and new values, what was read back, and the kernel's words. */
export async function showOperation(number: string, options: HostOptions): Promise<number> {
  const host = await openHost(options);
  const wanted = /^\d{1,9}$/.test(number) ? Number(number) : 0;
  const operation = await operationSetting(host).store.read(wanted);
  if (operation === undefined) {
    throw new VfleetError("VFL-0001", {
      message: `there is no operation ${number}`,
      remedy: "list them with: vfleet operations",
    });
  }
  if (options.json) print(`${toJson({ source: host.kernel.source.name, operation })}\n`);
  else print(`${operationLines(operation).join("\n")}\n`);
  return 0;
}

function operationLines(operation: Operation): string[] {
  const { number, kind, title, state, startedAt, endedAt, pid, pfs, events, failure } = operation;
  const lines = [
    `operation ${number}  ${paint(TONES[state], state)}  ${kind} ${title}`,
    `  from ${startedAt}${endedAt === null ? "" : ` to ${endedAt}`}, process ${pid}`,
    ...pfs.map(({ bdf, key }) => `  ${bdf}  known by its ${key}`),
    "",
  ];
  let { steps } = operation;
  for (const event of events) {
    if (event.event === "undoBegun") steps = event.steps;
    lines.push(...eventLines(event, steps));
  }
  if (failure !== null && (state === "stuck" || state === "undone")) lines.push("", ...failureLines(failure));
  return lines;
}

function eventLines(event: OperationEvent, steps: readonly Step[]): string[] {
  const at = event.at.slice(11, 23);
  switch (event.event) {
    case "stepBegun":
      return [];
    case "stepDone": {
      const step = steps[event.step];
      return [
        `${at}  ${paint("good", "✔")} ${step ? describe(step) : event.step}  ${paint("faint", `${event.evidence}, ${duration(event.tookMs)}`)}`,
        ...event.log.map((line) => paint("faint", `              kernel: ${line}`)),
      ];
    }
    case "stepFailed": {
      const step = steps[event.step];
      return [`${at}  ${paint("bad", "✖")} ${step ? describe(step) : event.step}`, ...failureLines(event.failure)];
    }
    case "undoBegun":
      return [`${at}  going back: ${event.why}`];
    case "resumed":
      return [`${at}  taken up by process ${event.pid}: ${event.found}`];
    case "ended":
      return [`${at}  ${event.state}`];
  }
}

/** A step with its old and new values. */
function describe(step: Step): string {
  const { kind, ...rest } = step;
  const facts = Object.entries(rest)
    .filter(([name]) => name !== "pf" && name !== "vfIndex")
    .map(
      ([name, value]) =>
        `${name} ${typeof value === "object" && value !== null ? JSON.stringify(value) : String(value)}`,
    );
  const place = [("pf" in step && step.pf) || "", "vfIndex" in step ? `VF ${step.vfIndex}` : ""].filter(Boolean);
  return `${kind} ${[...place, ...facts].join(", ")}`;
}
