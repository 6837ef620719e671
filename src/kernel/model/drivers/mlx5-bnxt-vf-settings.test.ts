/** Settings of VFs, as mlx5 and bnxt of Linux 6.12 take, refuse and log them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DeviceDescription } from "../../../hardware/device-description.ts";
import { intelX710 } from "../../../hardware/devices/intel-x710.ts";
import { nicMachine, withVfs } from "../testing/nic-machine.ts";

const MAC = "02:11:22:33:44:55";
const MULTICAST = "01:11:22:33:44:55";
const ZERO = "00:00:00:00:00:00";

describe("mlx5 in legacy mode (mlx5_eswitch_set_vport_*)", () => {
  test("vports are there before their VFs, and keep what they were given; it goes with the VFs", async () => {
    const machine = await nicMachine("ConnectX-5", ["mlx5_core"], { totalVfs: 4 });
    assert.equal(await machine.set({ vfIndex: 3, mac: MAC }), "ok");
    assert.equal(await machine.set({ vfIndex: 4, mac: MAC }), "EINVAL");
    await withVfs(machine, 4);
    assert.equal((await machine.vf(3))?.mac, MAC);
    assert.equal(await machine.macOfVf(3), MAC);
    assert.notEqual(await machine.macOfVf(0), MAC);
    assert.equal(await machine.setNumVfs(0), "done");
    assert.equal(await machine.setNumVfs(4), "done");
    assert.equal((await machine.vf(3))?.mac, ZERO);
  });

  test("all settings, of which rates have no limit", async () => {
    const machine = await withVfs(await nicMachine("ConnectX-5", ["mlx5_core"]), 1);
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 5, protocol: "802.1ad" } }), "EPROTONOSUPPORT");
    assert.equal(
      await machine.set({ vfIndex: 0, vlan: { id: 5, qos: 1 }, txRateMbps: { max: 900_000, min: 7 } }),
      "ok ok",
    );
    assert.equal(await machine.set({ vfIndex: 0, spoofCheck: true }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, mac: ZERO }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, spoofCheck: false }), "ok");
    assert.equal(
      await machine.set({ vfIndex: 0, linkState: "disable", queryRss: true, trust: true }),
      "ok EOPNOTSUPP ok",
    );
    assert.deepEqual(await machine.logged(), [
      "Set invalid MAC while spoofchk is on, vport(1)",
      "Spoofchk in set while MAC is invalid, vport(1)",
    ]);
    const vf = await machine.vf(0);
    assert.deepEqual(
      [vf?.vlan, vf?.minTxRateMbps, vf?.maxTxRateMbps, vf?.linkState, vf?.queryRss, vf?.trust],
      [5, 7, 900_000, "disable", false, true],
    );
  });
});

/** An X710's configuration space with a Broadcom's numbers: its registers are no matter to rtnetlink. */
function bcm57414(): DeviceDescription {
  const device = intelX710(1, { lower: 1, upper: 0 });
  return {
    ...device,
    functions: device.functions.map((fn) => ({
      ...fn,
      vendorId: 0x14e4,
      deviceId: 0x16d7,
      ...(fn.sriov === undefined ? {} : { sriov: { ...fn.sriov, vfDeviceId: 0x16dc } }),
    })),
  };
}

describe("bnxt_en (bnxt_set_vf_*)", () => {
  test("what is refused before there are VFs, and of a VF that is not there (bnxt_vf_ndo_prep)", async () => {
    const machine = await nicMachine(bcm57414(), ["bnxt_en"]);
    assert.equal(await machine.set({ vfIndex: 0, mac: MAC }), "EINVAL");
    await machine.setNumVfs(2);
    assert.equal(await machine.set({ vfIndex: 2, trust: true }), "EINVAL");
    const lines = await machine.logged();
    assert.ok(lines.includes("eth0: vf ndo called though sriov is disabled"));
    assert.ok(lines.includes("eth0: Invalid VF id 2"));
  });

  test("settings and their limits", async () => {
    const machine = await withVfs(await nicMachine(bcm57414(), ["bnxt_en"]), 1);
    assert.equal(await machine.set({ vfIndex: 0, mac: MULTICAST }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, mac: MAC }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 0, qos: 3 } }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 3, qos: 3 } }), "ok");
    assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 3, protocol: "802.1ad" } }), "EPROTONOSUPPORT");
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 25_001 } }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 0, min: 25_001 } }), "EINVAL");
    assert.equal(await machine.set({ vfIndex: 0, txRateMbps: { max: 20_000, min: 10 } }), "ok");
    assert.equal((await machine.vf(0))?.spoofCheck, false);
    assert.equal(await machine.set({ vfIndex: 0, spoofCheck: true, linkState: "enable", trust: true }), "ok ok ok");
    assert.deepEqual(await machine.logged(), [
      "eth0: Invalid VF ethernet address",
      "eth0: max tx rate 25001 exceed PF link speed for VF 0",
      "eth0: min tx rate 25001 is invalid for VF 0",
    ]);
    const vf = await machine.vf(0);
    assert.deepEqual([vf?.mac, vf?.vlan, vf?.maxTxRateMbps, vf?.linkState], [MAC, 3, 20_000, "enable"]);
  });

  test("a driver that goes takes its VFs with it, its interface down or not (bnxt_remove_one)", async () => {
    const { kernel, setNumVfs } = await nicMachine(bcm57414(), ["bnxt_en"]);
    assert.equal(await setNumVfs(2), "done");
    await kernel.setLink("eth0", { up: false });
    assert.equal((await kernel.unloadModule("bnxt_en")).kind, "done");
    const [pf] = [...kernel.linux.devices.values()].filter(({ sriov }) => sriov !== undefined);
    assert.equal(pf?.sriov?.numVfs, 0);
  });
});
