import type { MigrationCheck, MigrationVerdict } from "../host/migrate/migration-port.ts";
import type { MigrationTimes } from "../host/migrate/migration-times.ts";
import { moveWords, timesWords } from "../host/words/migration-words.ts";
import { factLines } from "./render-operation.ts";
import { paint, type Tone } from "./terminal.ts";

const MARKS: Readonly<Record<MigrationCheck["result"], readonly [string, Tone]>> = {
  ok: ["✔", "good"],
  refused: ["✖", "bad"],
  unknown: ["?", "unsure"],
};
const NAME_WIDTH = 13;
const METHOD_WIDTH = 10;

/** What was asked of a move, and what comes of it. */
export function renderVerdict({ checks, move }: MigrationVerdict): string[] {
  const lines = checks.flatMap((each) => {
    const [mark, tone] = MARKS[each.result];
    const head = `${paint(tone, mark)} ${each.check.padEnd(NAME_WIDTH)}${(each.method ?? "").padEnd(METHOD_WIDTH)}`;
    const facts = each.evidence.map(({ fact, from }) => (from === undefined ? fact : `${fact} (${from})`));
    return [
      `${head}${each.summary}`,
      ...facts.flatMap((fact) => factLines("seen", fact)).map((line) => paint("faint", line)),
      ...(each.remedy === "" || each.result === "ok" ? [] : factLines("remedy", each.remedy)),
    ];
  });
  if (move === null) return [...lines, "", `${paint("bad", "✖")} ${moveWords(move)}`];
  return [...lines, "", moveWords(move)];
}

/** How long what took. */
export function renderTimes(times: MigrationTimes): string[] {
  return timesWords(times).flatMap(([name, text]) => factLines(name, text));
}
