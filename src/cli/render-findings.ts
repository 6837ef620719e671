import type { Finding } from "../host/preflight/check.ts";
import type { Preflight } from "../host/preflight/preflight.ts";
import { paint, type Tone, wrapWords } from "./terminal.ts";

const MARKS: Readonly<Record<Finding["result"], { readonly mark: string; readonly tone: Tone }>> = {
  pass: { mark: "✔", tone: "good" },
  warn: { mark: "!", tone: "warn" },
  refuse: { mark: "✖", tone: "bad" },
  unknown: { mark: "?", tone: "unsure" },
};
const NAME_WIDTH = 20;
const INDENT = " ".repeat(NAME_WIDTH + 3);

/** A preflight for a person: the answer, then each check with its evidence and remedy. */
export function renderPreflight(result: Preflight, device: string, verbose: boolean): string[] {
  const lines = [`${paint("strong", result.bdf)} ${device}`, `  ${answer(result)}`, ""];
  for (const finding of result.findings) lines.push(...renderFinding(finding, verbose));
  return lines;
}

function answer({ asked, count, largest, verdict, use }: Preflight): string {
  const forUse = use ? ` for ${use}` : "";
  const most = largest === null ? "how many would work is not known" : `the largest number that works is ${largest}`;
  switch (verdict) {
    case "refuse":
      if (largest === 0) return `${paint("bad", "refused")}: no VFs can be made${forUse}`;
      return `${paint("bad", "refused")}: ${asked === undefined ? "as it is now" : vfs(count, forUse)}; ${most}`;
    case "unknown": {
      const upTo = largest === null ? "nothing refuses" : `nothing refuses up to ${largest}`;
      return `${paint("unsure", "unknown")}: ${vfs(count, forUse)}: ${upTo}, but not all could be checked`;
    }
    case "warn":
      return `${paint("warn", "possible")}: ${vfs(count, forUse)}, with warnings; ${most}`;
    case "pass":
      return `${paint("good", "ready")}: ${vfs(count, forUse)}; ${most}`;
  }
}

function vfs(count: number, forUse: string): string {
  return `${count} VF${count === 1 ? "" : "s"}${forUse}`;
}

/** Evidence is shown where something is wrong; with `verbose`, everywhere. */
function renderFinding(finding: Finding, verbose: boolean): string[] {
  const { mark, tone } = MARKS[finding.result];
  const lines = [`${paint(tone, mark)} ${finding.check.padEnd(NAME_WIDTH)} ${hanging(finding.summary)}`];
  if (finding.result !== "pass" || verbose) {
    for (const { fact, from } of finding.evidence) {
      lines.push(`${INDENT}${hanging(fact)}${from ? paint("faint", `  (${from})`) : ""}`);
    }
    if (finding.remedy) {
      lines.push(`${INDENT}${paint("strong", "do:")} ${hanging(finding.remedy)}  ${paint("faint", finding.code)}`);
    }
  }
  return lines;
}

/** Text with its further lines under the first. */
function hanging(text: string): string {
  return wrapWords(text, INDENT.length + 12).join(`\n${INDENT}`);
}
