import type { HostObject, OperationObject, VirtualFunctionObject } from "../api/objects.ts";
import { type MachinePlan, placesOf } from "./machine-plan.ts";
import type { MachineRates } from "./machine-rates.ts";
import { dropsOf } from "./machine-rates.ts";
import type { Rate } from "./traffic.ts";
import { type VfStateWord, vfProblems, vfStateOf } from "./vf-state.ts";
import { pfProblems } from "./words.ts";

/** Something that needs a look, and where that is. */
export interface Problem {
  /** The name of the object, which the drawing can choose; undefined of the host itself. */
  readonly at: string | undefined;
  /** A page that says more, below the host's. */
  readonly page?: string;
  readonly words: string;
}

export interface MachineSummary {
  readonly problems: readonly Problem[];
  readonly counts: Readonly<Record<VfStateWord, number>>;
  /** How many VFs could be made beside those that are there. */
  readonly canBeMade: number;
  readonly users: readonly { readonly label: string; readonly vfs: number }[];
}

/** Is anything wrong, what is free, who uses what. */
export function summarize(
  plan: MachinePlan,
  host: HostObject | undefined,
  operations: readonly OperationObject[],
  rates: MachineRates,
): MachineSummary {
  const vfs = plan.bars.flatMap(({ cells }) => cells.filter((vf) => vf !== undefined));
  const counts = { free: 0, configured: 0, "in use": 0, unclear: 0 };
  for (const vf of vfs) counts[vfStateOf(vf)]++;
  return {
    problems: [
      ...hostProblems(host),
      ...operations.filter(({ status }) => status.state === "stuck").map(stuckProblem),
      ...together(
        "PFs",
        plan.bars.map((bar) => {
          const { name } = bar.pf.metadata;
          return { at: name, name, problems: pfProblems(bar) };
        }),
      ),
      ...together(
        "VFs",
        vfs.map((vf) => problemsOf(vf, rates.ofVf(vf.metadata.name))),
      ),
    ],
    counts,
    canBeMade: plan.bars.reduce((sum, bar) => sum + placesOf(bar), 0),
    users: plan.holders
      .filter((holder) => holder.vfs.length > 0)
      .map((holder) => ({ label: holder.label, vfs: holder.vfs.length }))
      .sort((a, b) => b.vfs - a.vfs),
  };
}

function hostProblems(host: HostObject | undefined): readonly Problem[] {
  switch (host?.status.desired) {
    case "refused":
      return [{ at: undefined, page: "change", words: "what is desired of this host is refused" }];
    case "invalid":
      return [{ at: undefined, page: "change", words: "a document of what is desired is wrong" }];
    case "differs":
      return [{ at: undefined, page: "change", words: "this host differs from what is desired of it" }];
    default:
      return [];
  }
}

function stuckProblem({ status }: OperationObject): Problem {
  const { number, failure, pfs } = status;
  return {
    at: pfs[0],
    page: `operations/${number}`,
    words: `operation ${number} is stuck${failure ? `: ${failure.message}` : ""}`,
  };
}

interface Troubled {
  readonly at: string;
  readonly name: string;
  readonly problems: readonly string[];
}

function problemsOf(vf: VirtualFunctionObject, rate: Rate | undefined): Troubled {
  const { pf, vfIndex } = vf.status;
  return { at: vf.metadata.name, name: `VF ${vfIndex} of ${pf}`, problems: vfProblems(vf, dropsOf(rate)) };
}

/** The same trouble of many is one problem, found at the first of them. */
function together(kind: string, all: readonly Troubled[]): readonly Problem[] {
  const byWords = new Map<string, Troubled[]>();
  for (const each of all) {
    for (const words of each.problems) {
      const known = byWords.get(words);
      if (known === undefined) byWords.set(words, [each]);
      else known.push(each);
    }
  }
  return [...byWords].map(([words, those]) => {
    const [{ at, name }] = those as [Troubled];
    return { at, words: `${those.length === 1 ? name : `${those.length} ${kind}`}: ${words}` };
  });
}
