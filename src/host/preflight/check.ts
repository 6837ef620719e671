import { isUnread, type Observed, type Unread } from "../../kernel/port.ts";

/** A fact that a check rests on, and where it was read. */
export interface Evidence {
  readonly fact: string;
  /** A path, a register, a kernel log line; undefined where the fact is derived from the others. */
  readonly from?: string;
}

/** What one check found, for a number of VFs. */
export interface Finding {
  /** A stable name in kebab-case. */
  readonly check: string;
  /** A stable code; `vfleet explain CODE` tells more. */
  readonly code: string;
  readonly result: "pass" | "warn" | "refuse" | "unknown";
  /** The answer in one line. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  /** What to do; where something is wrong. */
  readonly remedy?: string;
  /** The most VFs that this check does not refuse; left out where the number makes no difference to it. */
  readonly largest?: number;
  /** What the kernel answers to a write of the number to sriov_numvfs, where it is the kernel that refuses it. */
  readonly errno?: string;
}

/** The outcome of a check before its name and code are put to it. */
export type Outcome = Omit<Finding, "check" | "code">;

export function pass(summary: string, evidence: readonly Evidence[] = [], largest?: number): Outcome {
  return outcome("pass", summary, evidence, undefined, largest);
}

export function warn(summary: string, remedy: string, evidence: readonly Evidence[] = [], largest?: number): Outcome {
  return outcome("warn", summary, evidence, remedy, largest);
}

/** @param errno the kernel's own answer; none where the write succeeds and the VFs are of no use, or too few. */
export function refuse(
  summary: string,
  remedy: string,
  evidence: readonly Evidence[] = [],
  largest?: number,
  errno?: string,
): Outcome {
  const refusal = outcome("refuse", summary, evidence, remedy, largest);
  return errno === undefined ? refusal : { ...refusal, errno };
}

/** @param missing what could not be read; its reason becomes evidence. */
export function unknown(
  summary: string,
  missing: Unread | undefined,
  evidence: readonly Evidence[] = [],
  remedy?: string,
): Outcome {
  const why = missing ? [{ fact: missing.reason, from: missing.path }] : [];
  return outcome("unknown", summary, [...evidence, ...why], remedy, undefined);
}

/** The first of several observations that could not be made. */
export function firstUnread(...values: readonly Observed<unknown>[]): Unread | undefined {
  return values.find(isUnread);
}

function outcome(
  result: Outcome["result"],
  summary: string,
  evidence: readonly Evidence[],
  remedy: string | undefined,
  largest: number | undefined,
): Outcome {
  return {
    result,
    summary,
    evidence,
    ...(remedy === undefined ? {} : { remedy }),
    ...(largest === undefined ? {} : { largest }),
  };
}
