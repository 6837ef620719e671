import { useState } from "react";
import { ActionButton } from "../app/action-button.tsx";
import { Dialog } from "../app/dialog.tsx";
import { Failure } from "../app/failure.tsx";
import { useWhyNot } from "../app/person.tsx";
import { type DesiredDocument, useDeleteDocument } from "./use-documents.ts";

interface DocumentListProps {
  readonly host: string;
  readonly documents: readonly DesiredDocument[];
  readonly onEdit: (document: DesiredDocument) => void;
}

/** What is desired of a host now, document by document. */
export function DocumentList({ host, documents, onEdit }: DocumentListProps) {
  const whyNot = useWhyNot("operator");
  const [leaving, setLeaving] = useState<DesiredDocument>();
  if (documents.length === 0) {
    return (
      <p className="notice">Nothing is desired of this host yet. Plan a document above; it is kept once it is done.</p>
    );
  }
  return (
    <>
      <ul className="documents" aria-label="Documents">
        {documents.map((document) => (
          <li key={document.name} className="card padded stack">
            <div className="row spread">
              <h3>
                {document.name} <span className="muted">{objectsText(document)}</span>
              </h3>
              <span className="row">
                <button type="button" aria-label={`Edit ${document.name}`} onClick={() => onEdit(document)}>
                  Edit
                </button>
                <ActionButton whyNot={whyNot} onClick={() => setLeaving(document)}>
                  Delete {document.name}
                </ActionButton>
              </span>
            </div>
            <details>
              <summary>Text</summary>
              <pre className="scroll-x">{document.text}</pre>
            </details>
          </li>
        ))}
      </ul>
      {leaving !== undefined && <DeleteDialog host={host} document={leaving} onClose={() => setLeaving(undefined)} />}
    </>
  );
}

function objectsText({ objects }: DesiredDocument): string {
  if (objects === null) return "✖ not valid";
  return objects.map(({ kind, name }) => `${kind} ${name}`).join(", ");
}

interface DeleteDialogProps {
  readonly host: string;
  readonly document: DesiredDocument;
  readonly onClose: () => void;
}

function DeleteDialog({ host, document, onClose }: DeleteDialogProps) {
  const remove = useDeleteDocument(host);
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const doIt = () => {
    setBusy(true);
    remove(document).then(onClose, (refused: unknown) => {
      setError(refused);
      setBusy(false);
    });
  };
  return (
    <Dialog title={`Delete ${document.name}?`} onClose={onClose}>
      <div className="stack">
        <p>
          It is no longer desired then. Nothing is done to the host: VFs stay as they are, and with whom they are, until
          they are released.
        </p>
        {error !== undefined && <Failure title="It was not deleted" error={error} />}
        <div className="row">
          <ActionButton isPrimary whyNot={isBusy ? "It is being deleted." : undefined} onClick={doIt}>
            Delete the document
          </ActionButton>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </div>
    </Dialog>
  );
}
