import { type FormEvent, useId, useState } from "react";
import { useObjects } from "../api/use-live.tsx";
import { ActionButton } from "../app/action-button.tsx";
import { useWhyNot } from "../app/person.tsx";
import { useChanges } from "../change/change-provider.tsx";
import type { VfObject } from "./chosen.ts";
import { whyNotAttached, whyNotDetached } from "./why-not.ts";

/** A VF goes to a guest, or comes back. */
export function VfGuest({ vf }: { readonly vf: VfObject }) {
  const id = useId();
  const guests = useObjects("Guest");
  const [chosen, setChosen] = useState("");
  const role = useWhyNot("operator");
  const { propose } = useChanges();
  const { name } = vf.metadata;
  const holder = vf.status.guest;
  if (holder !== null) {
    return (
      <div className="row">
        <span>{holder} has it.</span>
        <ActionButton whyNot={role ?? whyNotDetached(vf, guests)} onClick={() => propose({ kind: "detach", vf: name })}>
          Plan to detach
        </ActionButton>
      </div>
    );
  }
  const speaksAgainst = role ?? whyNotAttached(vf, guests);
  const reachable = guests.filter(({ status }) => status.unreachable === null);
  const others = guests.filter(({ status }) => status.unreachable !== null);
  const guest =
    reachable.find(({ metadata }) => metadata.name === chosen)?.metadata.name ?? reachable[0]?.metadata.name;
  const attach = () => guest !== undefined && propose({ kind: "attach", vf: name, guest });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (speaksAgainst === undefined) attach();
  };
  return (
    <form className="row" aria-label="Guest" onSubmit={submit}>
      {reachable.length > 0 && (
        <>
          <label htmlFor={id}>Guest</label>
          <select id={id} value={guest} onChange={({ target }) => setChosen(target.value)}>
            {reachable.map(({ metadata }) => (
              <option key={metadata.name}>{metadata.name}</option>
            ))}
          </select>
        </>
      )}
      <ActionButton whyNot={speaksAgainst} onClick={attach}>
        Plan to attach
      </ActionButton>
      {speaksAgainst !== undefined && <p className="muted">{speaksAgainst}</p>}
      {others.length > 0 && (
        <ul className="plain-list muted" aria-label="Guests that cannot be given one">
          {others.map(({ metadata, status }) => (
            <li key={metadata.name}>
              {metadata.name} cannot be given one: {status.unreachable}
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}
