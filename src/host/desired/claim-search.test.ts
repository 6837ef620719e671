import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { bdf } from "../../pci/bdf.ts";
import { type Candidate, type Need, placeAll } from "./claim-search.ts";

const PFS = ["0000:01:00.0", "0000:01:00.1", "0000:02:00.0"].map(bdf);
const VFS: readonly Candidate[] = PFS.flatMap((pf) => [0, 1].map((vfIndex) => ({ pf, vfIndex })));

const need = fc.record({
  candidates: fc.subarray([...VFS]),
  count: fc.integer({ min: 1, max: 2 }),
  spread: fc.constantFrom("any", "samePf", "distinctPfs"),
});

function needsOf(parts: readonly { candidates: Candidate[]; count: number; spread: string }[]): Need[] {
  return parts.map(({ candidates, count, spread }, index) => ({
    claim: `c${index}`,
    candidates,
    count,
    held: [],
    samePf: spread === "samePf",
    distinctPfs: spread === "distinctPfs",
  }));
}

/** Every way there is, tried. */
function isPlaceable(needs: readonly Need[], free: readonly Candidate[]): boolean {
  const [first, ...rest] = needs;
  if (first === undefined) return true;
  return waysOf(first, free).some((way) =>
    isPlaceable(
      rest,
      free.filter((vf) => !way.includes(vf)),
    ),
  );
}

function waysOf({ candidates, count, samePf, distinctPfs }: Need, free: readonly Candidate[]): readonly Candidate[][] {
  const open = candidates.filter((vf) => free.includes(vf));
  if (count === 1) return open.map((vf) => [vf]);
  return open.flatMap((a, index) =>
    open
      .slice(index + 1)
      .filter((b) => (samePf ? a.pf === b.pf : !distinctPfs || a.pf !== b.pf))
      .map((b) => [a, b]),
  );
}

describe("placeAll", () => {
  test("finds a way where there is one, and only there; no VF is given twice, and each is one of the claim's", () => {
    const seen = { found: 0, none: 0 };
    fc.assert(
      fc.property(fc.array(need, { maxLength: 5 }), (parts) => {
        const needs = needsOf(parts);
        const placement = placeAll(needs, new Set());
        assert.notEqual(placement, "given up");
        assert.equal(placement !== undefined, isPlaceable(needs, VFS));
        seen[placement === undefined ? "none" : "found"]++;
        if (placement === undefined || placement === "given up") return;
        const given = needs.flatMap(({ claim, candidates, count, samePf, distinctPfs }) => {
          const mine = placement.get(claim) ?? [];
          assert.equal(mine.length, count);
          assert.ok(mine.every((vf) => candidates.includes(vf)));
          const pfs = new Set(mine.map(({ pf }) => pf));
          if (samePf) assert.equal(pfs.size, 1);
          if (distinctPfs) assert.equal(pfs.size, count);
          return mine;
        });
        assert.equal(new Set(given).size, given.length);
      }),
      { numRuns: 2000 },
    );
    assert.ok(seen.found > 100 && seen.none > 100, "both were met");
  });

  test("what is taken is given to nobody, and what a claim holds counts", () => {
    const [a, b] = VFS;
    assert.ok(a && b);
    const one = { claim: "one", candidates: [a, b], count: 2, held: [a], samePf: false, distinctPfs: false };
    assert.deepEqual(placeAll([one], new Set([a])), new Map([["one", [a, b]]]));
    assert.equal(placeAll([one], new Set([a, b])), undefined);
  });

  test("a search that takes too long is given up, and says so", () => {
    const many = Array.from({ length: 40 }, (_, vfIndex) => ({ pf: PFS[vfIndex % 2] ?? bdf("0000:01:00.0"), vfIndex }));
    const pairs = Array.from({ length: 10 }, (_, index) => ({
      claim: `c${index}`,
      candidates: many,
      count: 2,
      held: [],
      samePf: true,
      distinctPfs: false,
    }));
    const none = { claim: "z", candidates: [], count: 1, held: [], samePf: false, distinctPfs: false };
    assert.equal(placeAll([...pairs, none], new Set()), "given up");
  });
});
