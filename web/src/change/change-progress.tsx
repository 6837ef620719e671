import { Link } from "wouter";
import { plural } from "../../../src/host/words/amounts.ts";
import { CourseList } from "../operation/course-list.tsx";
import { OperationResult, UndoButton } from "../operation/operation-result.tsx";
import { isGoingOn, took } from "../operation/operation-state.ts";
import { PhaseLine } from "../operation/phase-line.tsx";
import { useNow, useOperation, useRecord } from "../operation/use-record.ts";

interface ChangeProgressProps {
  readonly host: string;
  readonly number: number;
  readonly onClose: () => void;
  readonly onUndo: () => void;
}

/** An operation as it goes on, then what has come of it: kept where it was watched. */
export function ChangeProgress({ host, number, onClose, onUndo }: ChangeProgressProps) {
  const live = useOperation(number)?.status;
  const { data: record, error } = useRecord(host, number);
  const state = live?.state ?? record?.state ?? "applying";
  const goesOn = isGoingOn(state);
  const now = useNow(goesOn);
  const times = live ?? record;
  return (
    <>
      <div className="row spread">
        <strong>
          <Link href={`/hosts/${encodeURIComponent(host)}/operations/${number}`} onClick={onClose}>
            Operation {number}
          </Link>{" "}
          {goesOn && (state === "undoing" ? "goes back" : "goes on")}
        </strong>
        <span className="muted">{times && took(times, now)}</span>
      </div>
      {goesOn && live !== undefined && live.steps > 0 && (
        <label className="stack">
          <span>
            {live.stepsDone} of {plural(live.steps, "step")}
            {live.current && `; now ${live.current.kind} ${live.current.pf ?? ""}`}
          </span>
          <progress className="operation-progress" value={live.stepsDone} max={live.steps} />
        </label>
      )}
      {error && record === undefined && <p className="muted">Its record cannot be read yet: {error.message}</p>}
      {record && <CourseList operation={record} />}
      {record?.migration && <PhaseLine operation={record} />}
      {goesOn && (
        <p className="notice">
          Closing this does not stop it: it goes on by itself, and is under Operations whatever comes of it.
        </p>
      )}
      {record && !goesOn && (
        <>
          <OperationResult operation={{ ...record, state }} />
          <div className="row">
            <UndoButton host={host} operation={record} isFresh onUndo={onUndo} />
            <button type="button" onClick={onClose}>
              Done
            </button>
          </div>
        </>
      )}
    </>
  );
}
