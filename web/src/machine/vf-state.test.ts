import assert from "node:assert/strict";
import { test } from "node:test";
import { vfObject } from "./testing/objects.ts";
import { holderOf, vfProblems, vfStateOf } from "./vf-state.ts";

const NOBODY_SET = { mac: "00:00:00:00:00:00", vlan: 0, qos: null, maxTxRateMbps: 0, spoofCheck: true, trust: false };
const vfio = { kind: "vfio", who: { pid: 4121, command: "dpdk-testpmd" }, evidence: "it has /dev/vfio/9 open" };

test("a VF that nobody uses and nothing was set of is free", () => {
  assert.equal(vfStateOf(vfObject("0000:01:00.0", 0, { settings: NOBODY_SET, driver: "iavf" })), "free");
  assert.equal(vfStateOf(vfObject("0000:01:00.0", 0, { settings: null, driver: null, netdevs: [] })), "free");
});

test("a VF that was made ready for somebody is configured", () => {
  const states = [
    { driver: "vfio-pci" },
    { driver: "mlx5_vfio_pci" },
    { settings: { ...NOBODY_SET, vlan: 100 } },
    { settings: { ...NOBODY_SET, maxTxRateMbps: 500 } },
    { settings: { ...NOBODY_SET, trust: true } },
    { settings: { ...NOBODY_SET, mac: "52:54:00:00:00:01" } },
    { netdevs: [{ name: "eth4", mac: null, mtu: null, up: true, carrier: null }] },
  ].map((status) => vfStateOf(vfObject("0000:01:00.0", 0, status)));
  assert.deepEqual(new Set(states), new Set(["configured"]));
});

test("a VF is in use where anybody is seen to use it, whatever else was not seen", () => {
  const unseen = { unknown: { driver: "EACCES" }, notLookedAt: ["mounts: EACCES"] };
  assert.equal(vfStateOf(vfObject("0000:01:00.0", 0, { guest: "model:web", ...unseen })), "in use");
  assert.equal(vfStateOf(vfObject("0000:01:00.0", 0, { users: [vfio], ...unseen })), "in use");
});

test("a VF is unclear, not free, where what would tell was not read", () => {
  for (const status of [
    { notLookedAt: ["processes: EACCES"] },
    { driver: null, unknown: { driver: "EIO" } },
    { settings: null, unknown: { settings: "EPERM" } },
    { netdevs: null, unknown: { netdevs: "EACCES" } },
  ]) {
    assert.equal(vfStateOf(vfObject("0000:01:00.0", 0, status)), "unclear");
  }
  const msix = { msixCount: null, unknown: { msixCount: "ENODATA" } };
  assert.equal(
    vfStateOf(vfObject("0000:01:00.0", 0, msix)),
    "free",
    "how many vectors it has tells nothing of its users",
  );
});

test("the holder is the guest, or the user by the name that says most", () => {
  const holder = (users: readonly object[]) => holderOf(vfObject("0000:01:00.0", 0, { users: users as never }))?.label;
  assert.deepEqual(holderOf(vfObject("0000:01:00.0", 0, { guest: "model:web", users: [vfio] })), {
    key: "model:web",
    label: "model:web",
    isGuest: true,
  });
  assert.equal(holder([vfio]), "dpdk-testpmd (pid 4121)");
  assert.equal(holder([{ kind: "namespace", who: { namespace: "cni-7f3", pid: 3 } }]), "namespace cni-7f3");
  assert.equal(holder([{ kind: "address", who: { netdev: "eth4" } }]), "this host");
  assert.equal(holder([{ kind: "definedGuest", who: { guest: { name: "db" } } }]), "guest db");
  assert.equal(holder([]), undefined);
});

test("problems are what was not seen, and frames that are dropped", () => {
  const vf = vfObject("0000:01:00.0", 0, { unknown: { settings: "EPERM" }, notLookedAt: ["rdma: no such tool"] });
  assert.deepEqual(vfProblems(vf, 12.4), [
    "settings was not read: EPERM",
    "not looked at: rdma: no such tool",
    "it drops 12 frames/s",
  ]);
  assert.deepEqual(vfProblems(vfObject("0000:01:00.0", 0, {})), []);
});
