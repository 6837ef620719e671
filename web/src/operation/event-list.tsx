import type { Operation, OperationEvent } from "../../../src/host/apply/operation.ts";
import { pfOf, type Step } from "../../../src/host/plan/step.ts";
import { duration } from "../../../src/host/words/amounts.ts";
import { trafficFact } from "../../../src/host/words/migration-words.ts";
import { phaseFact } from "../../../src/host/words/operation-words.ts";
import { stepWords } from "../../../src/host/words/step-words.ts";
import { Failed } from "./failed.tsx";
import "./operation.css";

/** All that was written down of an operation, as it was: old and new values, what was read back, the kernel's words. */
export function EventList({ operation }: { readonly operation: Operation }) {
  const several = operation.pfs.length > 1;
  let { steps } = operation;
  return (
    <ol className="events" aria-label="What was written down">
      {operation.events.map((event, place) => {
        if (event.event === "undoBegun") steps = event.steps;
        if (event.event === "stepBegun") return null;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: records are only added to
          <li key={place}>
            <time className="muted" dateTime={event.at} title={new Date(event.at).toLocaleString()}>
              {event.at.slice(11, 23)}
            </time>
            <div>
              <EventText event={event} step={"step" in event ? steps[event.step] : undefined} several={several} />
            </div>
          </li>
        );
      })}
    </ol>
  );
}

interface EventTextProps {
  readonly event: OperationEvent;
  readonly step: Step | undefined;
  readonly several: boolean;
}

function EventText({ event, step, several }: EventTextProps) {
  switch (event.event) {
    case "stepBegun":
      return null;
    case "stepDone":
      return (
        <>
          <StepText step={step} several={several} tone="good" mark="✔" />
          <p className="muted">
            {event.evidence} ({duration(event.tookMs)})
          </p>
          {event.log.length > 0 && <pre className="wrapped muted">{event.log.join("\n")}</pre>}
        </>
      );
    case "stepFailed":
      return (
        <>
          <StepText step={step} several={several} tone="bad" mark="✖" />
          <Failed failure={event.failure} />
        </>
      );
    case "undoBegun":
      return <p className="warn">↺ going back: {event.why}</p>;
    case "phase":
      return (
        <>
          <p>› {event.phase}</p>
          <p className="muted">{phaseFact(event)}</p>
        </>
      );
    case "traffic":
      return (
        <>
          <p>› traffic</p>
          <p className="muted">{trafficFact(event)}</p>
        </>
      );
    case "resumed":
      return (
        <p>
          taken up by process {event.pid}: {event.found}
        </p>
      );
    case "ended":
      return <p>{event.state}</p>;
  }
}

interface StepTextProps {
  readonly step: Step | undefined;
  readonly several: boolean;
  readonly tone: string;
  readonly mark: string;
}

function StepText({ step, several, tone, mark }: StepTextProps) {
  const pf = step && several ? `${pfOf(step) ?? ""} ` : "";
  return (step === undefined ? ["a step that is not in the record"] : stepWords(step)).map((text, line) => (
    <p key={text}>
      <span className={tone}>{line === 0 ? mark : " "}</span> {pf}
      {text}
    </p>
  ));
}
