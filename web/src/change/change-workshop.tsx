import { useState } from "react";
import { useSearchParams } from "wouter";
import { useObjects } from "../api/use-live.tsx";
import { ActionButton } from "../app/action-button.tsx";
import { Failure } from "../app/failure.tsx";
import { useChanges } from "./change-provider.tsx";
import { DocumentEditor } from "./document-editor.tsx";
import { DocumentList } from "./document-list.tsx";
import { EXAMPLES } from "./examples.ts";
import { type Draft, draftFor } from "./first-document.ts";
import { type DesiredDocument, useDocuments } from "./use-documents.ts";
import "./change.css";

/** What is desired of a host: written, planned, kept, taken away. */
export function ChangeWorkshop({ host }: { readonly host: string }) {
  const { data: documents, error } = useDocuments(host);
  return (
    <div className="stack change-page">
      <ApplyDesired />
      {error && <Failure title="What is desired cannot be read" error={error} />}
      {documents === undefined && !error && <p className="muted">Reading what is desired…</p>}
      {documents !== undefined && <Editing host={host} documents={documents} />}
    </div>
  );
}

/** Where a host is not as it is desired, it can be brought there. */
function ApplyDesired() {
  const [host] = useObjects("Host");
  const { propose } = useChanges();
  return (
    <div className="row spread">
      <p className="muted">
        Say how many VFs a PF has and what they are like. The plan is shown before anything is done.
      </p>
      <ActionButton whyNot={whyNotApplied(host?.status.desired ?? null)} onClick={() => propose({ kind: "apply" })}>
        Apply what is desired
      </ActionButton>
    </div>
  );
}

function whyNotApplied(desired: string | null): string | undefined {
  switch (desired) {
    case "nothing":
      return "Nothing is desired of this host yet.";
    case "settled":
      return "The host is as it is desired.";
    case "invalid":
      return "A document is wrong: see below.";
    default:
      return undefined;
  }
}

interface EditingProps {
  readonly host: string;
  readonly documents: readonly DesiredDocument[];
}

function Editing({ host, documents }: EditingProps) {
  const pfs = useObjects("PhysicalFunction");
  const [params] = useSearchParams();
  const wanted = params.get("pf");
  const asked = pfs.find(({ metadata }) => metadata.name === wanted);
  const first = asked ?? pfs[0];
  const [chosen, setChosen] = useState<{ readonly draft: Draft; readonly place: number }>();
  const draft = chosen?.draft ?? (first && draftFor(first, documents));
  const choose = (next: Draft) => {
    setChosen((last) => ({ draft: next, place: (last?.place ?? 0) + 1 }));
    scrollTo({ top: 0 });
  };
  return (
    <>
      {wanted !== null && asked === undefined && <p className="notice warn">▲ {wanted} is no PF of this host.</p>}
      <div className="row">
        <label className="row">
          Begin with
          <select
            value=""
            onChange={({ target }) => {
              const example = EXAMPLES.find(({ name }) => name === target.value);
              const pf = pfs.find(({ metadata }) => metadata.name === target.value);
              if (example) choose(example);
              else if (pf) choose(draftFor(pf, documents));
            }}
          >
            <option value="">…</option>
            <optgroup label="A PF">
              {pfs.map(({ metadata, status }) => (
                <option key={metadata.name} value={metadata.name}>
                  {metadata.name} {status.device}
                </option>
              ))}
            </optgroup>
            <optgroup label="An example">
              {EXAMPLES.map(({ name, words }) => (
                <option key={name} value={name}>
                  {words}
                </option>
              ))}
            </optgroup>
          </select>
        </label>
      </div>
      {draft === undefined ? (
        <p className="notice">This host has no PF: there is nothing that could have VFs.</p>
      ) : (
        <DocumentEditor key={chosen?.place ?? wanted ?? ""} draft={draft} documents={documents} />
      )}
      <section className="stack" aria-labelledby="desired-now">
        <h2 id="desired-now">What is desired now</h2>
        <DocumentList host={host} documents={documents} onEdit={choose} />
      </section>
    </>
  );
}
