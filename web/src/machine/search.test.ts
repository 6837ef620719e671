import assert from "node:assert/strict";
import { test } from "node:test";
import { planMachine } from "./machine-plan.ts";
import { search } from "./search.ts";
import { pfObject, vfObject } from "./testing/objects.ts";

const PLAN = planMachine(
  [
    pfObject("0000:01:00.0", {
      netdevs: [{ name: "eth0", mac: "00:1b:21:00:81:00", mtu: 1500, up: true, carrier: true }],
    }),
  ],
  [
    vfObject("0000:01:00.0", 0, {
      bdf: "0000:01:10.0",
      guest: "model:web",
      settings: { mac: "52:54:00:AA:00:01", vlan: 100 },
    }),
    vfObject("0000:01:00.0", 1, { bdf: "0000:01:10.2", settings: { vlan: 10 } }),
    vfObject("0000:01:00.0", 2, {
      bdf: "0000:01:10.4",
      netdevs: [{ name: "eth0v2", mac: null, mtu: null, up: null, carrier: null }],
    }),
  ],
  [],
  [],
);
const [VF0, VF1, VF2] = [0, 1, 2].map((index) => `0000:01:00.0-vf${index}`);

test("a search finds by address, guest, interface, MAC address and VLAN", () => {
  assert.deepEqual(search(PLAN, "01:10.2"), [VF1]);
  assert.deepEqual(search(PLAN, "0000:01:00.0"), ["0000:01:00.0"]);
  assert.deepEqual(search(PLAN, "WEB"), [VF0, "model:web"]);
  assert.deepEqual(search(PLAN, "eth0"), ["0000:01:00.0", VF2]);
  assert.deepEqual(search(PLAN, "52:54:00:aa"), [VF0]);
  assert.deepEqual(search(PLAN, "vlan:10"), [VF1]);
  assert.deepEqual(search(PLAN, "100"), [VF0]);
});

test("all words of it must be found; where nothing is searched nothing is found or missed", () => {
  assert.deepEqual(search(PLAN, "web vlan=100"), [VF0]);
  assert.deepEqual(search(PLAN, "web vlan=10"), []);
  assert.equal(search(PLAN, "  "), undefined);
});
