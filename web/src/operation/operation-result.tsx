import { useQuery } from "@tanstack/react-query";
import type { Operation } from "../../../src/host/apply/operation.ts";
import { endFailure, endWords, goOnCommand } from "../../../src/host/words/operation-words.ts";
import { ActionButton } from "../app/action-button.tsx";
import { useWhyNot } from "../app/person.tsx";
import { askForPlan } from "../change/ask-for-plan.ts";
import type { PlanAnswer } from "../change/plan-answer.ts";
import { Failed } from "./failed.tsx";
import { isGoingOn, markOf } from "./operation-state.ts";

/** What has come of an operation: its end in words, what went wrong, and the way out where there is one. */
export function OperationResult({ operation }: { readonly operation: Operation }) {
  const { state } = operation;
  const failure = endFailure(operation);
  const { tone, mark } = markOf(state);
  const command = goOnCommand(state);
  return (
    <div className="stack">
      <p className={tone} role="status">
        <strong>
          {mark} {endWords(operation)}
        </strong>
      </p>
      {failure !== null && <Failed failure={failure} />}
      {command !== undefined && !isGoingOn(state) && (
        <p className="notice warn">
          The way out, on the host: <code>{command}</code>
        </p>
      )}
    </div>
  );
}

interface UndoProps {
  readonly host: string;
  readonly operation: Pick<Operation, "number" | "state" | "migration">;
  /** Of one that was done just now it is asked whether it can be taken back; of old ones their plan tells, when it is made. */
  readonly isFresh: boolean;
  readonly onUndo: () => void;
}

/** Offers to take an operation back as long as that can be done. */
export function UndoButton({ host, operation, isFresh, onUndo }: UndoProps) {
  const { number, state, migration } = operation;
  const isSettled = state === "settled" && migration === undefined;
  const whyNotRole = useWhyNot("operator");
  const { data, error } = useQuery({
    queryKey: ["undo", host, number],
    enabled: isFresh && isSettled && whyNotRole === undefined,
    gcTime: 0,
    retry: false,
    queryFn: () => askForPlan(host, { kind: "undo", operation: number }),
  });
  return (
    <ActionButton onClick={onUndo} whyNot={whyNotRole ?? whyNotUndone(operation, isFresh, data, error)}>
      Undo
    </ActionButton>
  );
}

function whyNotUndone(
  { number, state, migration }: UndoProps["operation"],
  isFresh: boolean,
  plan: PlanAnswer | undefined,
  error: Error | null,
): string | undefined {
  if (migration !== undefined) return "A move is not undone: move the guest back.";
  if (state !== "settled") return `Operation ${number} is ${state}: there is nothing to take back.`;
  if (!isFresh) return undefined;
  if (error !== null) return error.message;
  if (plan === undefined) return "Whether it can be taken back is being looked at.";
  if (plan.verdict === "settled") return "The host is as it was before already.";
  const [refusal] = [...plan.plan.refusals, ...plan.plan.pfs.flatMap((pf) => pf.refusals)];
  return refusal && `It would be refused: ${refusal.summary}`;
}
