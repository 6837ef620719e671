import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ClaimedVf, claimsOf } from "./claims-of.ts";

const NOW = new Date("2026-01-01T00:00:00Z");
const VF: ClaimedVf = {
  claim: "web",
  guest: "web-1",
  lifetime: null,
  guestSeen: false,
  pfKey: "slot 1",
  pf: "0000:01:00.0",
  vfIndex: 1,
  mac: null,
};

describe("claims as they are kept", () => {
  test("have their VFs in order, and their guest", () => {
    const [claim] = claimsOf([VF, { ...VF, vfIndex: 0 }], ["web"], NOW);
    assert.deepEqual([claim?.guest, claim?.vfs.map(({ vfIndex }) => vfIndex)], ["web-1", [0, 1]]);
  });

  test("are there without VFs, too, where they are desired", () => {
    assert.deepEqual(
      claimsOf([VF], ["db"], NOW).map(({ name, vfs }) => [name, vfs.length]),
      [
        ["db", 0],
        ["web", 1],
      ],
    );
  });

  test("say how long they last", () => {
    const words = (lifetime: string | null, guestSeen = false) =>
      claimsOf([{ ...VF, lifetime, guestSeen }], [], NOW)[0]?.lifetime ?? "";
    assert.equal(words(null), "until it is released");
    assert.match(words("guest"), /not seen yet/);
    assert.equal(words("guest", true), "as long as the guest");
    assert.match(words("2025-01-01T00:00:00Z"), /^ended at/);
    assert.match(words("2027-01-01T00:00:00Z"), /^until/);
  });
});
