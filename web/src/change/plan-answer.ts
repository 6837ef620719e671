import type { MigrationVerdict } from "../../../src/host/migrate/migration-port.ts";
import type { Plan } from "../../../src/host/plan/plan.ts";
import { pfChanges } from "../../../src/host/words/pf-changes.ts";
import { vfChanges } from "../../../src/host/words/vf-changes.ts";

/** A plan as the server made it: it is kept for a while, and done as it was shown or not at all. */
export interface PlanAnswer {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly verdict: "refused" | "settled" | "changes";
  readonly plan: Plan;
  /** Of a guest that is to move: whether it can be moved, and how. */
  readonly migration?: MigrationVerdict | null;
  /** Claims whose time is over: what they have stays reserved. */
  readonly ended?: ReadonlyArray<{ readonly claim: string; readonly why: string }>;
  /** ISO 8601 */
  readonly expiresAt: string;
}

/** What has come into a plan and gone out of it since an earlier one, as lines for a person. */
export interface PlanDifference {
  readonly gone: readonly string[];
  readonly come: readonly string[];
}

export function planDifference(before: PlanAnswer, now: PlanAnswer): PlanDifference {
  const [was, is] = [planLines(before), planLines(now)];
  const [old, fresh] = [new Set(was), new Set(is)];
  return { gone: was.filter((line) => !fresh.has(line)), come: is.filter((line) => !old.has(line)) };
}

function planLines({ plan, migration }: PlanAnswer): readonly string[] {
  const refusals = [...plan.refusals, ...plan.pfs.flatMap((pf) => pf.refusals)];
  return [
    ...refusals.map(({ code, summary }) => `refused: ${summary} (${code})`),
    ...(migration?.checks ?? []).map(({ check, result, summary }) => `${check}: ${result}, ${summary}`),
    ...plan.pfs.flatMap((pf) => [
      ...pfChanges(pf).map(({ what, text }) => `${pf.pf}  ${what} ${text}`),
      ...vfChanges(pf.steps).map(({ vfs, text }) => `${pf.pf}  ${vfs} ${text}`),
    ]),
  ];
}
