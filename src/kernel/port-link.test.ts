import assert from "node:assert/strict";
import { test } from "node:test";
import { linkChangeProblem, type VfChange, vfSettingProblem, vfSettings } from "./port-link.ts";

const ALL: VfChange = {
  vfIndex: 3,
  portGuid: "00:11:22:33:44:55:66:78",
  nodeGuid: "00:11:22:33:44:55:66:77",
  trust: false,
  queryRss: true,
  linkState: "disable",
  spoofCheck: false,
  txRateMbps: { max: 500, min: 100 },
  vlan: { id: 100, qos: 3, protocol: "802.1ad" },
  mac: "02:00:00:00:00:03",
};

/** The errno for each setting of a change, in order. */
function problems(change: VfChange): (string | undefined)[] {
  return vfSettings([change]).map(({ setting }) => vfSettingProblem(change, setting)?.errno);
}

test("vfSettings gives what is to be set, in the kernel's order, whatever the order of the fields", () => {
  const settings = vfSettings([ALL, { vfIndex: 0 }, { vfIndex: 1, trust: false, mac: "00:00:00:00:00:00" }]);
  assert.deepEqual(
    settings.map(({ change, setting }) => `${change.vfIndex} ${setting}`),
    [
      ...["mac", "vlan", "txRateMbps", "spoofCheck", "linkState", "queryRss", "trust", "nodeGuid", "portGuid"].map(
        (setting) => `3 ${setting}`,
      ),
      "1 mac",
      "1 trust",
    ],
  );
});

test("vfSettingProblem finds nothing wrong with what a kernel may take or refuse", () => {
  for (const change of [
    ALL,
    { vfIndex: 0, vlan: { id: 0 }, txRateMbps: { max: 0, min: 5 }, mac: "01:00:00:00:00:00" },
    { vfIndex: 255, vlan: { id: 4095, qos: 7 }, txRateMbps: { max: 0 } },
  ] as const) {
    assert.deepEqual(new Set(problems(change)), new Set([undefined]));
  }
});

test("vfSettingProblem refuses what is no value at all", () => {
  for (const change of [
    { vfIndex: -1, trust: true },
    { vfIndex: 1.5, trust: true },
    { vfIndex: 0, mac: "02:00:00" },
    { vfIndex: 0, mac: "02:00:00:00:00:00\nlink delete eth0" },
    { vfIndex: 0, vlan: { id: -1 } },
    { vfIndex: 0, vlan: { id: 4096 } },
    { vfIndex: 0, vlan: { id: 1, qos: 8 } },
    { vfIndex: 0, vlan: { id: 1, qos: Number.NaN } },
    { vfIndex: 0, vlan: { id: 1, protocol: "802.1x" as "802.1Q" } },
    { vfIndex: 0, txRateMbps: { max: 0.5 } },
    { vfIndex: 0, txRateMbps: { max: 100, min: 101 } },
    { vfIndex: 0, linkState: "up" as "auto" },
    { vfIndex: 0, nodeGuid: "02:00:00:00:00:00" },
    { vfIndex: 0, portGuid: "" },
  ]) {
    assert.deepEqual(problems(change), ["EINVAL"], JSON.stringify(change));
  }
});

test("linkChangeProblem knows names and numbers", () => {
  for (const change of [{ up: true }, { mtu: 0 }, { mac: "02:00:00:00:00:00" }, { name: "ens1f0np0" }]) {
    assert.equal(linkChangeProblem(change), undefined);
  }
  const names = ["", ".", "..", "a b", "a/b", "a:b", "sixteen-letters-", "éééééééé"];
  for (const change of [{ mtu: -1 }, { mtu: 1.5 }, { mac: "127.0.0.1" }, ...names.map((name) => ({ name }))]) {
    assert.equal(linkChangeProblem(change)?.errno, "EINVAL", JSON.stringify(change));
  }
});
