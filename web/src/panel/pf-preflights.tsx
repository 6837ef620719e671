import { plural } from "../../../src/host/words/amounts.ts";
import { ErrorCode } from "../app/error-code.tsx";
import { Failure } from "../app/failure.tsx";
import { type PfPreflight, usePreflights } from "./use-preflights.ts";

type Result = PfPreflight["verdict"];

type Finding = PfPreflight["findings"][number];

const WORDS = {
  pass: { mark: "✔", tone: "good", word: "pass" },
  warn: { mark: "▲", tone: "warn", word: "warning" },
  refuse: { mark: "✖", tone: "bad", word: "refused" },
  unknown: { mark: "?", tone: "warn", word: "unknown" },
} as const satisfies Record<Result, object>;

/** Whether a PF can have as many VFs as it may, and what stands in the way. */
export function PfPreflights({ host, pf }: { readonly host: string; readonly pf: string }) {
  const { preflights, error } = usePreflights(host);
  const preflight = preflights?.get(pf);
  if (error) return <Failure title="It cannot be checked" error={error} />;
  if (preflights === undefined) return <p className="muted">Checking…</p>;
  if (preflight === undefined) return <p className="muted">It is no PCI function: there is nothing to check.</p>;
  const passed = preflight.findings.filter(({ result }) => result === "pass");
  return (
    <>
      <p>
        <Verdict result={preflight.verdict} /> {verdictWords(preflight)}
      </p>
      {preflight.findings
        .filter(({ result }) => result !== "pass")
        .map((finding) => (
          <FindingCard key={finding.check} finding={finding} />
        ))}
      {passed.length > 0 && (
        <details>
          <summary>{plural(passed.length, "check")} passed</summary>
          <ul className="plain-list">
            {passed.map(({ check, summary }) => (
              <li key={check}>
                {check} <span className="muted">{summary}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function verdictWords({ verdict, count, largest }: PfPreflight): string {
  const most = largest === null ? "how many are possible is unknown" : `${largest} at most are possible`;
  switch (verdict) {
    case "pass":
      return `${plural(count, "VF")} can be made; ${most}`;
    case "warn":
      return `${plural(count, "VF")} can be made, with a warning; ${most}`;
    case "refuse":
      return `${plural(count, "VF")} cannot be made; ${most}`;
    case "unknown":
      return `whether ${plural(count, "VF")} can be made is not known`;
  }
}

function Verdict({ result }: { readonly result: Result }) {
  const { mark, tone, word } = WORDS[result];
  return (
    <strong className={tone}>
      <span aria-hidden="true">{mark}</span> {word}
    </strong>
  );
}

function FindingCard({ finding: { check, code, result, summary, evidence, remedy } }: { readonly finding: Finding }) {
  return (
    <section className={`notice ${result === "refuse" ? "bad" : "warn"} stack`} aria-label={check}>
      <p>
        <Verdict result={result} /> {check}: {summary}
      </p>
      <ul className="plain-list">
        {evidence.map(({ fact, from }) => (
          <li key={`${fact} ${from}`}>
            {fact} {from !== undefined && <span className="muted">({from})</span>}
          </li>
        ))}
      </ul>
      {remedy !== undefined && <p>What to do: {remedy}</p>}
      <ErrorCode code={code} />
    </section>
  );
}
