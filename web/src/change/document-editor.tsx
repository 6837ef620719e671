import { useId, useMemo, useState } from "react";
import { useObjects } from "../api/use-live.tsx";
import { ActionButton } from "../app/action-button.tsx";
import { useChanges } from "./change-provider.tsx";
import { PolicyFields } from "./policy-fields.tsx";
import { policyForm, policyText } from "./policy-form.ts";
import { errorIn, type TextError, textError } from "./read-text.ts";
import { YamlEditor } from "./yaml-editor.tsx";

interface DocumentEditorProps {
  /** Where it begins. */
  readonly name: string;
  readonly text: string;
  /** Of those that are kept: one of them would be replaced. */
  readonly taken: readonly string[];
}

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/** A document by form and by YAML at once. The YAML is what counts; the form shows it as long as it can. */
export function DocumentEditor({ name: firstName, text: firstText, taken }: DocumentEditorProps) {
  const [name, setName] = useState(firstName);
  const [text, setText] = useState(firstText);
  const [told, setTold] = useState<{ readonly of: string; readonly error: TextError }>();
  const pfs = useObjects("PhysicalFunction");
  const { propose } = useChanges();
  const id = useId();
  const form = useMemo(() => policyForm(text), [text]);
  const own = useMemo(() => errorIn(name, text), [name, text]);
  // What only the server sees, as a name that another document has, too.
  const error = own ?? (told?.of === text ? told.error : undefined);
  const rename = (next: string) => {
    setName(next);
    if (!("why" in form) && form.name === name) setText(policyText({ ...form, name: next }));
  };
  return (
    <div className="stack">
      <div className="row">
        <label htmlFor={id}>Document name</label>
        <input
          id={id}
          type="text"
          value={name}
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => rename(target.value.trim())}
        />
        <ActionButton
          isPrimary
          whyNot={whyNot(name, own)}
          onClick={() =>
            propose({ kind: "apply", document: { name, text } }, (wrong) =>
              setTold({ of: text, error: textError(wrong) }),
            )
          }
        >
          Plan
        </ActionButton>
        {taken.includes(name) && <span className="muted">replaces the document that is kept by this name</span>}
      </div>
      <div className="document-editor">
        <section className="card padded stack" aria-label="By form">
          <h2>By form</h2>
          {"why" in form ? (
            <p className="notice">{form.why} Go on in the YAML.</p>
          ) : (
            <PolicyFields form={form} pfs={pfs} onChange={(next) => setText(policyText(next))} />
          )}
        </section>
        <section className="card padded stack" aria-label="By YAML">
          <h2>By YAML</h2>
          <YamlEditor label="YAML" text={text} error={error} onChange={setText} />
        </section>
      </div>
    </div>
  );
}

function whyNot(name: string, error: TextError | undefined): string | undefined {
  if (!NAME.test(name)) return "The document wants a name: lower case letters, digits, - and .";
  return error && `The YAML is wrong in line ${error.line}.`;
}
