import { useMemo, useState } from "react";
import { Link } from "wouter";
import { plural } from "../../../src/host/words/amounts.ts";
import type { OperationObject } from "../api/objects.ts";
import { useObjects } from "../api/use-live.tsx";
import { VirtualTable } from "../app/virtual-table.tsx";
import { isGoingOn, markOf, took } from "./operation-state.ts";
import { useNow } from "./use-record.ts";

const ROW_PX = 36;

/** What was done to a host, the newest first. */
export function OperationList({ host }: { readonly host: string }) {
  const operations = useObjects("Operation");
  const [words, setWords] = useState("");
  const shown = useMemo(
    () =>
      operations
        .filter(({ status: { number, kind, title, state } }) =>
          `${number} ${kind} ${title} ${state}`.includes(words.trim()),
        )
        .sort((a, b) => b.status.number - a.status.number),
    [operations, words],
  );
  const now = useNow(operations.some(({ status }) => isGoingOn(status.state)));
  if (operations.length === 0) {
    return (
      <p className="notice">Nothing was done to this host yet. What is done is written down here, step by step.</p>
    );
  }
  return (
    <div className="stack operations">
      <div className="row">
        <input
          type="search"
          aria-label="Search operations"
          placeholder="number, kind, title or state"
          value={words}
          onChange={({ target }) => setWords(target.value)}
        />
        <span className="muted" role="status">
          {shown.length} of {plural(operations.length, "operation")}
        </span>
      </div>
      <VirtualTable
        label="Operations"
        count={shown.length}
        rowPx={ROW_PX}
        head={
          <tr>
            <th className="number">Number</th>
            <th>State</th>
            <th>Started</th>
            <th className="number">Took</th>
            <th className="number">Steps</th>
            <th>What</th>
          </tr>
        }
        row={(index) => {
          const operation = shown[index];
          return (
            operation && <Row key={operation.metadata.name} host={host} operation={operation} index={index} now={now} />
          );
        }}
      />
    </div>
  );
}

interface RowProps {
  readonly host: string;
  readonly operation: OperationObject;
  readonly index: number;
  readonly now: number;
}

function Row({ host, operation: { status }, index, now }: RowProps) {
  const { number, kind, title, state, startedAt, steps, stepsDone } = status;
  const { tone, mark } = markOf(state);
  const what = `${kind} ${title}`;
  return (
    <tr aria-rowindex={index + 2} style={{ height: ROW_PX }}>
      <th scope="row" className="number">
        <Link href={`/hosts/${encodeURIComponent(host)}/operations/${number}`} aria-label={`Operation ${number}`}>
          {number}
        </Link>
      </th>
      <td className={tone}>
        {mark} {state}
      </td>
      <td>{new Date(startedAt).toLocaleString()}</td>
      <td className="number">{took(status, now)}</td>
      <td className="number">
        {stepsDone} of {steps}
      </td>
      <td title={what}>{what}</td>
    </tr>
  );
}
