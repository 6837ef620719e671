import { useQuery } from "@tanstack/react-query";
import { ask } from "../api/session.ts";
import { Failure } from "../app/failure.tsx";

interface AuditEntry {
  readonly id: number;
  readonly at: string;
  readonly token: string | null;
  readonly role: string | null;
  readonly remote: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly code: string | null;
}

/** Who changed what, or tried to. */
export function AuditPage() {
  const { data, error } = useQuery({
    queryKey: ["audit"],
    queryFn: () => ask<{ readonly items: readonly AuditEntry[] }>("/audit"),
    refetchInterval: 5000,
  });
  return (
    <div className="page">
      <h1>Audit log</h1>
      {error && <Failure title="The audit log cannot be read" error={error} />}
      {data === undefined && !error && <p className="muted">Reading the audit log…</p>}
      {data?.items.length === 0 && <p className="notice">Nobody has changed anything yet.</p>}
      {data !== undefined && data.items.length > 0 && (
        <div className="card scroll-x">
          <table>
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
              {data.items.map(({ id, at, token, role, remote, method, path, status, code }) => (
                <tr key={id}>
                  <td>{new Date(at).toLocaleString()}</td>
                  <td>{token === null ? "nobody known" : `${token} (${role})`}</td>
                  <td>{remote}</td>
                  <td>
                    <code>
                      {method} {path}
                    </code>
                  </td>
                  <td className={status >= 400 ? "bad" : undefined}>
                    {status} {code}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
