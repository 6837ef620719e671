import type { Operation } from "../../../src/host/apply/operation.ts";
import { duration } from "../../../src/host/words/amounts.ts";
import { Failed } from "./failed.tsx";
import { coursesOf, type StepGroup } from "./step-groups.ts";
import "./operation.css";

const MARKS = {
  waiting: { mark: "○", tone: "muted", word: "waits" },
  doing: { mark: "●", tone: "warn", word: "is being done" },
  done: { mark: "✔", tone: "good", word: "done" },
  failed: { mark: "✖", tone: "bad", word: "failed" },
} as const satisfies Record<StepGroup["state"], object>;

/** How far an operation is: thing by thing, ticked as they are done; the way back below, where it goes back. */
export function CourseList({ operation }: { readonly operation: Operation }) {
  const several = operation.pfs.length > 1;
  return coursesOf(operation).map(({ back, groups }, place) => (
    // Courses are only added to.
    // biome-ignore lint/suspicious/noArrayIndexKey: its place is what it is
    <div key={place} className="stack">
      {back !== null && (
        <p className="warn">
          ↺ going back: {back}
          {groups.length === 0 && " (nothing had changed)"}
        </p>
      )}
      <ol className="courses" aria-label={back === null ? "Steps" : "Steps back"}>
        {groups.map((group) => (
          <Group key={`${group.pf} ${group.name}`} group={group} several={several} isBack={back !== null} />
        ))}
      </ol>
    </div>
  ));
}

interface GroupProps {
  readonly group: StepGroup;
  /** Whether there are several PFs: then each is named. */
  readonly several: boolean;
  readonly isBack: boolean;
}

function Group({ group, several, isBack }: GroupProps) {
  const { name, pf, state, count, tookMs, evidence, log, failure } = group;
  const { mark, tone, word } = MARKS[state];
  return (
    <li>
      <div className="course">
        <span className={isBack && state === "done" ? "warn" : tone} aria-hidden="true">
          {isBack && state === "done" ? "↺" : mark}
        </span>
        <span>
          {several && pf !== null && <span className="address">{pf} </span>}
          {name}
          <span className="visually-hidden"> {word}</span>
        </span>
        <span className="number">{count}</span>
        <span className="number muted">{tookMs > 0 ? duration(tookMs) : ""}</span>
        <span className="muted course-evidence">{evidence}</span>
      </div>
      {log.length > 0 && (
        <details>
          <summary className="muted">the kernel's log meanwhile ({log.length})</summary>
          <pre className="wrapped muted">{log.join("\n")}</pre>
        </details>
      )}
      {failure !== null && <Failed failure={failure} />}
    </li>
  );
}
