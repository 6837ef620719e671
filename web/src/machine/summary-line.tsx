import { Fragment, useState } from "react";
import { Link } from "wouter";
import type { MachineSummary, Problem } from "./machine-summary.ts";

interface SummaryLineProps {
  readonly host: string;
  readonly summary: MachineSummary;
  readonly onChoose: (name: string) => void;
}

const SHOWN = 4;

/** Is anything wrong, what is free, who uses what: before the drawing. */
export function SummaryLine({ host, summary, onChoose }: SummaryLineProps) {
  const { problems, counts, canBeMade, users } = summary;
  const made = counts.free + counts.configured + counts["in use"] + counts.unclear;
  return (
    <section aria-label="In short" className="machine-summary">
      <p>
        <strong className={problems.length === 0 ? "good" : "warn"}>
          {problems.length === 0 ? "✔ Nothing is wrong." : `▲ ${problems.length} to look at.`}
        </strong>{" "}
        {made === 0 ? "No VF was made yet" : `${counts.free + counts.configured} of ${made} VFs are free`}
        {counts.configured > 0 && `, ${counts.configured} of them configured`}
        {counts.unclear > 0 && `, ${counts.unclear} unclear`}
        {canBeMade > 0 && (
          <>
            ; {canBeMade}
            {made > 0 && " more"} can be made: <Link href={`${pageOf(host)}/change`}>plan a change</Link>
          </>
        )}
        . {usersWords(counts["in use"], users)}
      </p>
      {problems.length > 0 && <Problems host={host} problems={problems} onChoose={onChoose} />}
    </section>
  );
}

function pageOf(host: string): string {
  return `/hosts/${encodeURIComponent(host)}`;
}

function usersWords(inUse: number, users: MachineSummary["users"]): string {
  if (inUse === 0) return "None is in use.";
  const named = users.slice(0, SHOWN).map(({ label, vfs }) => `${label} ${vfs}`);
  const more = users.length > SHOWN ? ` and ${users.length - SHOWN} others` : "";
  return `${inUse} in use: ${named.join(", ")}${more}.`;
}

function Problems({
  host,
  problems,
  onChoose,
}: Omit<SummaryLineProps, "summary"> & { readonly problems: readonly Problem[] }) {
  const [isAll, setAll] = useState(false);
  return (
    <ul className="machine-problems">
      {problems.slice(0, isAll ? undefined : SHOWN).map(({ at, page, words }) => (
        <Fragment key={words}>
          <li>
            {words}{" "}
            {at !== undefined && (
              <button type="button" className="plain" aria-label={`Show where: ${words}`} onClick={() => onChoose(at)}>
                show
              </button>
            )}
            {page !== undefined && <Link href={`${pageOf(host)}/${page}`}>open</Link>}
          </li>
        </Fragment>
      ))}
      {!isAll && problems.length > SHOWN && (
        <li>
          <button type="button" className="plain" onClick={() => setAll(true)}>
            and {problems.length - SHOWN} more
          </button>
        </li>
      )}
    </ul>
  );
}
