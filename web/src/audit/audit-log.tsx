import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/session.ts";
import { Failure } from "../app/failure.tsx";
import { ScrollX } from "../app/scroll-x.tsx";

const PAGE_ENTRIES = 100;
/** What is on the first page comes of itself; those who read on are left alone. */
const REREAD_MS = 5000;

/** Who changed what, or tried to: the latest first, older ones when they are asked for. */
export function AuditLog() {
  const [onlyFailed, setOnlyFailed] = useState(false);
  const { data, error, isFetchNextPageError, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: async ({ pageParam: before }) => {
      const query = { limit: PAGE_ENTRIES, ...(before !== null && { before }) };
      const { items } = await api.ask("GET /audit", { query });
      return items;
    },
    initialPageParam: null as number | null,
    getNextPageParam: (last) => (last.length < PAGE_ENTRIES ? undefined : last.at(-1)?.id),
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : REREAD_MS),
  });
  if (error && data === undefined) return <Failure title="The audit log cannot be read" error={error} />;
  if (data === undefined) return <p className="muted">Reading the audit log…</p>;
  const all = data.pages.flat();
  const shown = onlyFailed ? all.filter(({ status }) => status >= 400) : all;
  if (all.length === 0) return <p className="notice">Nobody has changed anything yet.</p>;
  return (
    <>
      <div className="row">
        <label>
          <input type="checkbox" checked={onlyFailed} onChange={({ target }) => setOnlyFailed(target.checked)} />
          only what was refused or failed
        </label>
        <span className="muted" role="status">
          {shown.length} of {all.length} that were read
        </span>
      </div>
      <ScrollX label="Entries of the audit log" isCard>
        <table aria-label="Audit log">
          <thead>
            <tr>
              <th>When</th>
              <th>Who</th>
              <th>From</th>
              <th>What</th>
              <th>Answer</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ id, at, token, role, remote, method, path, status, code, change }) => (
              <tr key={id}>
                <td>{new Date(at).toLocaleString()}</td>
                <td>{token === null ? "nobody known" : `${token} (${role})`}</td>
                <td>{remote}</td>
                <td>
                  <code>
                    {method} {path}
                  </code>
                  {change !== null && <div className="muted">{changeText(change)}</div>}
                </td>
                <td className={status >= 400 ? "bad" : undefined}>
                  {status >= 400 && "✖ "}
                  {status} {code}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
      {error && (
        <Failure
          title={isFetchNextPageError ? "Older ones cannot be read" : "The audit log cannot be read anew"}
          error={error}
        />
      )}
      {hasNextPage && (
        <div>
          <button type="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {isFetchingNextPage ? "Reading older ones…" : "Older ones"}
          </button>
        </div>
      )}
    </>
  );
}

function changeText({ host, kind, operation }: { host: string; kind: string; operation: number | null }): string {
  return `${kind} at ${host}${operation === null ? "" : `, operation ${operation}`}`;
}
