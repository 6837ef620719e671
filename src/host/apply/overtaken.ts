import type { PfAddress } from "../pf-address.ts";
import { pfOf } from "../plan/step.ts";
import type { Operation, OperationFailure, OperationState, OperationStore } from "./operation.ts";
import { isSamePf } from "./recorded-pfs.ts";
import { operationFailure } from "./step-outcome.ts";

/** By an operation's PF, the newest operation that has changed something on it since. */
export type Overtaken = ReadonlyMap<PfAddress, number>;

/** Of what was taken back nothing stands; what overtook one that is overtaken tells of itself. */
const STANDS: ReadonlySet<OperationState> = new Set(["settled", "stuck", "applying", "undoing"]);

/**
 * The PFs of an operation on which a newer one has changed something that stands: the newer one was planned from what this one had
 * left, so going back here would undo it, too.
 * @throws VfleetError VFL-0309 where the record of a newer one does not tell
 */
export async function overtakenPfs({ number, pfs }: Operation, store: OperationStore): Promise<Overtaken> {
  const overtaken = new Map<PfAddress, number>();
  for (const each of await store.numbers()) {
    const newer = each > number ? await store.read(each) : undefined;
    if (newer === undefined || !STANDS.has(newer.state)) continue;
    const changed = changedPfs(newer);
    for (const pf of pfs) {
      if (newer.pfs.some((other) => changed.has(other.bdf) && isSamePf(pf, other))) overtaken.set(pf.bdf, each);
    }
  }
  return overtaken;
}

/** @param back PFs that are taken back beside those that are overtaken */
export function overtakenFailure(
  overtaken: Overtaken,
  back: readonly PfAddress[],
  cause: OperationFailure,
): OperationFailure {
  const ofOperation = Map.groupBy(overtaken, ([, number]) => number);
  const parts = [...ofOperation].map(
    ([number, pfs]) =>
      `operation ${number} has changed ${pfs.map(([pf]) => pf).join(", ")} since, which stays as it is`,
  );
  if (back.length > 0) parts.push(`taken back: ${back.join(", ")}`);
  return operationFailure("VFL-0313", `${parts.join("; ")} (after: ${cause.message})`);
}

/** Whether a step that had begun had an effect nobody may have written down. */
function changedPfs({ steps, events }: Operation): ReadonlySet<PfAddress> {
  let current = steps;
  const changed = new Set<PfAddress>();
  for (const event of events) {
    if (event.event === "undoBegun") current = event.steps;
    const step = event.event === "stepBegun" ? current[event.step] : undefined;
    const pf = step && pfOf(step);
    if (pf !== undefined) changed.add(pf);
  }
  return changed;
}
