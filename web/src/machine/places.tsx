import { Link } from "wouter";
import { type PfBar, placesOf } from "./machine-plan.ts";

/** VFs that can be made, and how. */
export function Places({ host, bar }: { readonly host: string; readonly bar: PfBar }) {
  const { name } = bar.pf.metadata;
  const places = placesOf(bar);
  const isEmpty = bar.cells.every((vf) => vf === undefined);
  if (places === 0) {
    return (
      <p className="machine-places">
        No {isEmpty ? "VF" : "more VFs"} can be made here: the panel of {name} says why
      </p>
    );
  }
  return (
    <p className="machine-places">
      {places}
      {!isEmpty && " more"} {places === 1 ? "VF" : "VFs"} can be made here:{" "}
      <Link
        href={`/hosts/${encodeURIComponent(host)}/change?pf=${encodeURIComponent(name)}`}
        aria-label={`Plan a change of ${name}`}
      >
        plan a change
      </Link>
    </p>
  );
}
