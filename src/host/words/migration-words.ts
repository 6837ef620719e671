import type { MigrationTimes } from "../migrate/migration-times.ts";
import type { PlannedMove } from "../migrate/planned-move.ts";
import { duration } from "./amounts.ts";

/** `model:web to model:b.yaml by VFIO, with its VF's state`; `null`: there is no way. */
export function moveWords(move: PlannedMove | null): string {
  if (move === null) return "the guest cannot be moved (VFL-0412)";
  const by = move.method === "vfio" ? "by VFIO, with its VF's state" : "by the failover pair";
  const vf = move.destinationVf === null ? "" : `, from ${move.sourceVf.bdf} to ${move.destinationVf.bdf}`;
  return `${move.guest} to ${move.destination} ${by}${vf}`;
}

/** How long what took, each with its name. */
export function timesWords({ downtimeMs, withoutVfMs }: MigrationTimes): ReadonlyArray<readonly [string, string]> {
  return [
    ["stood still", downtimeMs === null ? "not told" : `${downtimeMs} ms`],
    ...(withoutVfMs === null ? [] : ([["by standby", duration(withoutVfMs)]] as const)),
    ["no traffic", "not measured: nobody sent to the guest in order to know"],
  ];
}
