import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useMemo, useRef, useState } from "react";
import { api } from "../api/session.ts";
import { Failure } from "../app/failure.tsx";
import { ScrollX } from "../app/scroll-x.tsx";
import {
  changedFields,
  type FunctionRegisters,
  fieldKey,
  filterGroups,
  functionRegisters,
  type RegisterGroup,
  type RegisterRow,
} from "./registers.ts";

const REFRESH_MS = 3000;
const NONE: FunctionRegisters = { groups: [], problems: [] };

/** All registers of a function by their names in the standard, read again and again; what has changed shows it. */
export function RegisterList({ host, bdf }: { readonly host: string; readonly bdf: string }) {
  const id = useId();
  const [word, setWord] = useState("");
  const { data, error } = useQuery({
    queryKey: ["function", host, bdf],
    queryFn: ({ signal }) => api.ask("GET /hosts/{host}/functions/{bdf}", { path: { host, bdf } }, signal),
    refetchInterval: REFRESH_MS,
  });
  const config = data?.config;
  const { groups, problems } = useMemo(
    () => (config === undefined ? NONE : functionRegisters(bdf, config)),
    [bdf, config],
  );
  const changed = useChanged(groups);
  const shown = filterGroups(groups, word);
  if (error && data === undefined) return <Failure title="Its registers cannot be read" error={error} />;
  if (data === undefined) return <p className="muted">Reading its registers…</p>;
  if (config === "") return <p className="muted">None of its registers could be read.</p>;
  return (
    <>
      {error && <p className="warn">They are as they were: {error.message}</p>}
      <div className="row">
        <label htmlFor={id}>Filter</label>
        <input
          id={id}
          type="search"
          value={word}
          placeholder="numVfs, MSI-X, error…"
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => setWord(target.value)}
        />
      </div>
      {problems.map((problem) => (
        <p key={problem} className="warn">
          ▲ {problem}
        </p>
      ))}
      {shown.length === 0 && <p className="muted">No register or field has “{word}” in its name or meaning.</p>}
      {shown.map((group) => (
        <Group key={`${group.key} ${word !== ""}`} group={group} changed={changed} isOpenAtFirst={word !== ""} />
      ))}
    </>
  );
}

/** What the last read found to be other than the one before. */
function useChanged(groups: readonly RegisterGroup[]): ReadonlySet<string> {
  const before = useRef<readonly RegisterGroup[]>([]);
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    setChanged(changedFields(before.current, groups));
    before.current = groups;
  }, [groups]);
  return changed;
}

interface GroupProps {
  readonly group: RegisterGroup;
  readonly changed: ReadonlySet<string>;
  readonly isOpenAtFirst: boolean;
}

function Group({ group, changed, isOpenAtFirst }: GroupProps) {
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  const { title, offset, registers, derived } = group;
  const hasChanged = registers.some((register) =>
    register.fields.some((field) => changed.has(fieldKey(register, field))),
  );
  return (
    <details className="registers" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <span className="address">{offset}</span> {title} {hasChanged && <strong>changed</strong>}
      </summary>
      {isOpen && (
        <ScrollX label={`Registers of ${title}`}>
          <table aria-label={title}>
            <thead>
              <tr>
                <th>Field</th>
                <th>Bits</th>
                <th>Value</th>
                <th>Meaning</th>
              </tr>
            </thead>
            {registers.map((register) => (
              <RegisterBody key={register.key} register={register} changed={changed} />
            ))}
            {derived.length > 0 && (
              <tbody>
                {derived.map(({ name, value }) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td />
                    <td />
                    <td className="address">{value}</td>
                  </tr>
                ))}
              </tbody>
            )}
          </table>
        </ScrollX>
      )}
    </details>
  );
}

function RegisterBody({
  register,
  changed,
}: {
  readonly register: RegisterRow;
  readonly changed: ReadonlySet<string>;
}) {
  const { name, offset, raw, spec, fields } = register;
  return (
    <tbody>
      <tr className="register">
        <th scope="rowgroup" colSpan={2}>
          <span className="address">{offset}</span> {name}
        </th>
        <td className="address">{raw === null ? <span className="warn">unknown</span> : `${raw}h`}</td>
        <td className="muted">{spec}</td>
      </tr>
      {fields.map((field) => {
        const key = fieldKey(register, field);
        const hasChanged = changed.has(key);
        return (
          // A row that changes again flashes again.
          <tr key={hasChanged ? `${key} ${field.raw}` : key} className={hasChanged ? "changed" : undefined}>
            <th scope="row">
              {field.name}
              {hasChanged && <span className="changed-mark"> changed</span>}
            </th>
            <td className="address">{field.bits}</td>
            <td className="address">{field.raw === null ? <span className="warn">unknown</span> : `${field.raw}h`}</td>
            <td>
              {field.value} <span className="muted">{field.doc}</span>
            </td>
          </tr>
        );
      })}
    </tbody>
  );
}
