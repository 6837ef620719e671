import assert from "node:assert/strict";
import { test } from "node:test";
import { parseVfInfo, type VfInfo } from "../kernel/port-vf-info.ts";
import { withCounted } from "./vf-counters.ts";

function printed(rxPackets: number): VfInfo {
  const stats = {
    rx: { bytes: 64 * rxPackets, packets: rxPackets, multicast: 0, broadcast: 0, dropped: 0 },
    tx: { tx_bytes: 0, tx_packets: 0, dropped: 0 },
  };
  const [info] = parseVfInfo(JSON.stringify([{ ifname: "eth0", vfinfo_list: [{ vf: 0, stats }] }])) ?? [];
  assert.ok(info);
  return info;
}

test("zeros are counters of a driver with ndo_get_vf_stats alone; of any other they are what the kernel fills in", () => {
  for (const driver of ["ice", "i40e", "ixgbe", "mlx5_core"]) {
    assert.equal(withCounted(printed(0), driver).counters?.rxPackets, 0, driver);
  }
  for (const driver of ["igb", "netdevsim", "bnxt_en", "some_other", null]) {
    assert.equal(withCounted(printed(0), driver).counters, null, String(driver));
  }
});

test("what is not zero has been counted, by whatever driver", () => {
  assert.deepEqual(withCounted(printed(3), "some_other").counters, {
    rxBytes: 192,
    rxPackets: 3,
    rxMulticast: 0,
    rxBroadcast: 0,
    rxDropped: 0,
    txBytes: 0,
    txPackets: 0,
    txDropped: 0,
  });
});
