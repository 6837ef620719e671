import { useEffect, useId, useMemo, useRef, useState } from "react";
import { useObjects } from "../api/use-live.tsx";
import { ActionButton } from "../app/action-button.tsx";
import { useChanges } from "./change-provider.tsx";
import type { Draft } from "./first-document.ts";
import { PolicyFields } from "./policy-fields.tsx";
import { policyForm, policyText } from "./policy-form.ts";
import { errorIn, type TextError, textError } from "./read-text.ts";
import type { DesiredDocument } from "./use-documents.ts";
import { YamlEditor } from "./yaml-editor.tsx";

interface DocumentEditorProps {
  /** Where it begins. */
  readonly draft: Draft;
  /** Those that are kept now: one of them would be replaced. */
  readonly documents: readonly DesiredDocument[];
  /** Whoever has chosen it is led to it. */
  readonly isChosen: boolean;
  /** Is told whether something is written that is kept nowhere. */
  readonly onEdited: (isEdited: boolean) => void;
}

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/** A document by form and by YAML at once. The YAML is what counts; the form shows it as long as it can. */
export function DocumentEditor({ draft, documents, isChosen, onEdited }: DocumentEditorProps) {
  const [first] = useState(draft);
  const [name, setName] = useState(first.name);
  const [text, setText] = useState(first.text);
  const [asked, setAsked] = useState<readonly string[]>([]);
  const [told, setTold] = useState<{ readonly of: string; readonly error: TextError }>();
  const pfs = useObjects("PhysicalFunction");
  const { propose } = useChanges();
  const id = useId();
  const form = useMemo(() => policyForm(text), [text]);
  const own = useMemo(() => errorIn(name, text), [name, text]);
  // What only the server sees, as a name that another document has, too.
  const error = own ?? (told?.of === text ? told.error : undefined);
  const replaced = documents.find((each) => each.name === name);
  // As it was when it was begun, so that nobody else's change is lost; or as it was kept from here meanwhile; or, under another name,
  // the one that is told of beside it. Where there is none, it is new.
  const began = name === first.name ? first.resourceVersion : undefined;
  const isOwn = replaced !== undefined && asked.includes(replaced.text);
  const resourceVersion = isOwn || began === undefined ? (replaced?.resourceVersion ?? "") : began;
  const isEdited = (text !== first.text || name !== first.name) && replaced?.text !== text;
  useEffect(() => onEdited(isEdited), [isEdited, onEdited]);
  const nameField = useRef<HTMLInputElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it is there
  useEffect(() => {
    if (!isChosen) return;
    nameField.current?.focus({ preventScroll: true });
    nameField.current?.scrollIntoView({ block: "center" });
  }, []);
  const plan = () => {
    setAsked((before) => [...before, text]);
    propose({ kind: "apply", document: { name, text, resourceVersion } }, (wrong) =>
      setTold({ of: text, error: textError(wrong) }),
    );
  };
  const rename = (next: string) => {
    setName(next);
    if (!("why" in form) && form.name === name) setText(policyText({ ...form, name: next }));
  };
  return (
    <div className="stack">
      <div className="row">
        <label htmlFor={id}>Document name</label>
        <input
          ref={nameField}
          id={id}
          type="text"
          value={name}
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => rename(target.value.trim())}
        />
        <ActionButton isPrimary whyNot={whyNot(name, own)} onClick={plan}>
          Plan
        </ActionButton>
        {replaced !== undefined && <span className="muted">replaces the document that is kept by this name</span>}
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
