import { useMemo, useState } from "react";
import { useObjects } from "../api/use-live.tsx";
import { ActionButton } from "../app/action-button.tsx";
import { useChanges } from "../change/change-provider.tsx";
import { errorIn } from "../change/read-text.ts";
import { useDocuments } from "../change/use-documents.ts";
import "../change/change.css";
import { type ClaimForm, claimText, EMPTY_CLAIM, whyNotClaimed } from "./claim-form.ts";

/** A new claim: a guest needs VFs, of a pool or of a PF, for a time. */
export function ClaimMaker({ host }: { readonly host: string }) {
  const [form, setForm] = useState<ClaimForm>(EMPTY_CLAIM);
  const pfs = useObjects("PhysicalFunction");
  const guests = useObjects("Guest");
  const { data: documents, error: unread } = useDocuments(host);
  const { propose } = useChanges();
  const text = useMemo(() => claimText(form), [form]);
  const error = useMemo(() => errorIn(form.name, text), [form.name, text]);
  const set = (change: Partial<ClaimForm>) => setForm((last) => ({ ...last, ...change }));
  const field = (label: string, key: "name" | "guest" | "pool" | "count" | "vlan", hint: string, list?: string) => (
    <label className="field">
      {label}
      <input
        type="text"
        value={form[key]}
        placeholder={hint}
        list={list}
        autoComplete="off"
        spellCheck={false}
        onChange={({ target }) => set({ [key]: target.value.trim() })}
      />
    </label>
  );
  return (
    <section className="card padded stack" aria-label="New claim">
      <h2>New claim</h2>
      <div className="claim-fields">
        {field("Claim's name", "name", "web-net")}
        {field("Guest", "guest", "web", "guest-names")}
        <datalist id="guest-names">
          {guests.map(({ status }) => (
            <option key={status.address} value={status.address.slice(status.address.indexOf(":") + 1)} />
          ))}
        </datalist>
        {field("From the pool", "pool", "fast")}
        <label className="field">
          Of the PF
          <select value={form.pf} onChange={({ target }) => set({ pf: target.value })}>
            <option value="">any</option>
            {pfs.map(({ metadata }) => (
              <option key={metadata.name} value={metadata.name}>
                {metadata.name}
              </option>
            ))}
          </select>
        </label>
        {field("How many VFs", "count", "1")}
        {field("VLAN", "vlan", "as it is")}
        <label className="field">
          Lifetime
          <select
            value={form.lifetime}
            onChange={({ target }) => set({ lifetime: target.value as ClaimForm["lifetime"] })}
          >
            <option value="permanent">until it is released</option>
            <option value="guest">as long as the guest</option>
            <option value="time">until a time</option>
          </select>
        </label>
        {form.lifetime === "time" && (
          <label className="field">
            Until
            <input type="datetime-local" value={form.until} onChange={({ target }) => set({ until: target.value })} />
          </label>
        )}
      </div>
      <pre className="scroll-x claim-text">{text}</pre>
      {form.name !== "" && form.guest !== "" && error !== undefined && (
        <pre className="notice bad scroll-x" role="status">
          {error.message}
        </pre>
      )}
      <div>
        <ActionButton
          isPrimary
          whyNot={
            (unread && `What is desired cannot be read: ${unread.message}`) ??
            whyNotClaimed(form, documents, error?.message)
          }
          // Another may take the name meanwhile: the server holds that it is new.
          onClick={() => propose({ kind: "apply", document: { name: form.name, text, resourceVersion: "" } })}
        >
          Plan the claim
        </ActionButton>
      </div>
    </section>
  );
}
