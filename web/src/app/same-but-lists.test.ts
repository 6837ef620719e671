import assert from "node:assert/strict";
import { test } from "node:test";
import { sameButLists } from "./same-but-lists.ts";

test("a list that is made anew of the same things is no news", () => {
  const [one, two] = [{}, {}];
  assert.ok(sameButLists({ host: "a", vfs: [one, two] }, { host: "a", vfs: [one, two] }));
  assert.ok(!sameButLists({ host: "a", vfs: [one, two] }, { host: "a", vfs: [two, one] }));
  assert.ok(!sameButLists({ host: "a", vfs: [one] }, { host: "a", vfs: [one, two] }));
  assert.ok(!sameButLists({ host: "a", vfs: [one] }, { host: "b", vfs: [one] }));
  assert.ok(!sameButLists({ guest: { name: "web" } }, { guest: { name: "web" } }));
});
