import assert from "node:assert/strict";
import type { Finding } from "../preflight/check.ts";
import type { VfUse } from "../preflight/facts.ts";
import type { Preflight } from "../preflight/preflight.ts";
import { preflightOf, type TestHost } from "./host-builder.ts";

/** What a check should find. A remedy is wanted wherever it refuses or warns, and nowhere where it passes. */
export interface ExpectedFinding {
  readonly result: Finding["result"];
  /** In the summary: the decisive number or name. */
  readonly summary: RegExp;
  /** In one of the facts of the evidence. */
  readonly evidence?: RegExp;
  /** Left out: the check sets no bound. */
  readonly largest?: number;
  readonly remedy?: RegExp;
  /** Left out: not looked at. */
  readonly errno?: string;
}

/** Runs a preflight and compares what one of its checks found. @returns the whole preflight */
export async function assertFinding(
  host: TestHost,
  check: string,
  expected: ExpectedFinding,
  request: { readonly vfs?: number; readonly use?: VfUse; readonly pf?: string } = {},
): Promise<Preflight> {
  const preflight = await preflightOf(host, request);
  const finding = findingOf(preflight, check);
  assert.equal(finding.result, expected.result, finding.summary);
  assert.match(finding.summary, expected.summary);
  if (expected.evidence) assert.match(finding.evidence.map(({ fact }) => fact).join("\n"), expected.evidence);
  assert.equal(finding.largest, expected.largest);
  if (expected.errno) assert.equal(finding.errno, expected.errno);
  if (expected.remedy) assert.match(finding.remedy ?? "", expected.remedy);
  if (finding.result === "refuse" || finding.result === "warn") assert.ok(finding.remedy, "no remedy");
  if (finding.result === "pass") assert.equal(finding.remedy, undefined);
  return preflight;
}

/** The finding of one check. */
export function findingOf({ findings }: Preflight, check: string): Finding {
  const found = findings.find((finding) => finding.check === check);
  assert.ok(found, `no check ${check}`);
  return found;
}
