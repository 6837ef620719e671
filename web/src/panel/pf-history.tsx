import { useQueries } from "@tanstack/react-query";
import { Link } from "wouter";
import type { OperationObject } from "../api/objects.ts";
import { useObjects } from "../api/use-live.tsx";
import { markOf } from "../operation/operation-state.ts";
import { readRecord } from "../operation/read-record.ts";
import { operationsOf, stepsOfVf } from "./history.ts";

interface HistoryProps {
  readonly host: string;
  readonly pf: string;
  /** Of this VF alone. */
  readonly vfIndex?: number;
}

/** Their records are asked for one by one. */
const RECORDS = 20;
const MOST_OPERATIONS = 100;

/** What was done to a PF, or to one of its VFs, the newest first. */
export function PfHistory({ host, pf, vfIndex }: HistoryProps) {
  const operations = operationsOf(useObjects("Operation"), pf);
  if (vfIndex !== undefined) return <VfHistory host={host} pf={pf} vfIndex={vfIndex} operations={operations} />;
  if (operations.length === 0) return <p className="muted">No operation of vfleet was about it.</p>;
  return <OperationList host={host} operations={operations.slice(0, MOST_OPERATIONS)} />;
}

interface VfHistoryProps extends Required<HistoryProps> {
  readonly operations: readonly OperationObject[];
}

/** The last operations of its PF, with what each did to the VF. */
function VfHistory({ host, pf, vfIndex, operations }: VfHistoryProps) {
  const latest = operations.slice(0, RECORDS);
  const records = useQueries({
    queries: latest.map(({ status }) => ({
      queryKey: ["record", host, status.number, status.state],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) => readRecord(host, status.number, signal),
      // What has ended stays as it is.
      staleTime: status.endedAt === null ? 0 : Number.POSITIVE_INFINITY,
    })),
  });
  const touching = latest.flatMap((operation, index) => {
    const { data, error } = records[index] ?? {};
    if (error) return [{ operation, steps: [`what it did is not known: ${error.message}`] }];
    const steps = data === undefined ? [] : stepsOfVf(data, pf, vfIndex);
    return steps.length === 0 ? [] : [{ operation, steps }];
  });
  const isReading = records.some(({ isPending }) => isPending);
  return (
    <>
      {isReading && <p className="muted">Reading the records…</p>}
      {!isReading && touching.length === 0 && (
        <p className="muted">
          {latest.length === 0
            ? "No operation of vfleet was about it."
            : `None of the last ${latest.length} operations of its PF was about it.`}
        </p>
      )}
      <OperationList
        host={host}
        operations={touching.map(({ operation }) => operation)}
        stepsOf={({ status }) =>
          touching.find(({ operation }) => operation.status.number === status.number)?.steps ?? []
        }
      />
      {operations.length > RECORDS && (
        <p>
          <Link href={`/hosts/${encodeURIComponent(host)}/operations`}>All operations</Link>{" "}
          <span className="muted">only the last {RECORDS} of its PF were looked at</span>
        </p>
      )}
    </>
  );
}

interface ListProps {
  readonly host: string;
  readonly operations: readonly OperationObject[];
  readonly stepsOf?: (operation: OperationObject) => readonly string[];
}

function OperationList({ host, operations, stepsOf }: ListProps) {
  return (
    <ol className="plain-list history">
      {operations.map((operation) => {
        const { number, kind, title, state, startedAt, failure } = operation.status;
        return (
          <li key={number}>
            <div className="row spread">
              <Link href={`/hosts/${encodeURIComponent(host)}/operations/${number}`}>
                {number} {kind}
              </Link>
              <span className={markOf(state).tone}>
                <span aria-hidden="true">{markOf(state).mark}</span> {state}
              </span>
              <time className="muted" dateTime={startedAt}>
                {new Date(startedAt).toLocaleString()}
              </time>
            </div>
            <div className="muted">{title}</div>
            {stepsOf?.(operation).map((step) => (
              <div key={step}>{step}</div>
            ))}
            {failure !== null && (
              <div className="bad">
                {failure.code} {failure.message}
              </div>
            )}
          </li>
        );
      })}
    </ol>
  );
}
