import assert from "node:assert/strict";
import { it } from "node:test";
import { SharedRead } from "./shared-read.ts";

it("who comes while a read is under way gets the next, and shares it with all who came by then", async () => {
  const begun: PromiseWithResolvers<number>[] = [];
  const shared = new SharedRead(() => {
    const one = Promise.withResolvers<number>();
    begun.push(one);
    return one.promise;
  });
  const first = shared.now();
  const others = Array.from({ length: 100 }, () => shared.now());
  assert.equal(begun.length, 1);
  begun[0]?.resolve(1);
  assert.equal(await first, 1);
  await new Promise(setImmediate);
  assert.equal(begun.length, 2);
  begun[1]?.resolve(2);
  assert.deepEqual(new Set(await Promise.all(others)), new Set([2]));
  void shared.now().catch(() => {});
  assert.equal(begun.length, 3);
});

it("a read that fails fails for those who shared it alone", async () => {
  let count = 0;
  const shared = new SharedRead(async () => {
    count++;
    if (count < 3) throw new Error(`read ${count}`);
    return count;
  });
  const asked = [shared.now(), shared.now(), shared.now()];
  const ended = await Promise.allSettled(asked);
  assert.deepEqual(
    ended.map((each) => (each.status === "rejected" ? String(each.reason) : each.value)),
    ["Error: read 1", "Error: read 2", "Error: read 2"],
  );
  assert.equal(await shared.now(), 3);
});
