import { isUnread, type Observed, type Unread } from "../port.ts";
import type { ChangeableKernel, LogPart } from "../port-change.ts";
import { isPending, type Outcome, type Within } from "../port-outcome.ts";
import { parseVfInfo } from "../port-vf-info.ts";
import { type FileHolder, lastPart, type Place, placeOf } from "./place.ts";
import { type EventRecorder, recordEvents } from "./record-events.ts";
import type { ConformanceScript, Step } from "./script.ts";

/** A step that was run: what was asked, what was expected and came, each as text. */
export interface StepResult {
  readonly script: string;
  /** From 0. */
  readonly index: number;
  readonly step: string;
  /** What differs, a sentence each; none where all is as expected. */
  readonly problems: readonly string[];
  readonly tookMs: number;
}

const DEADLINE_MS = 60_000;
const RETRY_MS = 100;
const LONG = 60;
/** What the kernel says at any time of how slowly time passes, as on an emulated processor. */
const NOISE = /^(?:clocksource|hrtimer|perf|rcu|sched|workqueue)\b.*: /;
const decoder = new TextDecoder();

/** Where a kernel has no processes. */
const NO_FILES: FileHolder = { hold: async () => "nobody here can hold a file", letGo: async () => {} };

/**
 * Runs a script's steps on a kernel. A step that goes wrong does not end the script: what follows tells more of it.
 * @param release of the kernel, as `6.12.117+deb13-amd64`: some steps hold from or up to some Linux.
 */
export async function runScript(
  kernel: ChangeableKernel,
  script: ConformanceScript,
  release: string,
  onStep: (result: StepResult) => void = () => {},
  files: FileHolder = NO_FILES,
): Promise<readonly StepResult[]> {
  const place = placeOf(kernel, script.pf, files);
  const results: StepResult[] = [];
  for (const module of script.modules) {
    const loaded = await kernel.loadModule(module, { deadlineMs: DEADLINE_MS });
    if (answerOf(loaded) !== "ok") throw new Error(`${script.name}: module ${module}: ${answerOf(loaded)}`);
  }
  // Only a script that asks for events needs a kernel that sends some.
  const events = script.steps.some((step) => step.events) ? await recordEvents(kernel) : undefined;
  try {
    for (const [index, step] of stepsFor(script, release)) {
      const began = performance.now();
      const problems = await runStep(kernel, place, step, events);
      const tookMs = Math.round(performance.now() - began);
      const result = { script: script.name, index, step: describeStep(step), problems, tookMs };
      results.push(result);
      onStep(result);
    }
  } finally {
    await files.letGo();
    await events?.stop();
  }
  return results;
}

async function runStep(
  kernel: ChangeableKernel,
  place: Place,
  step: Step,
  events: EventRecorder | undefined,
): Promise<string[]> {
  const mark = step.log && (await kernel.logMark());
  if (step.events) await events?.take();
  // Texts name VFs before they go, or after they came.
  await place.look();
  const until = performance.now() + (step.withinMs ?? 0);
  let problems = await compare(kernel, place, step);
  while (problems.length > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    problems = await compare(kernel, place, step);
  }
  await place.look();
  if (step.log && mark !== undefined) {
    const lines = isUnread(mark) ? mark : await kernel.logSince(mark);
    problems.push(...(await logProblems(lines, step.log, place)));
  }
  if (step.events && events) {
    const seen = (await events.take()).map((event) => place.named(event));
    const wanted = step.events;
    if (seen.join("\n") !== wanted.join("\n")) problems.push(`events: ${list(wanted)} expected, ${list(seen)} seen`);
  }
  return problems;
}

/** A step that cannot be asked at all is a problem of its own. */
async function compare(kernel: ChangeableKernel, place: Place, step: Step): Promise<string[]> {
  try {
    return await compareAnswer(kernel, place, step);
  } catch (error) {
    return [`it could not be asked: ${error instanceof Error ? error.message : error}`];
  }
}

async function compareAnswer(kernel: ChangeableKernel, place: Place, step: Step): Promise<string[]> {
  if ("write" in step) {
    const path = await place.resolve(step.write);
    const value = await place.resolve(step.value);
    return differs(step.expect, answerOf(await kernel.write(path, value, { deadlineMs: DEADLINE_MS })));
  }
  if ("read" in step) {
    const bytes = await kernel.read(await place.resolve(step.read));
    const { expect } = step;
    if (isUnread(bytes)) return differs(errnoWanted(expect), bytes.errno);
    const text = decoder.decode(bytes).replace(/\n$/, "");
    if (expect instanceof RegExp) return expect.test(text) ? [] : [`${expect} expected, ${JSON.stringify(text)} read`];
    return differs(typeof expect === "string" ? await place.resolve(expect) : expect.errno, text);
  }
  if ("link" in step) {
    const target = await kernel.readLink(await place.resolve(step.link));
    if (isUnread(target) && target.errno !== "ENOENT") return [`the link could not be read: ${target.errno}`];
    const wanted = step.expect === null ? "no link" : await place.resolve(step.expect);
    return differs(wanted, isUnread(target) ? "no link" : lastPart(target));
  }
  if ("list" in step) {
    const names = await kernel.list(await place.resolve(step.list));
    const { expect, matching } = step;
    if (isUnread(names)) return differs(errnoWanted(expect), names.errno);
    if ("errno" in expect) return differs(expect.errno, "ok");
    const wanted = await Promise.all(expect.map((name) => place.resolve(name)));
    return differs(list(wanted), list(names.filter((name) => matching?.test(name) ?? true)));
  }
  if ("setVf" in step) {
    const netdev = await place.resolve(step.netdev ?? "$netdev");
    const outcomes = await kernel.setVfs(netdev, [step.setVf], { deadlineMs: DEADLINE_MS });
    if (isPending(outcomes)) return ["it did not end in time"];
    const answers = outcomes.map(({ outcome }) => answerOf(outcome));
    const reason = outcomes.map(({ outcome }) => (outcome.kind === "failed" ? outcome.reason : "")).join(" ");
    const said = step.reason && !step.reason.test(reason) ? [`the reason ${JSON.stringify(reason)} is another`] : [];
    return [...differs(step.expect, answers.join(" ")), ...said];
  }
  if ("setLink" in step) {
    const netdev = await place.resolve(step.netdev);
    return differs(step.expect, answerOf(await kernel.setLink(netdev, step.setLink, { deadlineMs: DEADLINE_MS })));
  }
  if ("vfInfo" in step) return compareVfInfo(kernel, await place.resolve("$netdev"), step);
  const answer = await step.run(kernel, place);
  if (step.expect instanceof RegExp) return step.expect.test(answer) ? [] : [`${step.expect} expected, ${answer} came`];
  return differs(step.expect, answer);
}

