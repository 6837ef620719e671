import type { Refusal } from "../../../src/host/plan/plan.ts";
import { type ToldRefusal, toldRefusals } from "../../../src/host/words/told-refusals.ts";
import { ErrorCode } from "../app/error-code.tsx";

interface RefusalListProps {
  readonly refusals: readonly Refusal[];
  /** Refused, or only to be known before. */
  readonly isNote?: boolean;
}

/** So many are shown at once; the others when they are asked for. */
const MOST_FACTS = 8;

/** Why something is not done, or what to know before: who would lose what, and what to do instead. */
export function RefusalList({ refusals, isNote = false }: RefusalListProps) {
  if (refusals.length === 0) return null;
  return (
    <ul className="refusals" aria-label={isNote ? "Notes" : "Refusals"}>
      {toldRefusals(refusals).map((told) => (
        <li key={`${told.code} ${told.summary}`} className={`notice ${isNote ? "warn" : "bad"}`}>
          <Told told={told} isNote={isNote} />
        </li>
      ))}
    </ul>
  );
}

function Told({ told, isNote }: { readonly told: ToldRefusal; readonly isNote: boolean }) {
  const { code, summary, users, facts, remedy } = told;
  return (
    <>
      <p>
        <strong>{isNote ? "▲ to know: " : "✖ refused: "}</strong>
        {summary}
      </p>
      {users !== undefined && <Lines lines={users.map(({ vfIndex, user }) => `VF ${vfIndex}  ${user.evidence}`)} />}
      <Lines lines={facts} />
      {remedy !== "" && (
        <p>
          <strong>{isNote ? "To do: " : "Instead: "}</strong>
          {remedy}
        </p>
      )}
      <ErrorCode code={code} />
    </>
  );
}

/** The first of them, and the others when they are asked for. */
export function Lines({ lines }: { readonly lines: readonly string[] }) {
  const [first, rest] = [lines.slice(0, MOST_FACTS), lines.slice(MOST_FACTS)];
  if (lines.length === 0) return null;
  return (
    <>
      <ul className="told-lines">
        {first.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {rest.length > 0 && (
        <details>
          <summary>and {rest.length} more</summary>
          <ul className="told-lines">
            {rest.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
