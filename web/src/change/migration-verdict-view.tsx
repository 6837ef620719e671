import type { MigrationCheck, MigrationVerdict } from "../../../src/host/migrate/migration-port.ts";
import { moveWords } from "../../../src/host/words/migration-words.ts";
import { Lines } from "./refusal-list.tsx";

const MARKS = {
  ok: { mark: "✔", tone: "good", word: "ok" },
  refused: { mark: "✖", tone: "bad", word: "refused" },
  unknown: { mark: "?", tone: "muted", word: "unknown" },
} as const satisfies Record<MigrationCheck["result"], object>;

/** Whether a guest can be moved and how: the answer, then what it rests on, with what to do about what stands in the way. */
export function MigrationVerdictView({ verdict }: { readonly verdict: MigrationVerdict }) {
  const { checks, move } = verdict;
  return (
    <>
      <p className={`plan-answer ${move === null ? "bad" : ""}`} role="status">
        {move === null && "✖ "}
        {moveWords(move)}
      </p>
      <p className="muted">{travels(verdict)}</p>
      <ul className="checks" aria-label="What was asked about the move">
        {checks.map((check) => (
          <Check key={`${check.check} ${check.method} ${check.summary}`} check={check} />
        ))}
      </ul>
    </>
  );
}

/** What goes over with the guest. */
function travels({ move }: MigrationVerdict): string {
  if (move === null) return "Nothing is done: the guest stays where it is.";
  if (move.method === "vfio") {
    return "Its memory travels, and the state of its VF with it: the guest has one VF all the time, and stands still for the end of it.";
  }
  return "Its memory travels; its VF does not. It gives up the VF, goes by its standby interface meanwhile, and gets another VF at the destination.";
}

function Check({ check }: { readonly check: MigrationCheck }) {
  const { mark, tone, word } = MARKS[check.result];
  const facts = check.evidence.map(({ fact, from }) => (from === undefined ? fact : `${fact} (${from})`));
  return (
    <li>
      <p>
        <span className={tone}>{mark}</span> <strong>{check.check}</strong>{" "}
        {check.method !== null && <span className="muted">{check.method} </span>}
        <span className="visually-hidden">{word}: </span>
        {check.summary}
      </p>
      {check.result !== "ok" && <Lines lines={facts} />}
      {check.result !== "ok" && check.remedy !== "" && (
        <p>
          <strong>Remedy: </strong>
          {check.remedy}
        </p>
      )}
    </li>
  );
}
