import { useCallback, useEffect, useState } from "react";
import { ApiProblem } from "../../../src/client/api-problem.ts";
import { api } from "../api/session.ts";
import { applyOutcome } from "./apply-outcome.ts";
import { askForPlan } from "./ask-for-plan.ts";
import type { ChangeRequest } from "./change-request.ts";
import type { PlanAnswer } from "./plan-answer.ts";

/** How far the conversation about a change is. */
type Conversation =
  | { readonly at: "planning" }
  /** There is no plan: what was asked for is wrong, or the host cannot be read. */
  | { readonly at: "failed"; readonly error: unknown }
  /** With an error: it could not be begun just now, and may be tried again. */
  | { readonly at: "planned"; readonly answer: PlanAnswer; readonly error?: unknown }
  | { readonly at: "expired"; readonly answer: PlanAnswer }
  | { readonly at: "beginning"; readonly answer: PlanAnswer }
  /** Nothing was done of the plan, and it is gone: the host has moved, or another works at it. */
  | { readonly at: "turned down"; readonly answer: PlanAnswer; readonly error: unknown }
  /** Nobody has told: the operation may go on by now. */
  | { readonly at: "not known"; readonly answer: PlanAnswer; readonly error: unknown }
  | { readonly at: "begun"; readonly answer: PlanAnswer; readonly operation: number }
  /** Nothing had to be done; what is desired is written down. */
  | { readonly at: "kept"; readonly answer: PlanAnswer };

interface Talk {
  readonly conversation: Conversation;
  /** The plan before this one, where it was made anew. */
  readonly previous: PlanAnswer | undefined;
  apply(): void;
  planAnew(): void;
}

/** Asks for a plan, and does it when that is said. @param onWrong is told where the document is wrong */
export function useConversation(
  host: string,
  request: ChangeRequest,
  onWrong: ((error: ApiProblem) => void) | undefined,
): Talk {
  const [conversation, setConversation] = useState<Conversation>({ at: "planning" });
  const [previous, setPrevious] = useState<PlanAnswer>();
  const [round, setRound] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another round asks for the same once more
  useEffect(() => {
    const end = new AbortController();
    setConversation({ at: "planning" });
    askForPlan(host, request, end.signal)
      .then((answer) => setConversation({ at: "planned", answer }))
      .catch((error: unknown) => {
        if (end.signal.aborted) return;
        setConversation({ at: "failed", error });
        if (error instanceof ApiProblem && error.code === "VFL-0016") onWrong?.(error);
      });
    return () => end.abort();
  }, [host, request, round]);

  const planned = conversation.at === "planned" ? conversation.answer : undefined;
  useEffect(() => {
    if (planned === undefined) return;
    const leftMs = Math.max(Date.parse(planned.expiresAt) - Date.now(), 0);
    const timer = setTimeout(() => setConversation({ at: "expired", answer: planned }), leftMs);
    return () => clearTimeout(timer);
  }, [planned]);

  const apply = useCallback(() => {
    if (planned !== undefined) void begin(planned).then(setConversation);
    if (planned !== undefined) setConversation({ at: "beginning", answer: planned });
  }, [planned]);

  const planAnew = useCallback(() => {
    if ("answer" in conversation) setPrevious(conversation.answer);
    setRound((last) => last + 1);
  }, [conversation]);

  return { conversation, previous, apply, planAnew };
}

async function begin(answer: PlanAnswer): Promise<Conversation> {
  try {
    const { operation } = await api.ask("POST /plans/{id}/apply", { path: { id: answer.id } });
    return operation === null ? { at: "kept", answer } : { at: "begun", answer, operation };
  } catch (error) {
    const outcome = applyOutcome(error);
    return { at: outcome === "too early" ? "planned" : outcome, answer, error };
  }
}

/** Why nothing was done, where it is that the host has moved since the plan. */
export function hasMoved(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === "VFL-0308";
}
