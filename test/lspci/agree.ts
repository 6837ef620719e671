import assert from "node:assert/strict";
import { toJson } from "../../src/cli/output.ts";
import { compareBdf } from "../../src/pci/bdf.ts";
import type { DecodedFunction } from "../../src/pci/decode.ts";
import { functionToJson } from "../../src/pci/function-json.ts";
import { compareFunction, type JsonFunction } from "./compare.ts";
import { knownReason } from "./known-differences.ts";
import { parseLspciOutput } from "./lspci-output.ts";

/** Versions whose words are all known; a later one may show registers that the tables here do not have. */
const READ_IN_FULL = /^3\.(?:9|13)\./;

export interface Agreement {
  /** How many values were compared, by where they are. */
  readonly counts: ReadonlyMap<string, number>;
  /** How often a difference was known, by its reason. */
  readonly reasons: ReadonlyMap<string, number>;
}

/** Compares what lspci printed of functions with what vfleet decodes; fails on a difference that is not known. */
export function agreeWithLspci(
  output: string,
  decodedFunctions: readonly DecodedFunction[],
  version: string,
): Agreement {
  const shown = parseLspciOutput(output);
  // lspci sorts; vfleet keeps the dump's order.
  const functions = [...decodedFunctions].sort((a, b) => compareBdf(a.bdf, b.bdf));
  const decoded = readJson(jsonOf(functions));
  assert.deepEqual(
    decoded.map(({ bdf }) => bdf),
    shown.map(({ bdf }) => bdf),
  );
  const counts = new Map<string, number>();
  const reasons = new Map<string, number>();
  const differences: string[] = [];
  for (const [index, theirs] of shown.entries()) {
    const ours = decoded[index] as JsonFunction;
    const agreement = compareFunction(theirs, ours, functions[index]?.header ?? {});
    for (const [place, count] of agreement.compared) counts.set(place, (counts.get(place) ?? 0) + count);
    for (const found of agreement.differences) {
      const { place, lspci, vfleet } = found;
      const reason = knownReason(found, ours, version);
      if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      else if (vfleet !== undefined || READ_IN_FULL.test(version)) {
        differences.push(`${theirs.bdf} ${place}: lspci: ${lspci} | vfleet: ${vfleet ?? "nothing"}`);
      }
    }
    // A list that lspci breaks off is a problem that vfleet tells.
    if (theirs.marks.length > 0) assert.notDeepEqual(ours.problems, [], `${theirs.bdf} ${theirs.marks}`);
  }
  assert.deepEqual(differences, []);
  return { counts, reasons };
}

export function jsonOf(functions: readonly DecodedFunction[]): string {
  return toJson(functions.map(functionToJson));
}

/** JSON.parse of ECMAScript's source text access, which TypeScript's library does not have yet. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/** Integers above 2^53 become bigints, as docs/json.md advises. */
export function readJson(text: string): JsonFunction[] {
  return (JSON.parse as ParseWithSource)(text, (_key, value, { source = "" }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(source) ? BigInt(source) : value,
  ) as JsonFunction[];
}