async function compareVfInfo(
  kernel: ChangeableKernel,
  netdev: string,
  { vfInfo, expect }: Extract<Step, { readonly vfInfo: number }>,
): Promise<string[]> {
  const json = await kernel.ipLink(netdev);
  if (isUnread(json)) return [`rtnetlink: ${json.errno}: ${json.reason}`];
  const info = parseVfInfo(json)?.find(({ vfIndex }) => vfIndex === vfInfo);
  if (expect === null) return differs("no VF", info === undefined ? "no VF" : JSON.stringify(info));
  if (info === undefined) return [`rtnetlink tells of no VF ${vfInfo}`];
  return Object.entries(expect).flatMap(([key, wanted]) =>
    differs(`${key} ${JSON.stringify(wanted)}`, `${key} ${JSON.stringify(info[key as keyof typeof info])}`),
  );
}

/** `ok`, the errno's name, or why there is none. */
export function answerOf(outcome: Within<Outcome>): string {
  if (outcome.kind === "done") return "ok";
  if (outcome.kind === "pending") return "pending";
  return outcome.errno ?? outcome.reason;
}

async function logProblems(
  part: Unread | Observed<LogPart>,
  wanted: readonly (string | RegExp)[],
  place: Place,
): Promise<string[]> {
  if (isUnread(part)) return [`the kernel log could not be read: ${part.errno}`];
  const lines = part.lines
    .map((line) => place.named(line.replace(/^\[[ \d.]+\] /, "")))
    .filter((line) => !NOISE.test(line));
  if (part.lost > 0) return [`${part.lost} lines of the kernel log were lost`];
  if (wanted.length === 0) return lines.length === 0 ? [] : [`nothing to be logged, yet: ${list(lines)}`];
  let at = 0;
  for (const line of wanted) {
    const text = typeof line === "string" ? place.named(await place.resolve(line)) : line;
    const found = lines.findIndex(
      (seen, index) => index >= at && (text instanceof RegExp ? text.test(seen) : text === seen),
    );
    if (found < 0) return [`log: ${text} expected, among ${list(lines)}`];
    at = found + 1;
  }
  return [];
}

function errnoWanted(expect: string | RegExp | { readonly errno: string } | readonly string[]): string {
  return typeof expect === "object" && "errno" in expect ? expect.errno : "ok";
}

function differs(wanted: string, got: string): string[] {
  return wanted === got ? [] : [`${wanted || "nothing"} expected, ${got || "nothing"} came`];
}

/** A value that fills a page is told by its beginning. */
function shortened(value: string): string {
  const text = JSON.stringify(value);
  return text.length <= LONG ? text : `${text.slice(0, LONG)}… (${value.length} characters)`;
}

function list(texts: readonly string[]): string {
  return `[${texts.join(", ")}]`;
}

/** One line, as a person would write the step. */
function describeStep(step: Step): string {
  if ("write" in step) return `write ${shortened(step.value)} to ${step.write}`;
  if ("read" in step) return `read ${step.read}`;
  if ("link" in step) return `link ${step.link}`;
  if ("list" in step) return `list ${step.list}`;
  if ("setVf" in step) return `set VF ${JSON.stringify(step.setVf)}`;
  if ("setLink" in step) return `set link ${step.netdev} ${JSON.stringify(step.setLink)}`;
  if ("vfInfo" in step) return `VF ${step.vfInfo} as rtnetlink tells`;
  return step.call;
}

/** The steps that are of this Linux, each with its place in the script. */
export function stepsFor(script: ConformanceScript, release: string): readonly (readonly [number, Step])[] {
  return [...script.steps.entries()].filter(([, step]) => holds(step, release));
}

function holds({ since, before }: Step, release: string): boolean {
  return (since === undefined || !isOlder(release, since)) && (before === undefined || isOlder(release, before));
}

function isOlder(release: string, version: string): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [thatMajor = 0, thatMinor = 0] = version.split(".").map(Number);
  return major !== thatMajor ? major < thatMajor : minor < thatMinor;
}
