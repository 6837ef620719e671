import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api } from "../api/session.ts";
import { useObjects } from "../api/use-live.tsx";
import { ActionButton } from "../app/action-button.tsx";
import { Failure } from "../app/failure.tsx";
import { useWhyNot } from "../app/person.tsx";
import { ScrollX } from "../app/scroll-x.tsx";
import { useChanges } from "../change/change-provider.tsx";
import { useDocuments } from "../change/use-documents.ts";
import { type Claim, claimsOf } from "./claims-of.ts";

/** Claims change by operations, and end with time. */
const REREAD_MS = 10_000;

/** Which VFs are kept for whom. */
export function ClaimList({ host }: { readonly host: string }) {
  const ended = useObjects("Operation").filter(({ status }) => status.endedAt !== null).length;
  const { data, error } = useQuery({
    queryKey: ["claims", host, ended],
    queryFn: async () => (await api.ask("GET /hosts/{host}/claims", { path: { host } })).items,
    refetchInterval: REREAD_MS,
    placeholderData: (last) => last,
  });
  const { data: documents, error: unread } = useDocuments(host);
  const whyNot = useWhyNot("operator");
  const { propose } = useChanges();
  // Without the documents it is not known which claims are desired: nothing is said of that then.
  if (data === undefined || documents === undefined) {
    const failed = error ?? unread;
    if (failed) return <Failure title="Claims cannot be read" error={failed} />;
    return <p className="muted">Reading the claims…</p>;
  }
  const stale = (error ?? unread) && (
    <Failure title="Claims cannot be read anew; what is shown is as it was" error={error ?? unread} />
  );
  const desired = documents.flatMap(({ objects }) => objects ?? []).filter(({ kind }) => kind === "VfClaim");
  const claims = claimsOf(
    data,
    desired.map(({ name }) => name),
    new Date(),
  );
  if (claims.length === 0) {
    return (
      <>
        {stale}
        <p className="notice">No claim has a VF. A claim keeps VFs for a guest, wherever they are: make one below.</p>
      </>
    );
  }
  return (
    <section className="stack" aria-label="Claims">
      {stale}
      <ScrollX label="List of claims" isCard>
        <table aria-label="Claims">
          <thead>
            <tr>
              <th>Claim</th>
              <th>Guest</th>
              <th>VFs</th>
              <th>Lifetime</th>
              <th>
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {claims.map((claim) => (
              <Row
                key={claim.name}
                host={host}
                claim={claim}
                isDesired={desired.some(({ name }) => name === claim.name)}
              />
            ))}
          </tbody>
        </table>
      </ScrollX>
      <div>
        <ActionButton whyNot={whyNot} onClick={() => propose({ kind: "release", ended: true })}>
          Release those that have ended
        </ActionButton>
      </div>
    </section>
  );
}

interface RowProps {
  readonly host: string;
  readonly claim: Claim;
  /** Whether a document asks for it. */
  readonly isDesired: boolean;
}

function Row({ host, claim, isDesired }: RowProps) {
  const { name, guest, vfs, lifetime } = claim;
  const whyNot = useWhyNot("operator");
  const { propose } = useChanges();
  const base = `/hosts/${encodeURIComponent(host)}`;
  return (
    <tr>
      <th scope="row">
        {name}
        {!isDesired && <div className="muted">no document asks for it</div>}
      </th>
      <td>{guest ?? "not known"}</td>
      <td>
        {vfs.length === 0 && <span className="warn">▲ it has none yet: apply what is desired</span>}
        {vfs.map((vf) => (
          <div key={`${vf.pfKey} ${vf.vfIndex}`}>
            {vf.pf === null ? (
              <span className="warn">
                ▲ VF {vf.vfIndex} of {vf.pfKey}, which is not on the host
              </span>
            ) : (
              <Link href={`${base}?at=${encodeURIComponent(`${vf.pf}-vf${vf.vfIndex}`)}`}>
                {vf.pf} VF {vf.vfIndex}
              </Link>
            )}{" "}
            <span className="muted address">{vf.mac}</span>
          </div>
        ))}
      </td>
      <td>{lifetime}</td>
      <td className="row">
        <ActionButton
          whyNot={whyNot ?? (vfs.length === 0 ? "It has no VF." : undefined)}
          onClick={() => propose({ kind: "attach", claim: name })}
        >
          Attach {name}
        </ActionButton>
        <ActionButton
          whyNot={whyNot ?? (vfs.length === 0 ? "It has no VF." : undefined)}
          onClick={() => propose({ kind: "release", claim: name })}
        >
          Release {name}
        </ActionButton>
      </td>
    </tr>
  );
}
