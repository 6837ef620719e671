import { isPending, type Outcome, type Waiting, type Within } from "../../kernel/port-outcome.ts";
import { failure, refused, type StepContext, type StepOutcome } from "./step-outcome.ts";

/** The kernel still works at it. */
type Unanswered = Extract<StepOutcome, { readonly kind: "pending" }>;

/**
 * The kernel's answer to a change, with the patience that it needs: where it takes long that is told, and then it is waited
 * for on.
 * @param vfs how many VFs the change is about
 */
export async function answerOf<T>(begun: Promise<Within<T>>, context: StepContext): Promise<T | Unanswered> {
  const answer = await begun;
  if (!isPending(answer)) return answer;
  const { clock, patience, abandon } = context;
  const { target } = answer;
  if (!abandon?.aborted) context.onLongWrite(target);
  const stop = new AbortController();
  const given = abandon ? AbortSignal.any([stop.signal, abandon]) : stop.signal;
  const ended = await Promise.race([
    answer.finished().then((value) => ({ value })),
    clock.sleep(patience.longWriteMs, given).then(() => undefined),
  ]);
  stop.abort();
  if (ended) return ended.value;
  const message = `${target}: the kernel has not answered yet; what was written will still have its effect`;
  return { kind: "pending", failure: failure("VFL-0304", message, { target }) };
}

/** Of a change that is about so many VFs. */
export function writeWaiting({ patience, abandon }: StepContext, vfs = 1): Waiting {
  const deadlineMs = patience.writeMs + patience.perVfMs * vfs;
  // One that is aborted already would be thrown; the step ends of itself then.
  return abandon === undefined || abandon.aborted ? { deadlineMs } : { deadlineMs, signal: abandon };
}

export function isUnanswered(value: unknown): value is Unanswered {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "pending";
}

/** A change of which nothing is to be known but whether it was done. @returns undefined where it was */
export async function notDone(begun: Promise<Within<Outcome>>, context: StepContext): Promise<StepOutcome | undefined> {
  const answer = await answerOf(begun, context);
  if (isUnanswered(answer)) return answer;
  return answer.kind === "failed" ? refused(answer) : undefined;
}
