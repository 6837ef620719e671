import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "wouter";
import type { ApiProblem } from "../../../src/client/api-problem.ts";
import { ActionButton } from "../app/action-button.tsx";
import { Dialog } from "../app/dialog.tsx";
import { Failure } from "../app/failure.tsx";
import { useWhyNot } from "../app/person.tsx";
import { ChangeProgress } from "./change-progress.tsx";
import { type ChangeRequest, requestTitle } from "./change-request.ts";
import { MigrationVerdictView } from "./migration-verdict-view.tsx";
import { type PlanAnswer, planDifference } from "./plan-answer.ts";
import { PlanView } from "./plan-view.tsx";
import { Lines } from "./refusal-list.tsx";
import { hasMoved, useConversation } from "./use-conversation.ts";
import { useDocuments } from "./use-documents.ts";
import "./change.css";

interface ChangeDialogProps {
  readonly host: string;
  readonly request: ChangeRequest;
  /** Is told where the document is wrong. */
  readonly onWrong: ((error: ApiProblem) => void) | undefined;
  readonly onClose: () => void;
  /** Another change that follows from this one, as its undoing. */
  readonly onNext: (request: ChangeRequest) => void;
}

/** The conversation about a change: its plan, then, when that is said, its doing and what has come of it. */
export function ChangeDialog(props: ChangeDialogProps) {
  return (
    <Dialog title={requestTitle(props.request)} onClose={props.onClose}>
      <div className="stack change">
        <Talk {...props} />
      </div>
    </Dialog>
  );
}

function Talk({ host, request, onWrong, onClose, onNext }: ChangeDialogProps) {
  const { conversation, previous, apply, planAnew } = useConversation(host, request, onWrong);
  switch (conversation.at) {
    case "planning":
      return (
        <p role="status">
          Planning… {host} is read anew: its PFs and VFs, who uses them, and its guests. Nothing is written.
        </p>
      );
    case "failed":
      return (
        <>
          <Failure title="There is no plan" error={conversation.error} />
          <div className="row">
            <button type="button" onClick={planAnew}>
              Try again
            </button>
          </div>
        </>
      );
    case "begun":
      return (
        <ChangeProgress
          host={host}
          number={conversation.operation}
          onClose={onClose}
          onUndo={() => onNext({ kind: "undo", operation: conversation.operation })}
        />
      );
    case "kept":
      return (
        <>
          <RereadDocuments host={host} />
          <p className="good" role="status">
            <strong>✔ Nothing had to be done: the host is as wished.</strong>{" "}
            {request.kind === "apply" && request.document !== undefined && "The document is kept."}
          </p>
          <div className="row">
            <button type="button" onClick={onClose}>
              Done
            </button>
          </div>
        </>
      );
    default:
      return (
        <>
          {conversation.at === "turned down" && <TurnedDown error={conversation.error} />}
          {conversation.at === "not known" && (
            <NotKnown host={host} error={conversation.error} answer={conversation.answer} onClose={onClose} />
          )}
          {conversation.at === "planned" && conversation.error !== undefined && (
            <Failure title="It was not begun just now; the plan is kept" error={conversation.error} />
          )}
          {previous !== undefined && conversation.at === "planned" && (
            <Difference before={previous} now={conversation.answer} />
          )}
          {request.kind === "apply" && request.document !== undefined && conversation.at === "planned" && (
            <Replaced host={host} {...request.document} />
          )}
          <Planned answer={conversation.answer} />
          <Actions
            answer={conversation.answer}
            at={conversation.at}
            keepsDocument={request.kind === "apply" && request.document !== undefined}
            onApply={apply}
            onAnew={planAnew}
            onClose={onClose}
          />
        </>
      );
  }
}

function Planned({ answer }: { readonly answer: PlanAnswer }) {
  const { plan, migration, ended = [] } = answer;
  return (
    <>
      {ended.length > 0 && (
        <div className="notice warn">
          <Lines lines={ended.map(({ claim, why }) => `The claim ${claim} has ended: ${why}`)} />
        </div>
      )}
      {migration ? <MigrationVerdictView verdict={migration} /> : <PlanView plan={plan} />}
    </>
  );
}

function TurnedDown({ error }: { readonly error: unknown }) {
  return (
    <Failure title={hasMoved(error) ? "Nothing was done: the host has moved" : "Nothing was done"} error={error} />
  );
}

