import { isRefused, isSettled, type PfPlan, type Plan, type Refusal } from "../host/plan/plan.ts";
import type { Step, StepKind, StepOf } from "../host/plan/step.ts";
import type { HostState, PfState } from "../host/state/host-state.ts";
import { duration, plural } from "../host/words/amounts.ts";
import { linkChange } from "../host/words/step-words.ts";
import { vfChanges, vfsText } from "../host/words/vf-changes.ts";
import { pfName } from "./pf-name.ts";
import { paint, wrapWords } from "./terminal.ts";

const INDENT = 2;
const KEY_WIDTH = 14;
const TEXT_AT = INDENT + KEY_WIDTH;
const FACT_AT = TEXT_AT + 2;
/** Facts and users that are told one by one; of more, the first ones. */
const MOST_FACTS = 8;

/**
 * A plan for a person: refusals first, then PF by PF what would change, old -> new, who would notice, and how long it takes.
 * @returns lines
 */
export function renderPlan(plan: Plan, state: HostState): string[] {
  const paragraphs: string[][] = [];
  if (plan.refusals.length > 0) paragraphs.push(refusalList("refused", plan.refusals));
  const shown = plan.pfs.filter(
    ({ steps, refusals, warnings }) => steps.length + refusals.length + warnings.length > 0,
  );
  const refused = ({ refusals }: PfPlan) => (refusals.length > 0 ? 0 : 1);
  for (const pfPlan of shown.toSorted((a, b) => refused(a) - refused(b))) {
    const pf = state.pfs.find(({ bdf }) => bdf === pfPlan.pf);
    const wantedBy = plan.desired.find((each) => each.pf === pfPlan.pf)?.wantedBy ?? [];
    paragraphs.push(pfLines(pfPlan, pf, wantedBy));
  }
  const settled = plan.pfs.length - shown.length;
  // Where something is refused, that a PF has no steps says nothing of it.
  if (settled > 0 && paragraphs.length > 0 && !isRefused(plan)) {
    paragraphs.push([paint("faint", `${plural(settled, "PF")} ${settled === 1 ? "is" : "are"} as wished already`)]);
  }
  return paragraphs.flatMap((lines, index) => (index === 0 ? lines : ["", ...lines]));
}

/** The last line: what comes of it. */
export function planSummary(plan: Plan): string {
  if (isRefused(plan)) return `${paint("bad", "refused")}: nothing was changed`;
  if (isSettled(plan)) return plan.pfs.length === 0 ? "nothing is wanted" : "nothing to do: all is as wished";
  const pfs = plan.pfs.filter(({ steps }) => steps.length > 0);
  const steps = pfs.reduce((sum, pf) => sum + pf.steps.length, 0);
  // PFs are changed side by side.
  const time = duration(Math.max(...pfs.map(({ expectedMs }) => expectedMs)));
  return `${plural(steps, "step")} on ${plural(pfs.length, "PF")}, about ${time}`;
}

function pfLines(plan: PfPlan, pf: PfState | undefined, wantedBy: readonly string[]): string[] {
  const head = [paint("strong", plan.pf), pf ? pfName(pf) : "", paint("faint", wantedBy.join(", "))];
  return [
    head.filter((part) => part !== "").join("  "),
    ...refusalList("refused", plan.refusals),
    ...refusalList("note", plan.warnings),
    ...pfChanges(plan),
    ...vfChanges(plan.steps).flatMap(({ vfs, text }) => keyLines(vfs, text)),
    ...affectedLines(plan),
    ...(plan.steps.length > 0 && plan.refusals.length === 0
      ? [paint("faint", keyLine("time", `about ${duration(plan.expectedMs)}`))]
      : []),
  ];
}

