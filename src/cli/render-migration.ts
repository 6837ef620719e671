import type { MigrationCheck, MigrationVerdict } from "../host/migrate/migration-port.ts";
import type { MigrationTimes } from "../host/migrate/migration-times.ts";
import { duration } from "../host/words/amounts.ts";
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
  if (move === null) return [...lines, "", `${paint("bad", "✖")} the guest cannot be moved (VFL-0412)`];
  const by = move.method === "vfio" ? "by VFIO, with its VF's state" : "by the failover pair";
  const vf = move.destinationVf === null ? "" : `, from ${move.sourceVf.bdf} to ${move.destinationVf.bdf}`;
  return [...lines, "", `${move.guest} to ${move.destination} ${by}${vf}`];
}

/** How long what took. */
export function renderTimes({ downtimeMs, withoutVfMs }: MigrationTimes): string[] {
  return [
    ...factLines("stood still", downtimeMs === null ? "not told" : `${downtimeMs} ms`),
    ...(withoutVfMs === null ? [] : factLines("by standby", duration(withoutVfMs))),
    ...factLines("no traffic", "not measured: nobody sent to the guest in order to know"),
  ];
}
