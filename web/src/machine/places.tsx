import { Link } from "wouter";
import type { PfBar } from "./machine-plan.ts";

/** VFs that can be made, and how. */
export function Places({ host, bar, places }: { readonly host: string; readonly bar: PfBar; readonly places: number }) {
  const { name } = bar.pf.metadata;
  const isEmpty = places === bar.cells.length;
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
