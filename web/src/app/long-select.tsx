import { useState } from "react";

interface Option {
  readonly value: string;
  readonly words: string;
}

interface LongSelectProps {
  readonly id: string;
  readonly value: string;
  /** Of the value that is chosen. */
  readonly words: string;
  /** Asked for while somebody is at it: thousands of options on a page of many such controls are seconds. */
  readonly options: () => readonly Option[];
  readonly onChange: (value: string) => void;
}

/** A choice among very many, which are there from when somebody goes to it. */
export function LongSelect({ id, value, words, options, onChange }: LongSelectProps) {
  const [isOpen, setOpen] = useState(false);
  const shown = isOpen ? options() : [];
  return (
    <select
      id={id}
      value={value}
      onPointerDown={() => setOpen(true)}
      onFocus={() => setOpen(true)}
      onBlur={() => setOpen(false)}
      onChange={({ target }) => onChange(target.value)}
    >
      {!shown.some((option) => option.value === value) && <option value={value}>{words}</option>}
      {shown.map((option) => (
        <option key={option.value} value={option.value}>
          {option.words}
        </option>
      ))}
    </select>
  );
}
