import assert from "node:assert/strict";
import { it } from "node:test";
import { systemClock } from "../host/apply/clock.ts";
import { unread } from "../kernel/port.ts";
import { ObjectCache } from "./object-cache.ts";
import { WatchedHost, type WatchedHostOptions } from "./watched-host.ts";

function watched(more: Partial<WatchedHostOptions>) {
  const cache = new ObjectCache("test");
  const deaf: unknown[] = [];
  const host = new WatchedHost({
    name: "away",
    source: "model:away.yaml",
    observe: () => Promise.reject(new Error("it is off")),
    cache,
    names: () => "",
    clock: systemClock,
    intervalMs: 60_000,
    onDeaf: (reason) => deaf.push(reason),
    ...more,
  });
  return { cache, deaf, host };
}

it("of a host that was never read nothing is counted, and why is told of each field", async () => {
  const { cache, host } = watched({});
  for (const problem of ["it was not looked at yet", "it is off"]) {
    const status = cache.get("Host", "away", "")?.status;
    const { physicalFunctions, virtualFunctions, offeredVfs, guests, unknown } = status ?? {};
    assert.deepEqual([physicalFunctions, virtualFunctions, offeredVfs, guests], [null, null, null, null]);
    assert.equal(unknown?.virtualFunctions, problem);
    assert.equal(status?.problem, problem);
    assert.equal(status?.intervalMs, 60_000);
    await host.lookNow();
  }
});

it("that a host tells of no changes any more is told, however it came", async () => {
  const error = new Error("no socket");
  const ways: readonly [NonNullable<WatchedHostOptions["events"]>, unknown][] = [
    [async () => unread("uevents", "EPERM"), "permission denied; run as root"],
    [() => Promise.reject(error), error],
    [async () => (async function* () {})(), "its events have ended"],
  ];
  for (const [events, reason] of ways) {
    const { deaf, host } = watched({ events });
    host.start();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(deaf, [reason]);
    await host.stop();
  }
});
