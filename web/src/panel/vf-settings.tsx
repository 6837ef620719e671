import { type FormEvent, Fragment, useEffect, useId, useRef, useState } from "react";
import { ActionButton } from "../app/action-button.tsx";
import { useWhyNot } from "../app/person.tsx";
import { useChanges } from "../change/change-provider.tsx";
import type { PfObject, VfObject } from "./chosen.ts";
import {
  changedSettings,
  type Edits,
  type SettingField,
  settingFields,
  settingValue,
  valueWords,
} from "./setting-fields.ts";

interface VfSettingsProps {
  readonly vf: VfObject;
  readonly pf: PfObject | undefined;
}

/** What the PF's driver holds of a VF, by the words of a policy; a form, once somebody wants to change it. */
export function VfSettings({ vf, pf }: VfSettingsProps) {
  const [isEditing, setEditing] = useState(false);
  const whyNot = useWhyNot("operator");
  const actions = useRef<HTMLDivElement>(null);
  const wasEditing = useRef(false);
  // The form takes the focus with it.
  useEffect(() => {
    if (wasEditing.current && !isEditing) actions.current?.querySelector("button")?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  const { status } = vf;
  const fields = settingFields(vf, pf);
  const reason = status.unknown.settings;
  if (reason !== undefined) {
    return (
      <p>
        <span className="warn">unknown</span> <span className="muted">{reason}</span>
      </p>
    );
  }
  if (fields.length === 0) return <p className="muted">The driver of its PF tells nothing of its VFs.</p>;
  if (isEditing) return <SettingsForm vf={vf} fields={fields} onDone={() => setEditing(false)} />;
  return (
    <>
      <dl className="facts">
        {fields.map((field) => (
          <Fragment key={field.name}>
            <dt>{field.name}</dt>
            <dd>
              {valueWords(settingValue(status, field), field) ?? (
                <>
                  <span className="warn">unknown</span> <span className="muted">the driver does not tell</span>
                </>
              )}
            </dd>
          </Fragment>
        ))}
      </dl>
      <div ref={actions} className="row">
        <ActionButton whyNot={whyNot} onClick={() => setEditing(true)}>
          Edit settings
        </ActionButton>
      </div>
    </>
  );
}

interface FormProps {
  readonly vf: VfObject;
  readonly fields: readonly SettingField[];
  readonly onDone: () => void;
}

/** Only what is other than it is goes into the plan. What changes meanwhile by itself is seen in the fields that nobody has touched. */
function SettingsForm({ vf, fields, onDone }: FormProps) {
  const [edits, setEdits] = useState<Edits>({});
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector<HTMLElement>("select, input")?.focus(), []);
  const { propose } = useChanges();
  const settings = changedSettings(vf.status, fields, edits);
  const count = Object.keys(settings).length;
  const plan = () => propose({ kind: "set", vf: vf.metadata.name, settings });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (count > 0) plan();
  };
  return (
    <form ref={form} className="stack settings-form" aria-label="Settings" onSubmit={submit}>
      {fields.map((field) => (
        <Control
          key={field.name}
          field={field}
          value={edits[field.name] ?? settingValue(vf.status, field) ?? ""}
          isChanged={field.name in settings}
          onChange={(value) => setEdits((old) => ({ ...old, [field.name]: value }))}
        />
      ))}
      <div className="row">
        <ActionButton isPrimary whyNot={count === 0 ? "Nothing is changed yet." : undefined} onClick={plan}>
          Plan {count === 0 ? "the change" : count === 1 ? "1 change" : `${count} changes`}
        </ActionButton>
        <button type="button" onClick={onDone}>
          Stop editing
        </button>
      </div>
    </form>
  );
}

interface ControlProps {
  readonly field: SettingField;
  /** Empty: it is not known. */
  readonly value: string;
  readonly isChanged: boolean;
  readonly onChange: (value: string) => void;
}

function Control({ field, value, isChanged, onChange }: ControlProps) {
  const id = useId();
  const { name, type, choices = ["on", "off"], unit } = field;
  return (
    <div className="setting">
      <label htmlFor={id}>{name}</label>
      {type === "flag" || type === "choice" ? (
        <select id={id} value={value} onChange={({ target }) => onChange(target.value)}>
          {value === "" && <option value="">unknown</option>}
          {[...new Set([...(value === "" ? [] : [value]), ...choices])].sort().map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          value={value}
          inputMode={type === "number" ? "numeric" : "text"}
          placeholder="unknown"
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
      <span className="muted">
        {unit} {isChanged && <strong>changed</strong>}
      </span>
    </div>
  );
}
