import { useId } from "react";
import type { ObjectOf } from "../api/objects.ts";
import { limitWords, mostVfs, pfLabel } from "./pf-label.ts";
import { EMPTY_POOL, type PolicyForm } from "./policy-form.ts";
import { PoolFields, SwitchField } from "./pool-fields.tsx";

interface PolicyFieldsProps {
  readonly form: PolicyForm;
  readonly pfs: readonly ObjectOf<"PhysicalFunction">[];
  readonly onChange: (form: PolicyForm) => void;
}

/** A policy for one PF; what is typed is in the YAML at once. */
export function PolicyFields({ form, pfs, onChange }: PolicyFieldsProps) {
  const id = useId();
  const set = (change: Partial<PolicyForm>) => onChange({ ...form, ...change });
  const pf = pfs.find(({ metadata }) => metadata.name === form.pf);
  const most = pf && mostVfs(pf.status);
  return (
    <div className="stack">
      <label className="field">
        PF
        <select value={form.pf} onChange={({ target }) => set({ pf: target.value })}>
          {pf === undefined && <option value={form.pf}>{form.pf} (not on this host)</option>}
          {pfs.map((each) => (
            <option key={each.metadata.name} value={each.metadata.name}>
              {pfLabel(each)}
            </option>
          ))}
        </select>
      </label>
      <div className="field">
        <label htmlFor={id}>Number of VFs</label>
        <div className="row">
          <input
            id={id}
            type="text"
            inputMode="numeric"
            aria-describedby={`${id}-limit`}
            value={form.numVfs}
            placeholder="as it is"
            autoComplete="off"
            onChange={({ target }) => set({ numVfs: target.value.trim() })}
          />
          <button type="button" onClick={() => set({ numVfs: "max" })}>
            max
          </button>
        </div>
        <span id={`${id}-limit`} className={Number(form.numVfs) > (most ?? Infinity) ? "bad" : "muted"}>
          {pf ? limitWords(pf.status) : "not known"}
        </span>
      </div>
      <div className="row">
        <label className="field">
          Where VFs in use would be lost
          <select
            value={form.onShrink}
            onChange={({ target }) => set({ onShrink: target.value as PolicyForm["onShrink"] })}
          >
            <option value="">refuse (as always)</option>
            <option value="refuse">refuse</option>
            <option value="drain">drain: detach what vfleet attached</option>
          </select>
        </label>
        <SwitchField label="PF's link" words={["up", "down"]} value={form.up} onChange={(up) => set({ up })} />
      </div>
      {form.pools.map((pool, place) => (
        <PoolFields
          // Pools have no name of their own: two may be alike.
          // biome-ignore lint/suspicious/noArrayIndexKey: its place is what it is
          key={place}
          pool={pool}
          place={place + 1}
          onChange={(changed) => set({ pools: form.pools.with(place, changed) })}
          onRemove={() => set({ pools: form.pools.toSpliced(place, 1) })}
        />
      ))}
      <div>
        <button type="button" onClick={() => set({ pools: [...form.pools, EMPTY_POOL] })}>
          Add a pool
        </button>
      </div>
    </div>
  );
}
