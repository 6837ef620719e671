/**
 * Whatever bytes are in a configuration space, and whichever of them were read: decoding ends, nothing throws, nothing is
 * shown that was not read, and what is missing is told. Real dumps are changed by the thousand, from a fixed seed;
 * fast-check prints how to repeat a failure.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { toJson } from "../src/cli/output.ts";
import { renderFunction } from "../src/cli/render-function.ts";
import { bdf } from "../src/pci/bdf.ts";
import type { ConfigSpace } from "../src/pci/config-space.ts";
import { type DecodedFunction, decodeFunction } from "../src/pci/decode.ts";
import { functionToJson } from "../src/pci/function-json.ts";
import { buildTopology } from "../src/pci/topology.ts";
import { corpus, mutatedSpace, randomSpace, realSpace, withUnread } from "./corpus.ts";
import { contradictions, inventedFields } from "./never-invented.ts";

const SEED = 20_261_123;
/** Of one function, all in: the slowest takes a few milliseconds, and a machine may be busy. */
const LIMIT_MS = 1000;
const ADDRESS = bdf("0000:01:00.0");
/** What a renderer writes of a value that it was not made for. */
const SLIPS = /undefined|NaN|\[object/;

before(() => assert.ok(corpus.length > 100, `only ${corpus.length} real functions`));

function check<T extends [unknown, ...unknown[]]>(property: fc.IPropertyWithHooks<T>, numRuns: number): void {
  fc.assert(property, { seed: SEED, numRuns, verbose: fc.VerbosityLevel.None });
}

/** Decodes a space and shows it in every way; fails where that takes too long or shows a slip. */
function showAll(space: ConfigSpace): DecodedFunction {
  const started = performance.now();
  const fn = decodeFunction(ADDRESS, space);
  const identity = { vendorId: fn.vendorId ?? undefined, deviceId: fn.deviceId ?? undefined };
  const shown = [toJson(functionToJson(fn)), renderFunction(fn, identity), renderFunction(fn, identity, true)];
  const tookMs = performance.now() - started;
  assert.ok(tookMs < LIMIT_MS, `took ${tookMs} ms`);
  JSON.parse(shown[0] as string);
  for (const text of shown) assert.doesNotMatch(text, SLIPS);
  return fn;
}

function decodeParts([full, part]: readonly [ConfigSpace, ConfigSpace]): readonly [DecodedFunction, DecodedFunction] {
  return [decodeFunction(ADDRESS, full), showAll(part)];
}

/** True where a value, or one inside it, is not known. */
function hasNull(value: unknown): boolean {
  return value === null || (typeof value === "object" && Object.values(value).some(hasNull));
}

test("decodeFunction and both renderers survive changed bytes, and show what the bytes say", () => {
  check(
    fc.property(mutatedSpace, (space) => {
      assert.deepEqual(inventedFields(showAll(space)), []);
    }),
    3000,
  );
});

test("decodeFunction and both renderers survive random bytes of any length", () => {
  check(
    fc.property(randomSpace, (space) => {
      assert.deepEqual(inventedFields(showAll(space)), []);
    }),
    300,
  );
});

test("decodeFunction shows null for whatever was not read, in changed functions, too", () => {
  check(
    fc.property(withUnread(mutatedSpace), (spaces) => {
      assert.deepEqual(inventedFields(decodeParts(spaces)[1]), []);
    }),
    3000,
  );
});

test("decodeFunction of a part says nothing that it does not say of the whole", () => {
  check(
    fc.property(withUnread(fc.oneof(realSpace, mutatedSpace)), (spaces) => {
      const [whole, part] = decodeParts(spaces);
      assert.deepEqual(contradictions(part.header, whole.header), []);
      assert.deepEqual(contradictions(part.bars, whole.bars), []);
      assert.deepEqual(contradictions(part.bridge, whole.bridge), []);
      for (const list of ["capabilities", "extendedCapabilities"] as const) {
        for (const { id, offset, name, values } of part[list]) {
          const twin = whole[list].find((other) => other.offset === offset);
          assert.equal(twin?.id, id, `${name} at ${offset.toString(16)}h`);
          assert.deepEqual(contradictions(values, twin?.values, name), []);
        }
      }
    }),
    3000,
  );
});

test("decodeFunction tells what was not read", () => {
  check(
    fc.property(withUnread(realSpace), (spaces) => {
      const [whole, part] = decodeParts(spaces);
      const told = part.problems.filter(({ kind }) => kind === "unread").map(({ offset }) => offset);
      if (hasNull(part.header))
        assert.ok(told[0] !== undefined && told[0] < 0x48, `the header's loss is not told: ${told}`);
      for (const list of ["capabilities", "extendedCapabilities"] as const) {
        for (const { name, offset, definition, values } of part[list]) {
          if (definition && hasNull(values))
            assert.ok(told.includes(offset), `the loss in ${name} is not told: ${told}`);
        }
        if (part[list].length < whole[list].length) assert.notDeepEqual(told, [], `lost ${list} are not told`);
      }
      for (const offset of told) assert.ok(offset >= 0 && offset < 4096, `offset ${offset}`);
    }),
    3000,
  );
});

test("buildTopology ends on functions with any bus numbers and VF registers", () => {
  check(
    fc.property(fc.array(mutatedSpace, { minLength: 2, maxLength: 12 }), (spaces) => {
      const functions = spaces.map((space, index) => decodeFunction(bdf(`00:${index.toString(16)}.0`), space));
      assert.equal(buildTopology(functions).size, functions.length);
    }),
    200,
  );
});
