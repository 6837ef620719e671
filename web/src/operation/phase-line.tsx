import type { Operation } from "../../../src/host/apply/operation.ts";
import { migrationTimes } from "../../../src/host/migrate/migration-times.ts";
import { duration } from "../../../src/host/words/amounts.ts";
import { timesWords } from "../../../src/host/words/migration-words.ts";
import { phaseFact } from "../../../src/host/words/operation-words.ts";
import { PHASE_WORDS, phaseSpans } from "./migration-timeline.ts";
import { useNow } from "./use-record.ts";
import "./operation.css";

/** A move by its phases on a line of time, and what was measured. */
export function PhaseLine({ operation }: { readonly operation: Operation }) {
  const { startedAt, endedAt, events } = operation;
  const now = useNow(endedAt === null);
  const times = migrationTimes(operation);
  const spans = phaseSpans(
    times,
    (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt),
    endedAt !== null,
  );
  const told = events.flatMap((event) => (event.event === "phase" ? [event] : []));
  if (spans.length === 0) return <p className="muted">No phase of the move was told yet.</p>;
  return (
    <div className="stack">
      <div className="phase-line" aria-hidden="true">
        {spans.map(({ phase, from, share }, place) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: phases are only added to
            key={place}
            className={`phase ${phase}`}
            style={{ left: `${from * 100}%`, width: `${Math.max(share * 100, 0.4)}%` }}
          />
        ))}
      </div>
      <table aria-label="Phases of the move">
        <thead>
          <tr>
            <th>Phase</th>
            <th className="number">After</th>
            <th className="number">Lasted</th>
            <th>Seen</th>
          </tr>
        </thead>
        <tbody>
          {spans.map(({ phase, atMs, lastsMs }, place) => {
            const event = told[place];
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: phases are only added to
              <tr key={place}>
                <th scope="row">
                  <span className={`phase-swatch ${phase}`} aria-hidden="true" /> {phase}
                  <div className="muted">{PHASE_WORDS[phase]}</div>
                </th>
                <td className="number">{duration(atMs)}</td>
                <td className="number">{lastsMs === null ? "goes on" : duration(lastsMs)}</td>
                <td className="muted">{event && phaseFact(event)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {endedAt !== null && (
        <dl className="facts">
          {timesWords(times).map(([name, text]) => (
            <Fact key={name} name={name} text={text} />
          ))}
        </dl>
      )}
    </div>
  );
}

function Fact({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </>
  );
}
