import { type FormEvent, useId, useState } from "react";
import { ActionButton } from "../app/action-button.tsx";
import { useWhyNot } from "../app/person.tsx";
import { useChanges } from "../change/change-provider.tsx";
import type { VfObject } from "./chosen.ts";
import { whyNotTaken } from "./why-not.ts";

const OTHER = "other";
const DRIVERS = [
  ["default", "default: the one that the kernel takes"],
  ["vfio", "vfio: for guests"],
  ["none", "none: unbound"],
  [OTHER, "another, by its name"],
] as const;

/** A VF goes to another driver, or is reset. */
export function VfDriver({ vf }: { readonly vf: VfObject }) {
  const id = useId();
  const [choice, setChoice] = useState<string>(DRIVERS[0][0]);
  const [name, setName] = useState("");
  const role = useWhyNot("operator");
  const { propose } = useChanges();
  const driver = choice === OTHER ? name.trim() : choice;
  const taken = role ?? whyNotTaken(vf);
  const whyNot = taken ?? (driver === "" ? "Name the driver." : undefined);
  const bind = () => propose({ kind: "bind", vf: vf.metadata.name, driver });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (whyNot === undefined) bind();
  };
  return (
    <form className="row" aria-label="Driver" onSubmit={submit}>
      <label htmlFor={id}>Driver</label>
      <select id={id} value={choice} onChange={({ target }) => setChoice(target.value)}>
        {DRIVERS.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      {choice === OTHER && (
        <input
          aria-label="Name of the driver"
          value={name}
          placeholder="igbvf"
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => setName(target.value)}
        />
      )}
      <ActionButton whyNot={whyNot} onClick={bind}>
        Plan to bind
      </ActionButton>
      <ActionButton whyNot={taken} onClick={() => propose({ kind: "reset", vf: vf.metadata.name })}>
        Plan to reset
      </ActionButton>
      {taken !== undefined && <p className="muted">{taken}</p>}
    </form>
  );
}
