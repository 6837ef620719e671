import assert from "node:assert/strict";
import { test } from "node:test";
import { type Flow, withFlowCounters } from "./flow-counters.ts";
import { pfObject, vfObject } from "./testing/objects.ts";

const NONE = { spoofed: 0, notFetched: 0, noDescriptor: 0 };
const PFS = [pfObject("0000:01:00.0", { netdevs: [{ name: "eth0", mac: null, mtu: null, up: true, carrier: true }] })];

function flow(from: Flow["from"], to: Flow["to"], sent: number, lost: Partial<Flow["dropped"]> = {}): Flow {
  const dropped = { ...NONE, ...lost };
  const received = sent - Object.values(dropped).reduce((sum, value) => sum + value, 0);
  return { netdev: "eth0", from, to, bytes: 100, sent, received, dropped };
}

function counted(vf: ReturnType<typeof vfObject>, ...flows: readonly Flow[]): unknown {
  return withFlowCounters([vf], PFS, flows)[0]?.status.settings?.counters;
}

test("a VF has sent what flows from it sent, and received what came of those to it", () => {
  const flows = [flow(0, 1, 10), flow("pf", 0, 5, { noDescriptor: 2 }), flow(0, "pf", 1, { spoofed: 1 })];
  assert.deepEqual(counted(vfObject("0000:01:00.0", 0, { settings: { vlan: 0, counters: null } }), ...flows), {
    rxBytes: 300,
    rxPackets: 3,
    rxDropped: 2,
    txBytes: 1100,
    txPackets: 11,
    txDropped: 1,
  });
});

test("what the PF's driver counts itself stays, and so do VFs without flows", () => {
  const own = { rxBytes: 7 };
  assert.equal(counted(vfObject("0000:01:00.0", 0, { settings: { counters: own } }), flow(0, 1, 10)), own);
  assert.equal(counted(vfObject("0000:01:00.0", 5, { settings: { counters: null } }), flow(0, 1, 10)), null);
  assert.equal(counted(vfObject("0000:02:00.0", 0, { settings: { counters: null } }), flow(0, 1, 10)), null);
});
