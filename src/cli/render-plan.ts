import { isRefused, type PfPlan, type Plan } from "../host/plan/plan.ts";
import type { HostState, PfState } from "../host/state/host-state.ts";
import { duration, plural } from "../host/words/amounts.ts";
import { pfChanges } from "../host/words/pf-changes.ts";
import { planWords } from "../host/words/plan-words.ts";
import { type ToldRefusal, toldRefusals } from "../host/words/told-refusals.ts";
import { vfChanges } from "../host/words/vf-changes.ts";
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
  if (plan.refusals.length > 0)
    paragraphs.push(toldRefusals(plan.refusals).flatMap((each) => refusalLines("refused", each)));
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
  return planWords(plan).replace(/^refused/, (word) => paint("bad", word));
}

function pfLines(plan: PfPlan, pf: PfState | undefined, wantedBy: readonly string[]): string[] {
  const head = [paint("strong", plan.pf), pf ? pfName(pf) : "", paint("faint", wantedBy.join(", "))];
  return [
    head.filter((part) => part !== "").join("  "),
    ...toldRefusals(plan.refusals).flatMap((each) => refusalLines("refused", each)),
    ...toldRefusals(plan.warnings).flatMap((each) => refusalLines("note", each)),
    ...pfChanges(plan).map(({ what, text, note }) => keyLine(what, note === "" ? text : `${text}   ${note}`)),
    ...vfChanges(plan.steps).flatMap(({ vfs, text }) => keyLines(vfs, text)),
    ...affectedLines(plan),
    ...(plan.steps.length > 0 && plan.refusals.length === 0
      ? [paint("faint", keyLine("time", `about ${duration(plan.expectedMs)}`))]
      : []),
  ];
}

function refusalLines(word: "refused" | "note", { code, summary, facts: told, users, remedy }: ToldRefusal): string[] {
  const [tone, key] = word === "refused" ? (["bad", "instead"] as const) : (["warn", "to know"] as const);
  const [first = "", ...more] = wrapWords(summary, TEXT_AT + code.length + 2);
  const lines = [`${" ".repeat(INDENT)}${paint(tone, word.padEnd(KEY_WIDTH))}${code}  ${first}`];
  for (const line of more) lines.push(`${" ".repeat(TEXT_AT + code.length + 2)}${line}`);
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

function keyLines(key: string, text: string): string[] {
  return wrapWords(text, TEXT_AT).map((line, index) => keyLine(index === 0 ? key : "", line));
}

function keyLine(key: string, text: string): string {
  const wide = key.length >= KEY_WIDTH ? `${key}  ` : key.padEnd(KEY_WIDTH);
  return `${" ".repeat(INDENT)}${wide}${text}`;
}
