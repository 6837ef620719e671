import { Fragment } from "react";
import type { Fact } from "./facts.ts";

/** What is known of something; what is unknown says why. */
export function FactList({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map(({ label, value, note }) => (
        <Fragment key={`${label} ${value}`}>
          <dt>{label}</dt>
          <dd>
            {value ?? <span className="warn">unknown</span>}
            {note !== undefined && <span className="muted"> {note}</span>}
          </dd>
        </Fragment>
      ))}
    </dl>
  );
}
