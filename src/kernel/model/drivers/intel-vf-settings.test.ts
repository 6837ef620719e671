/** Settings of VFs, as each of Intel's drivers of Linux 6.12 takes, refuses and logs them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nicMachine, withVfs } from "../testing/nic-machine.ts";

const MAC = "02:11:22:33:44:55";
const MULTICAST = "01:11:22:33:44:55";
const ZERO = "00:00:00:00:00:00";

describe("ixgbe (ixgbe_ndo_set_vf_*)", () => {
  test("what is told of a new VF (__ixgbe_enable_sriov)", async () => {
    const machine = await withVfs(await nicMachine("82599", ["ixgbe"]), 2);
    const vf = await machine.vf(1);
    assert.deepEqual(
      { ...vf, counters: null },
      {
        vfIndex: 1,
        mac: ZERO,
        vlan: 0,
        qos: null,
        vlanProtocol: null,
        minTxRateMbps: 0,
        maxTxRateMbps: 0,
        spoofCheck: true,
        trust: false,
        linkState: "auto",
        queryRss: false,
        nodeGuid: null,
        portGuid: null,
        counters: null,
      },
    );
    assert.equal(await machine.vf(2), undefined);
  });

  test("MAC: set, taken by the VF's driver, removed", async () => {
    const machine = await withVfs(await nicMachine("82599", ["ixgbe", "ixgbevf"]), 2);
    assert.equal(await machine.set({ vfIndex: 0, mac: MULTICAST }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, mac: MAC }), "ok");
    assert.deepEqual(await machine.logged(), [
      `setting MAC ${MAC} on VF 0`,
      "Reload the VF driver to make this change effective.",
    ]);
    assert.equal(await machine.rebind(0, "ixgbevf"), MAC);
    await machine.logged();
    assert.equal(await machine.set({ vfIndex: 0, mac: ZERO }), "ok");
    assert.deepEqual(await machine.logged(), ["removing MAC on VF 0"]);
    assert.equal(await machine.set({ vfIndex: 0, mac: ZERO }), "ok");
    assert.deepEqual(await machine.logged(), []);
    assert.equal(await machine.set({ vfIndex: 2, mac: MAC }), "EINVAL");
  });

  test("rates: above 10 Mbit/s, no minimum, at 10 Gbit/s alone", async () => {
    const machine = await withVfs(await nicMachine("82599", ["ixgbe"]), 1);
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 10 } }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 11 } }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 10_001 } }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 100, min: 1 } }), "EINVAL");
    assert.equal((await machine.vf(0))?.maxTxRateMbps, 11);
    await machine.kernel.setLink("eth0", { up: false });
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 0 } }), "EINVAL");
  });

  test("VLAN, link state, trust, and what is said of them", async () => {
    const machine = await withVfs(await nicMachine("82599", ["ixgbe"]), 1);
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 5, protocol: "802.1ad" } }), "EPROTONOSUPPORT");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 100, qos: 3 } }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, linkState: "enable" }), "ok");
    assert.equal((await machine.vf(0))?.linkState, "auto");
    assert.equal(await machine.set({ vfIndex: 0, linkState: "disable" }), "ok");
    assert.equal((await machine.vf(0))?.linkState, "disable");
    assert.equal(await machine.set({ vfIndex: 1, linkState: "auto" }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, trust: true, queryRss: true }), "ok ok");
    assert.deepEqual(await machine.logged(), [
      "Setting VLAN 100, QOS 0x3 on VF 0",
      "NDO set VF 0 link state 1 - not supported",
      "NDO set VF 0 link state disable",
      "NDO set VF link - invalid VF identifier 1",
      "eth0: VF 0 is trusted",
    ]);
    assert.equal(await machine.set({ vfIndex: 0, nodeGuid: "00:11:22:33:44:55:66:77" }), "EOPNOTSUPP");
  });

  test("settings go with the VFs", async () => {
    const machine = await withVfs(await nicMachine("82599", ["ixgbe"]), 1);
    assert.equal(await machine.set({ vfIndex: 0, mac: MAC, trust: true }), "ok ok");
    await machine.setNumVfs(0);
    assert.equal(await machine.set({ vfIndex: 0, trust: true }), "EINVAL");
    await machine.setNumVfs(1);
    assert.equal((await machine.vf(0))?.trust, false);
    assert.equal((await machine.vf(0))?.mac, ZERO);
  });
});

describe("i40e (i40e_ndo_set_vf_*)", () => {
  test("MAC and VLAN reset the VF; a VLAN that is there is left", async () => {
    const machine = await withVfs(await nicMachine("X710", ["i40e", "iavf"]), 1);
    assert.equal(await machine.set({ vfIndex: 0, mac: MAC }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, mac: MULTICAST }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 7 } }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 7 } }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 7, protocol: "802.1ad" } }), "EPROTONOSUPPORT");
    assert.equal(await machine.set({ vfIndex: 1, vlan: { id: 7 } }), "EINVAL");
    assert.deepEqual(await machine.logged(), [
      `Setting MAC ${MAC} on VF 0`,
      "Bring down and up the VF interface to make this change effective.",
      `Invalid Ethernet address ${MULTICAST} for VF 0`,
      "Setting VLAN 7, QOS 0x0 on VF 0",
      "VF VLAN protocol is not supported",
      "Invalid VF Identifier 1",
    ]);
    assert.equal(await machine.rebind(0, "iavf"), MAC);
  });

  test("rates: no minimum, 50 Mbit/s at the least, no limit without a link (i40e_set_bw_limit)", async () => {
    const machine = await withVfs(await nicMachine("X710", ["i40e"]), 1);
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 100, min: 1 } }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 20 } }), "ok");
    assert.equal((await machine.vf(0))?.maxTxRateMbps, 20);
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 10_001 } }), "EINVAL");
    assert.deepEqual(
      (await machine.logged()).map((line) => line.replace(/seid \d+/, "seid N")),
      [
        "Invalid min tx rate (1) (greater than 0) specified for VF 0.",
        "Setting max tx rate to minimum usable value of 50Mbps.",
        "Invalid max tx rate 10001 specified for VSI seid N.",
      ],
    );
    await machine.kernel.setLink("eth0", { up: false });
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 20_000 } }), "ok");
  });

  test("link state, spoof check, trust; RSS cannot be asked for", async () => {
    const machine = await withVfs(await nicMachine("X710", ["i40e"]), 1);
    assert.equal((await machine.vf(0))?.spoofCheck, true);
    assert.equal(
      await machine.set({ vfIndex: 0, spoofCheck: false, linkState: "enable", queryRss: true, trust: true }),
      "ok ok EOPNOTSUPP ok",
    );
    const vf = await machine.vf(0);
    assert.deepEqual([vf?.spoofCheck, vf?.linkState, vf?.queryRss, vf?.trust], [false, "enable", null, true]);
    assert.deepEqual(await machine.logged(), ["VF 0 is now trusted"]);
  });
});

describe("ice (ice_set_vf_*)", () => {
  test("MAC, VLAN of either protocol, trust", async () => {
    const machine = await withVfs(await nicMachine("E810", ["ice", "iavf"]), 2);
    assert.equal(await machine.set({ vfIndex: 9, mac: MULTICAST }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, mac: MAC }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, mac: MAC }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 0 } }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 0 } }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 9, qos: 2, protocol: "802.1ad" } }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, trust: true }), "ok");
    assert.deepEqual(await machine.logged(), [
      `eth0: ${MULTICAST} not a valid unicast address`,
      `eth0: Setting MAC ${MAC} on VF 0. VF driver will be reinitialized`,
      "Clearing port VLAN on VF 0",
      "Setting VLAN 9, QoS 2, TPID 0x88a8 on VF 0",
      "VF 0 is now trusted",
    ]);
    const vf = await machine.vf(0);
    assert.deepEqual([vf?.vlan, vf?.qos, vf?.vlanProtocol], [9, 2, "802.1ad"]);
    assert.equal(await machine.rebind(0, "iavf"), MAC);
  });

  test("rates: minima of all VFs within the link's speed (ice_min_tx_rate_oversubscribed)", async () => {
    const machine = await withVfs(await nicMachine("E810", ["ice"]), 2);
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 0, min: 60_000 } }), "ok");
    assert.equal(await machine.set({ vfIndex: 1, txRateMbps: { max: 0, min: 50_000 } }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 200_000 } }), "EINVAL");
    assert.deepEqual(await machine.logged(), [
      "min_tx_rate of 50000 Mbps on VF 1 would cause oversubscription of 10000 Mbps " +
        "based on the current link speed 100000 Mbps",
      "invalid max Tx rate 200000000 Kbps specified for ICE_VSI_VF 2 is greater than current link speed 100000000 Kbps",
      "Unable to set max-tx-rate for VF 0",
    ]);
  });
});
