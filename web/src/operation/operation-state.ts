import type { OperationState } from "../../../src/host/apply/operation.ts";
import { duration } from "../../../src/host/words/amounts.ts";

export interface StateMark {
  readonly tone: "good" | "warn" | "bad" | "muted";
  /** Beside the colour, which not everybody sees. */
  readonly mark: string;
}

const MARKS: Readonly<Record<OperationState, StateMark>> = {
  settled: { tone: "good", mark: "✔" },
  undone: { tone: "warn", mark: "↺" },
  stuck: { tone: "bad", mark: "✖" },
  overtaken: { tone: "muted", mark: "?" },
  applying: { tone: "warn", mark: "●" },
  undoing: { tone: "warn", mark: "↺" },
};

export function markOf(state: OperationState): StateMark {
  return MARKS[state];
}

/** Whether more will come of it. */
export function isGoingOn(state: OperationState): boolean {
  return state === "applying" || state === "undoing";
}

interface Spent {
  readonly startedAt: string;
  readonly endedAt: string | null;
}

/** How long it took; of one that goes on, so far. */
export function took({ startedAt, endedAt }: Spent, now: number): string {
  const end = endedAt === null ? now : Date.parse(endedAt);
  return duration(Math.max(end - Date.parse(startedAt), 0));
}
