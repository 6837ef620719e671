import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ObjectCache, type ObjectEvent } from "./object-cache.ts";
import type { Observation } from "./objects.ts";

function guest(name: string, running: boolean): Observation {
  return {
    kind: "Guest",
    name,
    status: { address: name, uuid: null, pid: null, running, devices: [], unreachable: null },
  };
}

function picture(cache: ObjectCache): Record<string, boolean> {
  const shown: Record<string, boolean> = {};
  for (const object of cache.all("Guest")) {
    shown[`${object.metadata.host} ${object.metadata.name}`] = object.status.running;
  }
  return shown;
}

/** As a client keeps what it has listed up to date. */
function follow(shown: Record<string, boolean>, events: readonly ObjectEvent[]): Record<string, boolean> {
  for (const { type, object } of events) {
    const key = `${object.metadata.host} ${object.metadata.name}`;
    if (type === "DELETED") delete shown[key];
    else if (object.kind === "Guest") shown[key] = object.status.running;
  }
  return shown;
}

describe("the cache of observed objects", () => {
  it("what is as it was keeps its version, and nobody hears of it", () => {
    const cache = new ObjectCache("e");
    cache.replace("one", [guest("a", true), guest("b", true)]);
    const before = cache.get("Guest", "one", "a")?.metadata.resourceVersion;
    const heard: string[] = [];
    cache.listen(({ type, object }) => heard.push(`${type} ${object.metadata.name}`));
    cache.replace("one", [guest("a", true), guest("b", false)]);
    assert.deepEqual(heard, ["MODIFIED b"]);
    assert.equal(cache.get("Guest", "one", "a")?.metadata.resourceVersion, before);
  });

  it("who lists and then watches has what the cache has, from any version on", () => {
    const hosts = fc.record({
      host: fc.constantFrom("one", "two"),
      guests: fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c"), running: fc.boolean() }), {
        selector: ({ name }) => name,
      }),
    });
    fc.assert(
      fc.property(fc.array(hosts, { maxLength: 12 }), (changes) => {
        const cache = new ObjectCache("e");
        const starts: { version: string; shown: Record<string, boolean> }[] = [];
        for (const { host, guests } of changes) {
          starts.push({ version: cache.version, shown: picture(cache) });
          cache.replace(
            host,
            guests.map(({ name, running }) => guest(name, running)),
          );
        }
        for (const { version, shown } of starts) {
          const events = cache.since(version);
          assert.ok(events);
          assert.deepEqual(follow(shown, events), picture(cache));
        }
      }),
    );
  });

  it("says nothing of what an earlier process saw, of the future, or of too long ago", () => {
    const cache = new ObjectCache("new");
    cache.replace("one", [guest("a", true)]);
    assert.equal(cache.since("old.0"), undefined);
    assert.equal(cache.since("new.2"), undefined);
    assert.equal(cache.since("nonsense"), undefined);
    assert.deepEqual(cache.since("new.1"), []);
    for (let round = 0; round < 50_000; round++) cache.replace("one", [guest("a", round % 2 === 0)]);
    assert.equal(cache.since("new.1"), undefined);
    assert.ok(cache.since(cache.version));
  });
});
