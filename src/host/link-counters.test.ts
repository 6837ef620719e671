import assert from "node:assert/strict";
import { test } from "node:test";
import { openModel } from "../kernel/model/model-kernel.ts";
import { labModel } from "../kernel/model/testing/lab-models.ts";
import { isUnread, unread } from "../kernel/port.ts";
import { countersOf, readLinkCounters } from "./link-counters.ts";
import { vfTraffic } from "./vf-counters.ts";

const COUNTED = { rxBytes: 10, rxPackets: 1, rxDropped: 0, txBytes: 20, txPackets: 2, txDropped: 0 };

/** A kernel with this /proc/net/dev. */
function kernelWith(text: string) {
  return {
    read: async (path: string) =>
      path === "/proc/net/dev" ? new TextEncoder().encode(text) : unread(path, "ENOENT", ""),
  };
}

test("readLinkCounters reads what Linux prints, names with colons and numbers that fill their columns", async () => {
  const text = [
    "Inter-|   Receive                                                |  Transmit",
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
    "    lo: 2776770   11307    0    0    0     0          0         0  2776770   11307    0    0    0     0       0          0",
    "enp1s0f0v3:1234567890123 9876543    1   22    0     0          0        30 18446744073709551615 7    0    4    0     0       0          0",
    "eth0:1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    "",
  ].join("\n");
  const all = await readLinkCounters(kernelWith(text) as never);
  assert.ok(!isUnread(all));
  assert.deepEqual([...all.keys()], ["lo", "enp1s0f0v3", "eth0:1"]);
  assert.deepEqual(all.get("enp1s0f0v3"), {
    rxBytes: 1234567890123,
    rxPackets: 9876543,
    rxDropped: 22,
    txBytes: 2 ** 64,
    txPackets: 7,
    txDropped: 4,
  });
  assert.deepEqual(countersOf(all, "eth0:1"), {
    rxBytes: 1,
    rxPackets: 2,
    rxDropped: 4,
    txBytes: 9,
    txPackets: 10,
    txDropped: 12,
  });
});

test("countersOf knows nothing of an interface that is not there, nor where the file could not be read", async () => {
  const all = await readLinkCounters(kernelWith("") as never);
  const missing = countersOf(all, "eth0");
  assert.ok(isUnread(missing) && missing.errno === "ENODATA");
  const closed = countersOf(unread("/proc/net/dev", "EACCES", "not allowed"), "eth0");
  assert.ok(isUnread(closed) && closed.errno === "EACCES");
});

test("the model's interfaces are counted as Linux's are", async () => {
  const model = labModel("igb");
  assert.ok(model);
  const kernel = await openModel(model, "igb");
  await kernel.loadModule("igb");
  const all = await readLinkCounters(kernel);
  assert.ok(!isUnread(all));
  assert.equal(all.get("eth0")?.rxPackets, 0);
});

test("a VF is counted by its PF's driver, else by its interface, else by its guest, else by nobody", () => {
  const settings = { counters: { ...COUNTED, rxMulticast: 0, rxBroadcast: 0, txDropped: null } };
  const netdev = { name: "eth4", mac: "", mtu: 1500, up: true, carrier: true, counters: COUNTED };
  const asked = (vf: object, inGuest?: typeof COUNTED) =>
    vfTraffic({ settings: null, netdevs: [], ...vf } as never, inGuest);
  assert.deepEqual(asked({ settings, netdevs: [netdev] }), { by: "pf", ...COUNTED, txDropped: null });
  assert.deepEqual(asked({ settings: { counters: null }, netdevs: [netdev] }), { by: "interface", ...COUNTED });
  assert.deepEqual(asked({ netdevs: unread("", "EACCES", "") }, COUNTED), { by: "guest", ...COUNTED });
  assert.equal(asked({ netdevs: [{ ...netdev, counters: unread("", "EACCES", "") }] }), null);
});
