import assert from "node:assert/strict";
import { it } from "node:test";
import { systemClock } from "../host/apply/clock.ts";
import type { HostState } from "../host/state/host-state.ts";
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

it("a host that tells again is heard again, and looked at: what happened meanwhile was told to nobody", async () => {
  const state: HostState = { hostId: "1", bootId: "1", modules: [], pfs: [] };
  let isOff = false;
  let subscribed = 0;
  let looks = 0;
  let end = () => {};
  const { deaf, host } = watched({
    intervalMs: 20,
    observe: async () => {
      looks++;
      if (isOff) throw new Error("it is off");
      return { state, desired: null, operations: [] };
    },
    events: async (signal) => {
      if (isOff) return unread("uevents", "ENOTCONN");
      subscribed++;
      return (async function* () {
        await new Promise<void>((resolve) => {
          end = resolve;
          signal.addEventListener("abort", end);
        });
        yield unread("uevents", "ENOTCONN");
      })();
    },
  });
  host.start();
  const until = async (isSo: () => boolean) => {
    for (const ends = performance.now() + 10_000; !isSo(); ) {
      assert.ok(performance.now() < ends, isSo.toString());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await until(() => host.isReachable);
  isOff = true;
  end();
  await until(() => !host.isReachable);
  isOff = false;
  const before = looks;
  await until(() => subscribed === 2 && looks > before + 1);
  assert.equal(deaf.length, 1, "told once");
  await host.stop();
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
