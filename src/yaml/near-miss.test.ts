import assert from "node:assert/strict";
import { test } from "node:test";
import { nearMiss } from "./near-miss.ts";

test("nearMiss finds a slip of the hand or of the case, and nothing farther", () => {
  const words = ["numVfs", "network", "X710", "E810", "ixgbe", "igb"];
  assert.equal(nearMiss("numVFs", words), "numVfs");
  assert.equal(nearMiss("netwrok", words), "network");
  assert.equal(nearMiss("x710", words), "X710");
  assert.equal(nearMiss("ibg", words), "igb");
  assert.equal(nearMiss("e1000", words), undefined);
  assert.equal(nearMiss("x".repeat(10_000), words), undefined);
});
