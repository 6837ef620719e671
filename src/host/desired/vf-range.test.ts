import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fitsPattern } from "./name-pattern.ts";
import { formatVfs, parseVfRange, type VfRange, vfsOfRange } from "./vf-range.ts";

function range(text: string): VfRange {
  const parsed = parseVfRange(text);
  assert.ok(typeof parsed !== "string", String(parsed));
  return parsed;
}

test("vfsOfRange gives what there is and what is beyond", () => {
  assert.deepEqual(vfsOfRange(range("0-1, 4"), 4), { vfs: [0, 1], beyond: [4] });
  assert.deepEqual(vfsOfRange(range("2-"), 5), { vfs: [2, 3, 4], beyond: [] });
  assert.deepEqual(vfsOfRange(range("2-"), 2), { vfs: [], beyond: [2] });
  assert.deepEqual(vfsOfRange(range("0-"), 0), { vfs: [], beyond: [] });
  for (const text of ["", "a", "-3", "3-1", "1,,2", "70000", "1-2-3"])
    assert.equal(typeof parseVfRange(text), "string");
});

test("formatVfs is read back as the same VFs", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(300), { minLength: 1 }), (vfs) => {
      const inOrder = vfs.sort((a, b) => a - b);
      assert.deepEqual(vfsOfRange(range(formatVfs(inOrder)), 301), { vfs: inOrder, beyond: [] });
    }),
  );
});

test("fitsPattern is as the regular expression of the same pattern", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "A"), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  fc.assert(
    fc.property(text, pattern, (subject, glob) => {
      assert.equal(fitsPattern(subject, glob), new RegExp(`^${glob.replaceAll("*", ".*")}$`, "i").test(subject));
    }),
    { numRuns: 1000 },
  );
});
