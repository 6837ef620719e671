import assert from "node:assert/strict";
import { test } from "node:test";
import { parseVfInfo, vfInfoJson } from "./port-vf-info.ts";

/** As iproute2 6.15 printed it of an igb PF under QEMU (../shared/reference/kernel-lab.md has the oddity of VLAN 0). */
const PRINTED = JSON.stringify([
  {
    ifindex: 2,
    ifname: "eth0",
    address: "52:54:00:aa:00:01",
    vfinfo_list: [
      {
        vf: 0,
        link_type: "ether",
        address: "02:00:00:00:00:10",
        broadcast: "ff:ff:ff:ff:ff:ff",
        vlan_list: [{ vlan: 100, qos: 3, protocol: "802.1ad" }],
        rate: { max_tx: 500, min_tx: 0 },
        spoofchk: true,
        link_state: "auto",
        trust: false,
        query_rss_en: false,
      },
      {
        vf: 1,
        mac: "00:00:00:00:00:00",
        vlan_list: [{}],
        spoofchk: false,
        "node guid": "00:11:22:33:44:55:66:77",
        "port guid": "00:11:22:33:44:55:66:78",
        stats: {
          rx: { bytes: 1, packets: 2, multicast: 3, broadcast: 4, dropped: 5 },
          tx: { tx_bytes: 6, tx_packets: 7 },
        },
      },
    ],
  },
]);

test("parseVfInfo reads settings, and null for what a driver does not report", () => {
  assert.deepEqual(parseVfInfo(PRINTED), [
    {
      vfIndex: 0,
      mac: "02:00:00:00:00:10",
      vlan: 100,
      qos: 3,
      vlanProtocol: "802.1ad",
      minTxRateMbps: 0,
      maxTxRateMbps: 500,
      spoofCheck: true,
      trust: false,
      linkState: "auto",
      queryRss: false,
      nodeGuid: null,
      portGuid: null,
      counters: null,
    },
    {
      vfIndex: 1,
      mac: "00:00:00:00:00:00",
      vlan: 0,
      qos: null,
      vlanProtocol: null,
      minTxRateMbps: null,
      maxTxRateMbps: null,
      spoofCheck: false,
      trust: null,
      linkState: null,
      queryRss: null,
      nodeGuid: "00:11:22:33:44:55:66:77",
      portGuid: "00:11:22:33:44:55:66:78",
      counters: {
        rxBytes: 1,
        rxPackets: 2,
        rxMulticast: 3,
        rxBroadcast: 4,
        rxDropped: 5,
        txBytes: 6,
        txPackets: 7,
        txDropped: null,
      },
    },
  ]);
});

test("parseVfInfo tells an interface without VFs from text that is something else", () => {
  assert.deepEqual(parseVfInfo('[{"ifname":"eth0"}]'), []);
  for (const text of ["", "null", "{}", '[{"vfinfo_list":3}]', "Device does not exist"]) {
    assert.equal(parseVfInfo(text), undefined, text);
  }
});

test("vfInfoJson keeps the name and the VFs, and no address of the PF", () => {
  const kept = vfInfoJson(PRINTED) ?? "";
  assert.deepEqual(parseVfInfo(kept), parseVfInfo(PRINTED));
  assert.ok(!kept.includes("52:54:00"));
  assert.equal(vfInfoJson("no JSON"), undefined);
});
