import { isRefused, type PfPlan, type Plan } from "../../../src/host/plan/plan.ts";
import { duration, plural } from "../../../src/host/words/amounts.ts";
import { pfChanges } from "../../../src/host/words/pf-changes.ts";
import { planWords } from "../../../src/host/words/plan-words.ts";
import { stepWords } from "../../../src/host/words/step-words.ts";
import { vfChanges } from "../../../src/host/words/vf-changes.ts";
import { useObjects } from "../api/use-live.tsx";
import { Lines, RefusalList } from "./refusal-list.tsx";

/** A plan as a readable difference: the answer, refusals, then PF by PF what would change, and who would notice. */
export function PlanView({ plan }: { readonly plan: Plan }) {
  const shown = plan.pfs.filter(
    ({ steps, refusals, warnings }) => steps.length + refusals.length + warnings.length > 0,
  );
  const refused = ({ refusals }: PfPlan) => (refusals.length > 0 ? 0 : 1);
  const settled = plan.pfs.length - shown.length;
  return (
    <>
      <PlanAnswerLine plan={plan} />
      <RefusalList refusals={plan.refusals} />
      {shown
        .toSorted((a, b) => refused(a) - refused(b))
        .map((pf) => (
          <PfPlanView
            key={pf.pf}
            plan={pf}
            wantedBy={plan.desired.find((each) => each.pf === pf.pf)?.wantedBy ?? []}
            isRefused={isRefused(plan)}
          />
        ))}
      {settled > 0 && shown.length > 0 && !isRefused(plan) && (
        <p className="muted">
          {plural(settled, "PF")} {settled === 1 ? "is" : "are"} as wished already
        </p>
      )}
    </>
  );
}

function PlanAnswerLine({ plan }: { readonly plan: Plan }) {
  const tone = isRefused(plan) ? "bad" : plan.pfs.some(({ steps }) => steps.length > 0) ? "" : "good";
  const mark = tone === "bad" ? "✖ " : tone === "good" ? "✔ " : "";
  return (
    <p className={`plan-answer ${tone}`} role="status">
      {mark}
      {planWords(plan)}
    </p>
  );
}

interface PfPlanProps {
  readonly plan: PfPlan;
  readonly wantedBy: readonly string[];
  readonly isRefused: boolean;
}

function PfPlanView({ plan, wantedBy, isRefused }: PfPlanProps) {
  const { pf, refusals, warnings, steps, affected, expectedMs } = plan;
  const object = useObjects("PhysicalFunction").find(({ metadata }) => metadata.name === pf);
  const names = object?.status.netdevs?.map(({ name }) => name) ?? [];
  return (
    <section className="card padded stack pf-plan" aria-label={`Plan of ${pf}`}>
      <header className="row spread">
        <h3>
          <span className="address">{pf}</span> {object?.status.device}
          {names.length > 0 && ` (${names.join(", ")})`}
        </h3>
        <span className="muted">{wantedBy.join(", ")}</span>
      </header>
      <RefusalList refusals={refusals} />
      <RefusalList refusals={warnings} isNote />
      {steps.length > 0 && <Changes plan={plan} />}
      {affected.length > 0 && (
        <div>
          <h3>Who notices</h3>
          <Lines lines={affected.map(({ vfIndex, user, how }) => `VF ${vfIndex}: ${how}; ${user.evidence}`)} />
        </div>
      )}
      {steps.length > 0 && affected.length === 0 && refusals.length === 0 && (
        <p className="muted">Nobody that was seen notices.</p>
      )}
      {steps.length > 0 && !isRefused && <p className="muted">about {duration(expectedMs)}</p>}
    </section>
  );
}

/** Of more, a person reads none. */
const MOST_STEPS = 200;

function Changes({ plan }: { readonly plan: PfPlan }) {
  const { steps, resetsAllVfs } = plan;
  const told = steps.slice(0, MOST_STEPS).flatMap(stepWords);
  return (
    <>
      {resetsAllVfs && (
        <p className="warn">
          <strong>▲ All VFs of this PF are taken away and made anew.</strong>
        </p>
      )}
      <table className="difference" aria-label={`Changes of ${plan.pf}`}>
        <thead className="visually-hidden">
          <tr>
            <th>What</th>
            <th>Old and new</th>
          </tr>
        </thead>
        <tbody>
          {pfChanges(plan).map(({ what, text, note }) => (
            <tr key={`${what} ${text}`}>
              <th scope="row">{what}</th>
              <td>
                {text} <span className="muted">{note}</span>
              </td>
            </tr>
          ))}
          {vfChanges(steps).map(({ vfs, text }) => (
            <tr key={vfs}>
              <th scope="row">{vfs}</th>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <details>
        <summary>
          {plural(steps.length, "step")}
          {steps.length > 1 && ", in the order in which they are done"}
        </summary>
        <ol className="steps">
          {told.map((text, place) => (
            // A plan does not change.
            // biome-ignore lint/suspicious/noArrayIndexKey: its place is what it is
            <li key={place}>{text}</li>
          ))}
        </ol>
        {steps.length > MOST_STEPS && <p className="muted">and {steps.length - MOST_STEPS} more</p>}
      </details>
    </>
  );
}
