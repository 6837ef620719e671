import type { Refusal } from "../plan/plan.ts";
import { vfsText } from "./vf-changes.ts";

/** A refusal or a note as a person reads it: those that say the same of several VFs are one. */
export interface ToldRefusal extends Pick<Refusal, "code" | "summary" | "users" | "remedy"> {
  /** What it rests on, and the summary does not say already; nothing where `users` say it. */
  readonly facts: readonly string[];
}

/** Refusals, those that say the same of several VFs as one. */
export function toldRefusals(list: readonly Refusal[]): readonly ToldRefusal[] {
  const same = Map.groupBy(list, (each) =>
    JSON.stringify({ ...each, vfIndex: undefined, summary: withoutVf(each), users: each.users ?? null }),
  );
  return [...same.values()].flatMap((each) => {
    const [first] = each;
    if (first === undefined) return [];
    const vfs = each.flatMap(({ vfIndex }) => vfIndex ?? []);
    if (each.length === 1 || vfs.length < each.length) return each.map(told);
    return [told({ ...first, summary: withoutVf(first).replace("VF *", () => vfsText(vfs)) })];
  });
}

function told({ code, summary, evidence, users, remedy }: Refusal): ToldRefusal {
  const facts = users === undefined ? evidence.map(({ fact }) => fact).filter((fact) => !summary.includes(fact)) : [];
  return { code, summary, remedy, facts, ...(users === undefined ? {} : { users }) };
}

function withoutVf({ summary, vfIndex }: Refusal): string {
  return vfIndex === undefined ? summary : summary.replace(new RegExp(`\\bVF ${vfIndex}\\b`), "VF *");
}
