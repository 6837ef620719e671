import type { DesiredPf } from "../desired/desired-pf.ts";
import type { Plan, Refusal } from "../plan/plan.ts";
import type { Step } from "../plan/step.ts";
import type { HostState, PfState } from "../state/host-state.ts";
import { stepText } from "./step-outcome.ts";

/** How an operation sees the host and what would be left to do: to verify itself, and to go back. */
export interface Planning {
  observe(): Promise<HostState>;
  plan(state: HostState, desired: readonly DesiredPf[]): Plan | Promise<Plan>;
  /** What is there, in the words of what is wanted. @param vfIndexes of which VFs; all where left out */
  desiredOf(pf: PfState, vfIndexes?: readonly number[]): DesiredPf;
}

/** All steps in one list: what is the whole host's first, and once; then PF by PF. */
export function stepsOf({ pfs }: Plan): readonly Step[] {
  const all = pfs.flatMap(({ steps }) => steps);
  const modules = new Map(all.flatMap((step) => (step.kind === "loadModule" ? [[step.module, step] as const] : [])));
  return [...modules.values(), ...all.filter(({ kind }) => kind !== "loadModule")];
}

export function refusalsOf({ refusals, pfs }: Plan): readonly Refusal[] {
  return [...refusals, ...pfs.flatMap((pf) => pf.refusals)];
}

/** What a plan still has to do, or why it may not, for a person; undefined where nothing is left. */
export function leftOf(plan: Plan): string | undefined {
  const refused = refusalsOf(plan).map(({ code, summary }) => `${summary} (${code})`);
  const left = [...refused, ...stepsOf(plan).map(stepText)];
  return left.length === 0 ? undefined : left.join("; ");
}
