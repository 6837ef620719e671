import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { takeBootSlot } from "./boot-slot.ts";

test("takeBootSlot lets one machine more run than there are processors", async () => {
  const { XDG_CACHE_HOME: before } = process.env;
  const cache = mkdtempSync(join(tmpdir(), "vfleet-slots-"));
  process.env.XDG_CACHE_HOME = cache;
  const slots = join(cache, "vfleet/lab/slots");
  try {
    // A holder that has died; no process has this number (the largest is 2^22).
    mkdirSync(slots, { recursive: true });
    writeFileSync(join(slots, "1000000000000-99999999-0"), "");
    const never = new AbortController();
    const giveBacks: (() => void)[] = [];
    for (let taken = 0; taken <= availableParallelism(); taken++) giveBacks.push(await takeBootSlot(never.signal));
    assert.equal(readdirSync(slots).length, availableParallelism() + 1);

    await assert.rejects(takeBootSlot(AbortSignal.timeout(150)), { name: /AbortError|TimeoutError/ });
    const waiting = takeBootSlot(never.signal);
    giveBacks.pop()?.();
    giveBacks.push(await waiting);
    for (const giveBack of giveBacks) giveBack();
    assert.deepEqual(readdirSync(slots), []);
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    rmSync(cache, { recursive: true });
  }
});
