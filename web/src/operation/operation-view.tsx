import { useState } from "react";
import { Link } from "wouter";
import type { Operation } from "../../../src/host/apply/operation.ts";
import { plural } from "../../../src/host/words/amounts.ts";
import { Failure } from "../app/failure.tsx";
import { useChanges } from "../change/change-provider.tsx";
import { CourseList } from "./course-list.tsx";
import { EventList } from "./event-list.tsx";
import { OperationResult, UndoButton } from "./operation-result.tsx";
import { isGoingOn, markOf, took } from "./operation-state.ts";
import { PhaseLine } from "./phase-line.tsx";
import { useNow, useRecord } from "./use-record.ts";

interface OperationViewProps {
  readonly host: string;
  readonly number: number;
}

/** One operation, whole. */
export function OperationView({ host, number }: OperationViewProps) {
  const { data: operation, error } = useRecord(host, number);
  const all = (
    <p>
      <Link href={`/hosts/${encodeURIComponent(host)}/operations`}>All operations</Link>
    </p>
  );
  if (operation === undefined) {
    return (
      <>
        {all}
        {error ? (
          <Failure title={`Operation ${number} cannot be shown`} error={error} />
        ) : (
          <p className="muted">Reading operation {number}…</p>
        )}
      </>
    );
  }
  return (
    <>
      {all}
      <Shown host={host} operation={operation} />
    </>
  );
}

function Shown({ host, operation }: { readonly host: string; readonly operation: Operation }) {
  const { number, kind, title, state, startedAt, endedAt, pid, pfs, migration } = operation;
  const { tone, mark } = markOf(state);
  const goesOn = isGoingOn(state);
  const now = useNow(goesOn);
  const { propose } = useChanges();
  return (
    <article className="stack" aria-label={`Operation ${number}`}>
      <div className="row spread">
        <h2>
          Operation {number}: {kind} {title}{" "}
          <span className={tone}>
            {mark} {state}
          </span>
        </h2>
        <UndoButton
          host={host}
          operation={operation}
          isFresh={false}
          onUndo={() => propose({ kind: "undo", operation: number })}
        />
      </div>
      <dl className="facts card padded">
        <dt>started</dt>
        <dd>{new Date(startedAt).toLocaleString()}</dd>
        <dt>{endedAt === null ? "so far" : "took"}</dt>
        <dd>{took(operation, now)}</dd>
        <dt>by process</dt>
        <dd>{pid}</dd>
        <dt>PFs</dt>
        <dd>
          {pfs.length === 0
            ? "none"
            : pfs.map(({ bdf, key }) => (
                <div key={bdf}>
                  <span className="address">{bdf}</span>, known by its {key}
                </div>
              ))}
        </dd>
      </dl>
      {!goesOn && <OperationResult operation={operation} />}
      {migration !== undefined && (
        <section className="card padded stack" aria-label="The move">
          <h3>The move</h3>
          <PhaseLine operation={operation} />
        </section>
      )}
      <section className="card padded stack" aria-label="What was done">
        <h3>What was done</h3>
        <CourseList operation={operation} />
      </section>
      <Records operation={operation} />
    </article>
  );
}

/** Of more, they are shown when they are asked for. */
const MOST_EVENTS = 100;

function Records({ operation }: { readonly operation: Operation }) {
  const [isOpen, setOpen] = useState(operation.events.length <= MOST_EVENTS);
  return (
    <details className="card padded" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>All that was written down ({plural(operation.events.length, "record")}, times in UTC)</summary>
      {isOpen && <EventList operation={operation} />}
    </details>
  );
}