/** Those that say the same of several VFs are one. */
function refusalList(word: "refused" | "note", list: readonly Refusal[]): string[] {
  const same = Map.groupBy(list, (each) =>
    JSON.stringify({ ...each, vfIndex: undefined, summary: withoutVf(each), users: each.users ?? null }),
  );
  return [...same.values()].flatMap((each) => {
    const [first] = each;
    if (first === undefined) return [];
    const vfs = each.flatMap(({ vfIndex }) => vfIndex ?? []);
    if (each.length === 1 || vfs.length < each.length) return each.flatMap((one) => refusalLines(word, one));
    return refusalLines(word, { ...first, summary: withoutVf(first).replace("VF *", () => vfsText(vfs)) });
  });
}

function withoutVf({ summary, vfIndex }: Refusal): string {
  return vfIndex === undefined ? summary : summary.replace(new RegExp(`\\bVF ${vfIndex}\\b`), "VF *");
}

function refusalLines(word: "refused" | "note", { code, summary, evidence, users, remedy }: Refusal): string[] {
  const [tone, key] = word === "refused" ? (["bad", "instead"] as const) : (["warn", "to know"] as const);
  const [first = "", ...more] = wrapWords(summary, TEXT_AT + code.length + 2);
  const lines = [`${" ".repeat(INDENT)}${paint(tone, word.padEnd(KEY_WIDTH))}${code}  ${first}`];
  for (const line of more) lines.push(`${" ".repeat(TEXT_AT + code.length + 2)}${line}`);
  const told = evidence.map(({ fact }) => fact).filter((fact) => !summary.includes(fact));
  const facts = users?.map(({ vfIndex, user }) => `VF ${vfIndex}  ${user.evidence}`) ?? told;
  for (const fact of facts.slice(0, MOST_FACTS)) {
    lines.push(...wrapWords(fact, FACT_AT).map((line) => `${" ".repeat(FACT_AT)}${line}`));
  }
  if (facts.length > MOST_FACTS) lines.push(`${" ".repeat(FACT_AT)}and ${facts.length - MOST_FACTS} more (--json)`);
  return remedy === "" ? lines : [...lines, ...keyLines(key, remedy)];
}

function affectedLines({ affected }: PfPlan): string[] {
  const lines = affected
    .slice(0, MOST_FACTS)
    .flatMap(({ vfIndex, user, how }) => keyLines("notices", `VF ${vfIndex}: ${how}; ${user.evidence}`));
  if (affected.length > MOST_FACTS) lines.push(keyLine("", `and ${affected.length - MOST_FACTS} more (--json)`));
  return lines;
}

/** What the steps change of the PF itself. */
function pfChanges({ steps, resetsAllVfs }: PfPlan): string[] {
  const of = <Kind extends StepKind>(kind: Kind) =>
    steps.filter((step: Step): step is StepOf<Kind> => step.kind === kind);
  const lines = of("loadModule").map(({ module }) => keyLine("module", `load ${module}`));
  for (const { from, to, netdev } of of("setPfMtu")) lines.push(keyLine("MTU", `${from} -> ${to}   ${netdev}`));
  // Waiting for a link that was brought up before is no change of its own.
  for (const step of of("setPfUp").filter(({ from, to }, place) => from !== to || place === 0)) {
    lines.push(keyLine("link", `${step.from === step.to ? "is waited for" : linkChange(step)}   ${step.netdev}`));
  }
  for (const { from, to } of of("setEswitchMode")) lines.push(keyLine("eSwitch", `${from} -> ${to}`));
  const numVfs = of("setNumVfs");
  const [first] = numVfs;
  const last = numVfs.at(-1);
  if (first && last) {
    const anew = last.to > 0 ? ", and makes them anew" : "";
    const note = resetsAllVfs && first.from > 0 ? `   takes every VF of this PF away${anew}` : "";
    lines.push(keyLine("numVfs", `${first.from} -> ${last.to}${note}`));
  }
  return lines;
}

function keyLines(key: string, text: string): string[] {
  return wrapWords(text, TEXT_AT).map((line, index) => keyLine(index === 0 ? key : "", line));
}

function keyLine(key: string, text: string): string {
  const wide = key.length >= KEY_WIDTH ? `${key}  ` : key.padEnd(KEY_WIDTH);
  return `${" ".repeat(INDENT)}${wide}${text}`;
}
