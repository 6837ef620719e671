/**
 * Dumps that were cut, damaged or mixed with other text: parseLspciDump ends with what is left of them or with an error
 * that says what is wrong, and never gives a byte that the dump does not have.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import fc from "fast-check";
import { VfleetError } from "../src/errors/vfleet-error.ts";
import { type DumpedFunction, type LspciDump, parseLspciDump } from "../src/kernel/snapshot/lspci-dump.ts";
import { decodeFunction } from "../src/pci/decode.ts";
import { functionToJson } from "../src/pci/function-json.ts";
import { capturedDumps, sharedDumps } from "./dumps.ts";

const SEED = 20_261_123;
const LIMIT_MS = 2000;
/** Larger ones say nothing more, and take longer. */
const LARGEST_BYTES = 100_000;

interface Text {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly functions: ReadonlyMap<string, DumpedFunction>;
}

const texts: readonly Text[] = [...sharedDumps, ...capturedDumps]
  .map(({ name, path }) => ({ name, bytes: readFileSync(path) }))
  .filter(({ bytes }) => bytes.length <= LARGEST_BYTES)
  .map(({ name, bytes }) => {
    const functions = new Map(parseLspciDump(bytes, name).functions.map((fn) => [fn.bdf, fn]));
    return { name, bytes, functions, [fc.toStringMethod]: () => name };
  });
const anyText = fc.constantFrom(...texts);

before(() => assert.notEqual(texts.length, 0));

function check<T extends [unknown, ...unknown[]]>(property: fc.IPropertyWithHooks<T>, numRuns: number): void {
  fc.assert(property, { seed: SEED, numRuns });
}

/** @returns undefined where the dump was refused, with an error that helps. */
function parse(bytes: Uint8Array): LspciDump | undefined {
  const started = performance.now();
  try {
    const dump = parseLspciDump(bytes, "dump.txt");
    for (const { bdf, config } of dump.functions) functionToJson(decodeFunction(bdf, config));
    return dump;
  } catch (error) {
    assert.ok(error instanceof VfleetError, String(error));
    assert.match(error.message, /dump\.txt/);
    assert.equal(error.exitCode, 2);
    return undefined;
  } finally {
    assert.ok(performance.now() - started < LIMIT_MS);
  }
}

/** Every byte that was read of a function must be the one that the undamaged dump has there. */
function assertSubset(dump: LspciDump | undefined, { functions }: Text): void {
  for (const { bdf, config } of dump?.functions ?? []) {
    const real = functions.get(bdf)?.config;
    assert.ok(real, `${bdf} is not in the dump`);
    for (const [from, to] of config.known) {
      assert.ok(real.has(from, to - from), `${bdf}: ${from}-${to} is not in the dump`);
      assert.deepEqual(config.bytes.subarray(from, to), real.bytes.subarray(from, to), bdf);
    }
  }
}

test("parseLspciDump of a dump that was cut anywhere gives what is before the cut", () => {
  check(
    fc.property(anyText, fc.nat(LARGEST_BYTES), (text, at) => {
      const dump = parse(text.bytes.subarray(0, at % (text.bytes.length + 1)));
      assertSubset(dump, text);
    }),
    2000,
  );
});

test("parseLspciDump gives all bytes of a dump with other text between its lines", () => {
  // Words, half a log line, a blank line, what `lspci -v` says; nothing that could be a line of a dump.
  const noise = fc.constantFrom(
    "",
    "some words",
    "[ 12.3] igb: up",
    "\tKernel driver in use: igb",
    "# a: b",
    "\u0000",
    "ü\r",
  );
  check(
    fc.property(anyText, fc.array(fc.tuple(fc.nat(), noise), { minLength: 1, maxLength: 5 }), (text, insertions) => {
      const lines = Buffer.from(text.bytes).toString("latin1").split("\n");
      for (const [at, words] of insertions) lines.splice(at % lines.length, 0, words);
      const dump = parse(Buffer.from(lines.join("\n")));
      assertSubset(dump, text);
      // What follows in the same function may be lost, with a problem; all others are whole.
      const lost = (dump?.functions ?? []).filter(
        (fn) => fn.config.end < (text.functions.get(fn.bdf)?.config.end ?? 0),
      );
      assert.ok(lost.length === 0 || (dump?.problemCount ?? 0) > 0, "bytes were lost and nothing is told");
    }),
    500,
  );
});

test("parseLspciDump survives bytes put anywhere", () => {
  const edit = fc.tuple(fc.nat(), fc.nat(8), fc.uint8Array({ maxLength: 12 }));
  check(
    fc.property(anyText, fc.array(edit, { minLength: 1, maxLength: 20 }), (text, edits) => {
      let bytes = Buffer.from(text.bytes);
      for (const [where, removed, inserted] of edits) {
        const at = where % (bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)]);
      }
      parse(bytes);
    }),
    500,
  );
});

test("parseLspciDump survives text made of a dump's own characters", () => {
  const piece = fc.constantFrom(
    "00:01.0 x\n",
    "0000:01:00.0 y\n",
    "00: ",
    "10: ",
    "ff0: ",
    "86 80 ",
    "fff",
    "--",
    "\n",
    "\t",
    ":",
    ".",
    " ",
    "1",
    "f",
  );
  check(
    fc.property(fc.array(piece, { maxLength: 400 }), (pieces) => void parse(Buffer.from(pieces.join("")))),
    2000,
  );
});
