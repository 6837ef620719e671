import type { Operation } from "../apply/operation.ts";
import type { MigrationPhase } from "./planned-move.ts";
import { type SeenTraffic, withoutTrafficMs } from "./traffic-watch.ts";

/** What was measured of a move; null where it was not. */
export interface MigrationTimes {
  readonly phases: readonly { readonly phase: MigrationPhase; readonly atMs: number }[];
  /** While no processor of the guest ran. */
  readonly downtimeMs: number | null;
  /** From the VF that it gave up to the one that it was given. */
  readonly withoutVfMs: number | null;
  /** While packets to it got no answer, as exact as they were close. */
  readonly withoutTrafficMs: number | null;
  /** By whom that was seen; null where nobody sent: a host cannot tell. */
  readonly traffic: SeenTraffic | null;
}

/** By the records, since the operation began. */
export function migrationTimes({ startedAt, events, migration }: Operation): MigrationTimes {
  const began = Date.parse(startedAt);
  const told = events.flatMap((event) => (event.event === "phase" ? [event] : []));
  const phases = told.map(({ phase, at }) => ({ phase, atMs: Date.parse(at) - began }));
  const at = (wanted: MigrationPhase) => phases.findLast(({ phase }) => phase === wanted)?.atMs;
  // By VFIO it is never without.
  const [from, to] = migration?.method === "vfio" ? [] : [at("moving"), at("plugged")];
  const traffic = seenTraffic(events);
  return {
    phases,
    downtimeMs: told.findLast(({ downtimeMs }) => downtimeMs !== undefined)?.downtimeMs ?? null,
    withoutVfMs: from === undefined || to === undefined ? null : to - from,
    withoutTrafficMs: traffic && withoutTrafficMs(traffic),
    traffic,
  };
}

function seenTraffic(events: Operation["events"]): SeenTraffic | null {
  const told = events.findLast((event) => event.event === "traffic");
  if (told === undefined) return null;
  const { at: _at, event: _event, ...traffic } = told;
  return traffic;
}
