import assert from "node:assert/strict";
import { test } from "node:test";
import { bdf } from "./bdf.ts";
import { PCI_EXP_TYPE_ENDPOINT, PCI_EXP_TYPE_RC_END, PCI_EXP_TYPE_ROOT_PORT } from "./device-port-type.ts";
import { type AcsMode, isolationModel } from "./isolation-model.ts";
import { predictVfGroups } from "./predict-vf-groups.ts";
import { type ConfigOptions, machine } from "./testing/config-builder.ts";

const ON = { capability: 0x1d, control: 0x1d };
const OFF = { capability: 0x1d, control: 0 };
const SRIOV = { totalVfs: 8, firstVfOffset: 0x80, vfStride: 2, vfDeviceId: 0x10ca };
const PF: ConfigOptions = { portType: PCI_EXP_TYPE_ENDPOINT, vendorId: 0x8086, deviceId: 0x10c9, sriov: SRIOV };
const rootPort = (acs: typeof ON, subordinate = 1): ConfigOptions => ({
  portType: PCI_EXP_TYPE_ROOT_PORT,
  bridge: { secondary: 1, subordinate },
  acs,
});

function predict(functions: Record<string, ConfigOptions>, pf: string, numVfs: number, acs: AcsMode = "asConfigured") {
  return predictVfGroups(isolationModel(machine(functions), { acs }), bdf(pf), numVfs);
}

test("predictVfGroups gives each VF below a port with ACS a group of its own", () => {
  const functions = { "00:01.0": rootPort(ON), "01:00.0": PF };
  const prediction = predict(functions, "01:00.0", 3);
  assert.deepEqual(
    prediction.vfs.map(({ vfIndex, bdf, alone }) => [vfIndex, bdf, alone]),
    [
      [0, "0000:01:10.0", true],
      [1, "0000:01:10.2", true],
      [2, "0000:01:10.4", true],
    ],
  );
  assert.equal(prediction.without.groups.length, 2);
  assert.equal(prediction.with?.groups.length, 5);
});

test("predictVfGroups joins VFs with their port and PF where the port has ACS off, unless the kernel turns it on", () => {
  const functions = { "00:01.0": rootPort(OFF), "01:00.0": PF };
  const [vf] = predict(functions, "01:00.0", 1).vfs;
  assert.deepEqual(vf?.group?.members, ["0000:00:01.0", "0000:01:00.0", "0000:01:10.0"]);
  assert.equal(vf?.alone, false);
  assert.equal(predict(functions, "01:00.0", 1, "withKernelAcs").vfs[0]?.alone, true);
});

test("predictVfGroups takes away the VFs that are there, and keeps those of other PFs", () => {
  const vf: ConfigOptions = { portType: PCI_EXP_TYPE_ENDPOINT, vendorId: 0xffff, deviceId: 0xffff };
  const sriov = { ...SRIOV, numVfs: 1, vfEnable: true };
  const pf = { ...PF, multiFunction: true, sriov };
  const functions = { "00:01.0": rootPort(ON), "01:00.0": pf, "01:00.1": pf, "01:10.0": vf, "01:10.1": vf };
  const prediction = predict(functions, "01:00.0", 2);
  const without = prediction.without.groups.flatMap(({ members }) => members);
  assert.deepEqual(without, ["0000:00:01.0", "0000:01:00.0", "0000:01:00.1", "0000:01:10.1"]);
  assert.deepEqual(
    prediction.vfs.map(({ alone }) => alone),
    [true, true],
  );
});

test("predictVfGroups puts VFs on a bus without a bridge below their PF's bridge", () => {
  const pf = { ...PF, sriov: { ...SRIOV, firstVfOffset: 0x180 } };
  const [vf] = predict({ "00:01.0": rootPort(OFF, 2), "01:00.0": pf }, "01:00.0", 1).vfs;
  assert.equal(vf?.bdf, "0000:02:10.0");
  assert.deepEqual(vf?.group?.members, ["0000:00:01.0", "0000:01:00.0", "0000:02:10.0"]);
});

test("predictVfGroups isolates the VFs of an integrated endpoint", () => {
  const pf = { ...PF, vendorId: 0x1af4, portType: PCI_EXP_TYPE_RC_END, multiFunction: true };
  const { vfs } = predict({ "00:00.0": { classCode: 0x060000 }, "00:02.0": pf, "00:02.1": pf }, "00:02.0", 2);
  assert.deepEqual(
    vfs.map(({ bdf, alone }) => [bdf, alone]),
    [
      ["0000:00:12.0", true],
      ["0000:00:12.2", true],
    ],
  );
});

test("predictVfGroups is bounded by TotalVFs and by bus 255, and says where it knows nothing", () => {
  const functions = { "00:01.0": rootPort(ON), "01:00.0": PF };
  assert.equal(predict(functions, "01:00.0", 65_535).vfs.length, 8);
  assert.equal(predict({ "01:00.0": PF }, "01:00.0", 1).vfs[0]?.alone, null);
  assert.equal(predict(functions, "00:01.0", 1).why, "0000:00:01.0 has no SR-IOV capability");
  assert.equal(predict(functions, "07:00.0", 1).with, null);
  const stuck = { ...PF, sriov: { ...SRIOV, vfStride: 0 } };
  assert.match(predict({ ...functions, "01:00.0": stuck }, "01:00.0", 2).why ?? "", /VF Stride reads 0/);
  const far = { ...PF, sriov: { ...SRIOV, firstVfOffset: 0xffff } };
  assert.deepEqual(predict({ ...functions, "01:00.0": far }, "01:00.0", 1).vfs[0]?.bdf, null);
  const cut = { ...PF, readBytes: 0x104 };
  assert.equal(predict({ ...functions, "01:00.0": cut }, "01:00.0", 1).why, "its SR-IOV capability was not read");
});
