import type { MigrationTimes } from "../migrate/migration-times.ts";
import type { PlannedMove } from "../migrate/planned-move.ts";
import type { SeenTraffic } from "../migrate/traffic-watch.ts";
import { duration } from "./amounts.ts";

/** `model:web to model:b.yaml by VFIO, with its VF's state`; `null`: there is no way. */
export function moveWords(move: PlannedMove | null): string {
  if (move === null) return "the guest cannot be moved (VFL-0412)";
  const by = move.method === "vfio" ? "by VFIO, with its VF's state" : "by the failover pair";
  const pairs = move.vfs.flatMap(({ source, destination }) =>
    destination === null ? [] : [`from ${source.bdf} to ${destination.bdf}`],
  );
  return [`${move.guest} to ${move.destination} ${by}`, ...pairs].join(", ");
}

/** How long what took, each with its name. */
export function timesWords(times: MigrationTimes): ReadonlyArray<readonly [string, string]> {
  const { downtimeMs, withoutVfMs, withoutTrafficMs, traffic } = times;
  return [
    ["stood still", downtimeMs === null ? "not told" : `${downtimeMs} ms`],
    ...(withoutVfMs === null ? [] : ([["by standby", duration(withoutVfMs)]] as const)),
    ["no traffic", withoutTrafficMs === null ? `not measured: ${whyUnmeasured(traffic)}` : exactly(withoutTrafficMs)],
    ...(traffic === null ? [] : ([["packets", trafficWords(traffic)]] as const)),
  ];
}

/** `412 answered, 17 lost; one each 50 ms, by ping 10.0.0.10`. */
function trafficWords({ answered, lost, intervalMs, by }: SeenTraffic): string {
  return `${answered} answered${lost === null ? "" : `, ${lost} lost`}; one each ${intervalMs} ms, by ${by}`;
}

/** Of the model's clock a millisecond counts. */
function exactly(ms: number): string {
  return ms < 1000 ? `${ms} ms` : duration(ms);
}

function whyUnmeasured(traffic: SeenTraffic | null): string {
  return (
    traffic?.unmeasured ??
    "nobody sent to the guest in order to know (--probe ADDRESS; of the model flows at both ends)"
  );
}

/** What was seen of a guest's traffic, as an event. */
export function trafficFact(traffic: SeenTraffic): string {
  const { longestGapMs, unmeasured } = traffic;
  const gap = longestGapMs === null ? [] : [`the longest time between two was ${exactly(longestGapMs)}`];
  return [trafficWords(traffic), ...gap, ...(unmeasured === null ? [] : [unmeasured])].join("; ");
}
