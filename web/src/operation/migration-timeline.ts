import type { MigrationTimes } from "../../../src/host/migrate/migration-times.ts";
import type { MigrationPhase } from "../../../src/host/migrate/planned-move.ts";

/** A phase of a move on a line of time. */
export interface PhaseSpan {
  readonly phase: MigrationPhase;
  readonly atMs: number;
  /** Until the next began, or the operation ended; null of one that goes on. */
  readonly lastsMs: number | null;
  /** Of the line, from 0 to 1. */
  readonly from: number;
  readonly share: number;
}

/** What each phase is, for who does not know the names. */
export const PHASE_WORDS: Readonly<Record<MigrationPhase, string>> = {
  prepared: "the destination listens",
  unplugging: "the guest lets go of its VF",
  moving: "its memory moves",
  moved: "it runs at the destination",
  plugged: "it has its VF there",
  rollingBack: "it is called back",
  rolledBack: "it stays where it was",
};

/** @param endMs how long it all took, or has taken so far */
export function phaseSpans({ phases }: MigrationTimes, endMs: number, isOver: boolean): readonly PhaseSpan[] {
  const whole = Math.max(endMs, ...phases.map(({ atMs }) => atMs), 1);
  return phases.map(({ phase, atMs }, place) => {
    const next = phases[place + 1]?.atMs;
    const until = next ?? whole;
    return {
      phase,
      atMs,
      lastsMs: next === undefined && !isOver ? null : until - atMs,
      from: atMs / whole,
      share: (until - atMs) / whole,
    };
  });
}