interface NotKnownProps {
  readonly host: string;
  readonly error: unknown;
  readonly answer: PlanAnswer;
  readonly onClose: () => void;
}

/** The answer was lost, or the server failed: whoever is told "nothing was done" now would do it twice. */
function NotKnown({ host, error, answer, onClose }: NotKnownProps) {
  return (
    <>
      <Failure title="Whether it was begun is not known" error={error} />
      <p className="notice warn">
        An operation that was begun goes on by itself. Before you do anything else, look for it:{" "}
        <Link href={`/hosts/${encodeURIComponent(host)}/operations`} onClick={onClose}>
          Operations of {host}
        </Link>
        . It would be called {answer.kind} {answer.title}.
      </p>
    </>
  );
}

interface ReplacedProps {
  readonly host: string;
  readonly name: string;
  readonly text: string;
}

/** What is kept by the name of a document, and will be gone. */
function Replaced({ host, name, text }: ReplacedProps) {
  const { data: documents } = useDocuments(host);
  const old = documents?.find((each) => each.name === name);
  if (old === undefined || old.text === text) return null;
  return (
    <details className="notice">
      <summary>
        It takes the place of the document <strong>{name}</strong> as it is kept now
      </summary>
      <pre className="scroll-x">{old.text}</pre>
    </details>
  );
}

/** A document that was kept without an operation is told by no event. */
function RereadDocuments({ host }: { readonly host: string }) {
  const queries = useQueryClient();
  useEffect(() => void queries.invalidateQueries({ queryKey: ["documents", host] }), [queries, host]);
  return null;
}

function Difference({ before, now }: { readonly before: PlanAnswer; readonly now: PlanAnswer }) {
  const { gone, come } = planDifference(before, now);
  if (gone.length + come.length === 0) return <p className="notice">The plan is the same as before.</p>;
  return (
    <section className="notice" aria-label="What differs from the plan before">
      <h3>What differs from the plan before</h3>
      <Lines lines={[...gone.map((line) => `− ${line}`), ...come.map((line) => `+ ${line}`)]} />
    </section>
  );
}

interface ActionsProps {
  readonly answer: PlanAnswer;
  readonly at: "planned" | "expired" | "beginning" | "turned down" | "not known";
  readonly keepsDocument: boolean;
  readonly onApply: () => void;
  readonly onAnew: () => void;
  readonly onClose: () => void;
}

function Actions({ answer, at, keepsDocument, onApply, onAnew, onClose }: ActionsProps) {
  const whyNotRole = useWhyNot("operator");
  const isNothing = answer.verdict === "settled" && !keepsDocument;
  const whyNot = whyNotRole ?? whyNotApplied(answer, at, isNothing);
  return (
    <>
      {at === "expired" && (
        <p className="notice warn" role="status">
          This plan is no longer kept: the host may have moved since. Plan anew.
        </p>
      )}
      {whyNot !== undefined && at === "planned" && <p className="muted">{whyNot}</p>}
      <div className="row">
        <ActionButton isPrimary whyNot={whyNot} onClick={onApply}>
          {answer.verdict === "settled" && keepsDocument ? "Keep the document" : "Apply"}
        </ActionButton>
        {at !== "beginning" && (
          <button type="button" onClick={onAnew}>
            Plan anew
          </button>
        )}
        <button type="button" onClick={onClose}>
          {at === "beginning" ? "Close" : "Cancel"}
        </button>
        {at === "beginning" && <span role="status">Beginning…</span>}
        {at === "planned" && whyNot === undefined && (
          <span className="muted">
            Good until {new Date(answer.expiresAt).toLocaleTimeString()}; done as it is shown, or not at all.
          </span>
        )}
      </div>
    </>
  );
}

function whyNotApplied({ verdict }: PlanAnswer, at: ActionsProps["at"], isNothing: boolean): string | undefined {
  if (at === "expired") return "The plan has expired: plan anew.";
  if (at === "turned down") return "The plan was not done, and is no longer kept: plan anew.";
  if (at === "not known") return "It may have been begun: see under Operations, then plan anew.";
  if (at === "beginning") return "It is beginning.";
  if (verdict === "refused") return "The plan is refused: see what to do instead.";
  return isNothing ? "There is nothing to do." : undefined;
}
