import { useState } from "react";
import { useSearchParams } from "wouter";
import { useObjects } from "../api/use-live.tsx";
import { ActionButton } from "../app/action-button.tsx";
import { Dialog } from "../app/dialog.tsx";
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

/** What is in the editor. */
interface Begun {
  readonly draft: Draft;
  /** Whether somebody has chosen it on this page, and is led to it. */
  readonly isLed: boolean;
  /** The PF in the address at that time. */
  readonly pf: string | null;
  /** Another for each. */
  readonly place: number;
}

function Editing({ host, documents }: EditingProps) {
  const pfs = useObjects("PhysicalFunction");
  const isWithout = useObjects("Host")[0]?.status.physicalFunctions === 0;
  const [params] = useSearchParams();
  const wanted = params.get("pf");
  const asked = pfs.find(({ metadata }) => metadata.name === wanted);
  const first = asked ?? pfs[0];
  const [begun, setBegun] = useState<Begun>();
  const [isEdited, setEdited] = useState(false);
  const [waiting, setWaiting] = useState<Begun>();
  const begin = (next: Begun) => {
    setBegun(next);
    setWaiting(undefined);
  };
  /** What was written and is kept nowhere is not replaced unasked. */
  const choose = (draft: Draft, isLed = true) => {
    const next = { draft, isLed, pf: wanted, place: (begun?.place ?? 0) + 1 };
    if (isEdited) setWaiting(next);
    else begin(next);
  };
  // Begun once, and then it is the person's: PFs and documents may go and come while somebody writes.
  if (begun === undefined && first !== undefined) {
    setBegun({ draft: draftFor(first, documents), isLed: false, pf: asked ? wanted : null, place: 0 });
  }
  // Another PF in the address, or the first one only now: by going back and forth, or on a host that is being read.
  if (begun !== undefined && asked !== undefined && wanted !== begun.pf) {
    setBegun({ ...begun, pf: wanted });
    choose(draftFor(asked, documents), false);
  }
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
      {begun === undefined ? (
        <p className="notice">
          {isWithout
            ? "This host has no PF: there is nothing that could have VFs."
            : "The PFs of this host are not read yet…"}
        </p>
      ) : (
        <DocumentEditor
          key={begun.place}
          draft={begun.draft}
          documents={documents}
          isChosen={begun.isLed}
          onEdited={setEdited}
        />
      )}
      <section className="stack" aria-labelledby="desired-now">
        <h2 id="desired-now">What is desired now</h2>
        <DocumentList host={host} documents={documents} onEdit={(document) => choose(document)} />
      </section>
      {waiting !== undefined && (
        <Dialog title="Replace what was written?" onClose={() => setWaiting(undefined)}>
          <div className="stack">
            <p>
              What is in the editor was changed, and is kept nowhere. It would be gone, and {waiting.draft.name} in its
              place.
            </p>
            <div className="row">
              <button type="button" className="primary" onClick={() => begin(waiting)}>
                Replace it
              </button>
              <button type="button" onClick={() => setWaiting(undefined)}>
                Go on with what was written
              </button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}
