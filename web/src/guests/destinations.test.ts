import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HostObject } from "../api/objects.ts";
import { destinationsOf } from "./destinations.ts";

function host(name: string, source: string): HostObject {
  return {
    apiVersion: "vfleet.dev/v1alpha1",
    kind: "Host",
    metadata: { name, host: name, resourceVersion: "1" },
    status: {
      source,
      reachable: true,
      problem: null,
      since: "2026-01-01T00:00:00Z",
      intervalMs: 5000,
      hostId: null,
      bootId: null,
      physicalFunctions: 0,
      virtualFunctions: 0,
      offeredVfs: 0,
      guests: 0,
      desired: null,
      unknown: {},
    },
  };
}

const HOSTS = [host("a", "model:a.yaml"), host("b", "model:b.yaml"), host("c", "linux")];

describe("where a guest can go", () => {
  test("of the model: other modelled hosts", () => {
    const { options, whyNone } = destinationsOf({ address: "model:web" }, "a", HOSTS, []);
    assert.deepEqual(
      options.map(({ value }) => value),
      ["b"],
    );
    assert.equal(whyNone, undefined);
    assert.match(destinationsOf({ address: "model:web" }, "a", HOSTS.slice(0, 1), []).whyNone ?? "", /no other/);
  });

  test("of QEMU: other QEMUs of its host", () => {
    const guests = [{ address: "qemu:web" }, { address: "qemu:web-dst" }, { address: "netns:blue" }];
    const { options } = destinationsOf({ address: "qemu:web" }, "c", HOSTS, guests);
    assert.deepEqual(
      options.map(({ value }) => value),
      ["qemu:web-dst"],
    );
    assert.match(destinationsOf({ address: "qemu:web" }, "c", HOSTS, []).whyNone ?? "", /-incoming/);
  });

  test("of others: nowhere, and why", () => {
    assert.match(destinationsOf({ address: "netns:blue" }, "c", HOSTS, []).whyNone ?? "", /netns:blue/);
  });
});
