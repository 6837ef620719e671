/** eSwitches of NICs by devlink: representors come and go with the mode and the VFs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isUnread } from "../../port.ts";
import type { DevlinkPort } from "../../port-devlink.ts";
import { isPending, type Outcome, type Within } from "../../port-outcome.ts";
import { type NicMachine, nicMachine } from "../testing/nic-machine.ts";

const DEVICE = "pci/0000:01:00.0";
const MAC = "02:11:22:33:44:66";

function answer(outcome: Within<Outcome>): string {
  assert.ok(!isPending(outcome));
  return outcome.kind === "done" ? "ok" : String(outcome.errno);
}

async function ports({ kernel }: NicMachine): Promise<readonly DevlinkPort[]> {
  const all = await kernel.devlink.ports();
  assert.ok(!isUnread(all));
  return all;
}

async function names(machine: NicMachine): Promise<string[]> {
  return (await ports(machine)).map(({ port, flavour, vfIndex }) => `${port} ${flavour} ${vfIndex}`);
}

test("ice changes its mode without VFs alone (ice_eswitch_mode_set); VFs bring representors", async () => {
  const machine = await nicMachine("E810", ["ice"]);
  const { devlink } = machine.kernel;
  assert.deepEqual(await devlink.eswitch(DEVICE), { mode: "legacy", inlineMode: null, encapMode: null });
  await machine.setNumVfs(1);
  assert.equal(answer(await devlink.setEswitch(DEVICE, { mode: "switchdev" })), "EOPNOTSUPP");
  await machine.setNumVfs(0);
  assert.equal(answer(await devlink.setEswitch(DEVICE, { mode: "switchdev" })), "ok");
  assert.ok((await machine.logged()).includes("PF 0 changed eswitch mode to switchdev"));
  assert.deepEqual(await names(machine), [`${DEVICE}/0 physical null`]);
  await machine.setNumVfs(2);
  assert.deepEqual(await names(machine), [`${DEVICE}/0 physical null`, `${DEVICE}/2 pcivf 0`, `${DEVICE}/3 pcivf 1`]);
  assert.equal(await machine.set({ vfIndex: 0, trust: true }), "EOPNOTSUPP");
  assert.equal(answer(await devlink.setPortFunction(`${DEVICE}/3`, { hwAddress: MAC })), "ok");
  assert.equal((await machine.vf(1))?.mac, MAC);
  assert.equal((await ports(machine))[2]?.function?.hwAddress, MAC);
  await machine.setNumVfs(0);
  assert.deepEqual(await names(machine), [`${DEVICE}/0 physical null`]);
});

test("ice's serial number is that of its configuration space (ice_info_get_dsn)", async () => {
  const machine = await nicMachine("E810", ["ice"]);
  const info = await machine.kernel.devlink.info(DEVICE);
  assert.ok(!isUnread(info));
  assert.match(info.serialNumber ?? "", /^(?:[0-9a-f]{2}-){7}[0-9a-f]{2}$/);
});

test("mlx5 changes its mode with VFs (mlx5_devlink_eswitch_mode_set); settings move to devlink", async () => {
  const machine = await nicMachine("ConnectX-5", ["mlx5_core"]);
  const { devlink, linux } = machine.kernel;
  await machine.setNumVfs(2);
  const netdevs = linux.net.all.length;
  assert.equal(answer(await devlink.setEswitch(DEVICE, { mode: "switchdev" })), "ok");
  assert.equal(linux.net.all.length, netdevs + 2);
  assert.deepEqual(
    (await machine.logged()).filter((line) => line.includes("E-Switch")),
    [
      "E-Switch: Enable: mode(LEGACY), nvfs(2), necvfs(0), active vports(3)",
      "E-Switch: Disable: mode(LEGACY), nvfs(2), necvfs(0), active vports(3)",
      "E-Switch: Enable: mode(OFFLOADS), nvfs(2), necvfs(0), active vports(2)",
    ],
  );
  assert.deepEqual(await names(machine), [
    `${DEVICE}/1 pcivf 0`,
    `${DEVICE}/2 pcivf 1`,
    `${DEVICE}/65535 physical null`,
  ]);
  assert.equal(await machine.set({ vfIndex: 0, trust: true }), "EOPNOTSUPP");
  assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 0 } }), "ok");
  assert.equal(await machine.set({ vfIndex: 0, vlan: { id: 5 } }), "EOPNOTSUPP");
  assert.equal(answer(await devlink.setPortFunction(`${DEVICE}/1`, { hwAddress: MAC })), "ok");
  assert.equal((await machine.vf(0))?.mac, MAC);
  assert.equal(answer(await devlink.setRate(`${DEVICE}/1`, { txMax: 125_000_000 })), "ok");
  assert.equal((await machine.vf(0))?.maxTxRateMbps, 1000);
  assert.equal(answer(await devlink.addRate(`${DEVICE}/gold`, {})), "ok");
  assert.equal(answer(await devlink.setEswitch(DEVICE, { mode: "legacy" })), "EBUSY");
  assert.equal(answer(await devlink.deleteRate(`${DEVICE}/gold`)), "ok");
  assert.equal(answer(await devlink.setEswitch(DEVICE, { mode: "legacy" })), "ok");
  assert.deepEqual(await names(machine), [`${DEVICE}/65535 physical null`]);
});

test("mlx5 in switchdev mode: VFs come with their representors, and go with them", async () => {
  const machine = await nicMachine("ConnectX-5", ["mlx5_core"]);
  const { devlink, linux } = machine.kernel;
  assert.equal(answer(await devlink.setEswitch(DEVICE, { mode: "switchdev" })), "ok");
  assert.equal(answer(await devlink.setEswitch(DEVICE, { inlineMode: "link" })), "EOPNOTSUPP");
  await machine.setNumVfs(1);
  assert.equal((await ports(machine)).length, 2);
  await machine.setNumVfs(0);
  assert.equal((await ports(machine)).length, 1);
  await machine.setNumVfs(1);
  await linux.modules.unload("mlx5_core");
  assert.deepEqual(await devlink.devices(), []);
  assert.deepEqual(
    linux.net.all.map(({ name }) => name),
    ["lo"],
  );
});
