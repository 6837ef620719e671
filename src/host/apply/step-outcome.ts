import type { ErrorCode } from "../../errors/catalogue.ts";
import { CATALOGUE } from "../../errors/catalogue.ts";
import type { Observed, Unread } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";
import type { Failed } from "../../kernel/port-outcome.ts";
import type { Guests } from "../guest-port.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Step, StepKind, StepOf } from "../plan/step.ts";
import type { Clock } from "./clock.ts";
import type { OperationFailure } from "./operation.ts";
import type { Patience } from "./patience.ts";

/** What a step is done with. */
export interface StepContext {
  readonly kernel: ChangeableKernel;
  /** Left out where the host's guests cannot be spoken to. */
  readonly guests?: Guests;
  readonly clock: Clock;
  readonly patience: Patience;
  /** Nobody waits any longer: the operation is left to `recover`. */
  readonly abandon?: AbortSignal;
  /** Whether this operation has made the PF's VFs: the plan could not know how they would be. */
  isFresh(pf: PfAddress): boolean;
  /** `PfState.vfioVariant` */
  variantOf(pf: PfAddress): Observed<string | null>;
  /** The kernel keeps one waiting. */
  onLongWrite(target: string): void;
}

/** What came of a step. Kernel log lines are put to it by who runs it. */
export type StepOutcome =
  | { readonly kind: "done"; readonly evidence: string }
  | { readonly kind: "failed"; readonly failure: StepFailure }
  /** The kernel has not answered; what will come of it is not known. */
  | { readonly kind: "pending"; readonly failure: StepFailure };

export interface StepFailure extends Omit<OperationFailure, "log" | "code"> {
  readonly code: ErrorCode;
  /** The kernel's refusal itself: the log lines may tell its cause. */
  readonly refused?: true;
}

/** What the hardware shows of a step: not done yet, done, something else, or nothing. */
export type Look =
  | { readonly kind: "before" | "unreadable" }
  | { readonly kind: "after" | "other"; readonly evidence: string };

/** How one kind of step is done, and looked at. */
export interface Executor<Kind extends StepKind> {
  /** Writes, and reads back what came of it. */
  run(step: StepOf<Kind>, context: StepContext): Promise<StepOutcome>;
  look(step: StepOf<Kind>, context: StepContext): Promise<Look>;
}

export type Executors = { readonly [Kind in StepKind]: Executor<Kind> };

export const BEFORE: Look = { kind: "before" };
export const UNREADABLE: Look = { kind: "unreadable" };

export function done(evidence: string): StepOutcome {
  return { kind: "done", evidence };
}

interface FailureParts {
  readonly remedy?: string;
  readonly errno?: string | null;
  readonly target?: string;
  readonly value?: string;
}

export function failure(code: ErrorCode, message: string, parts: FailureParts = {}): StepFailure {
  const { remedy = CATALOGUE[code].remedy, errno = null, target = null, value = null } = parts;
  return { code, message, remedy, errno, target, value };
}

/** A failure that is no step's: the kernel's log has nothing on it. */
export function operationFailure(code: ErrorCode, message: string): OperationFailure {
  return { ...failure(code, message), log: [] };
}

export function fail(code: ErrorCode, message: string, parts?: FailureParts): StepOutcome {
  return { kind: "failed", failure: failure(code, message, parts) };
}

/** The kernel refused a write. */
export function refused({ target, value, errno, reason }: Failed): StepOutcome {
  const message = `${target}: ${JSON.stringify(value)} was refused: ${reason}`;
  return { kind: "failed", failure: { ...failure("VFL-0301", message, { errno, target, value }), refused: true } };
}

/** What must be known for a step could not be read. */
export function notReadable({ path, errno, reason }: Unread): StepOutcome {
  return fail("VFL-0303", `${path} cannot be read: ${reason}`, { errno, target: path });
}

/** The step and where it works, for a person. */
export function stepText(step: Step): string {
  const where = "pf" in step ? ` of ${step.pf}` : "";
  const vf = "vfIndex" in step ? ` VF ${step.vfIndex}` : "";
  return `${step.kind}${where}${vf}`;
}
