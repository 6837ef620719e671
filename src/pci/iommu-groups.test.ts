import assert from "node:assert/strict";
import { test } from "node:test";
import {
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_ENDPOINT,
  PCI_EXP_TYPE_PCI_BRIDGE,
  PCI_EXP_TYPE_RC_END,
  PCI_EXP_TYPE_ROOT_PORT,
  PCI_EXP_TYPE_UPSTREAM,
} from "./device-port-type.ts";
import { computeIommuGroups } from "./iommu-groups.ts";
import { type AcsMode, isolationModel } from "./isolation-model.ts";
import { type ConfigOptions, machine } from "./testing/config-builder.ts";

const ON = { capability: 0x1d, control: 0x1d };
const OFF = { capability: 0x1d, control: 0 };
const rootPort = (secondary: number, more: ConfigOptions = {}): ConfigOptions => ({
  portType: PCI_EXP_TYPE_ROOT_PORT,
  bridge: { secondary },
  ...more,
});
const ENDPOINT: ConfigOptions = { portType: PCI_EXP_TYPE_ENDPOINT };

/** The groups as lists of addresses without the domain, in order. */
function groupsOf(functions: Readonly<Record<string, ConfigOptions>>, acs: AcsMode = "asConfigured"): string[][] {
  const { groups } = computeIommuGroups(isolationModel(machine(functions), { acs }));
  return groups.map(({ members }) => members.map((member) => member.replace(/^0000:/, "")));
}

test("a single endpoint below a root port with ACS has a group of its own", () => {
  // pci_device_group: pci_acs_path_enabled(bus->self) breaks the walk at once; no alias, not multifunction: a new group.
  assert.deepEqual(groupsOf({ "00:01.0": rootPort(1, { acs: ON }), "01:00.0": ENDPOINT }), [["00:01.0"], ["01:00.0"]]);
});

test("an endpoint below a root port without ACS joins the port, and so do its siblings", () => {
  // pci_device_group: the path is not enabled, pdev becomes bus->self, whose group is adopted.
  const functions = {
    "00:01.0": rootPort(1),
    "00:02.0": rootPort(2, { acs: ON }),
    "01:00.0": { ...ENDPOINT, multiFunction: true },
    "01:00.1": ENDPOINT,
    "02:00.0": ENDPOINT,
  };
  assert.deepEqual(groupsOf(functions), [["00:01.0", "01:00.0", "01:00.1"], ["00:02.0"], ["02:00.0"]]);
});

test("root ports of one multi-function device without ACS share a group with all that is below them", () => {
  // get_pci_function_alias_group on the ports themselves, then as above for the endpoints.
  const functions = {
    "00:1c.0": rootPort(1, { multiFunction: true }),
    "00:1c.1": rootPort(2),
    "00:1c.2": rootPort(3, { acs: ON }),
    "01:00.0": ENDPOINT,
    "02:00.0": ENDPOINT,
    "03:00.0": ENDPOINT,
  };
  assert.deepEqual(groupsOf(functions), [["00:1c.0", "00:1c.1", "01:00.0", "02:00.0"], ["00:1c.2"], ["03:00.0"]]);
});

test("functions of a multi-function endpoint without ACS share a group, those of one with ACS do not", () => {
  // get_pci_function_alias_group: same slot, pci_acs_enabled false for both.
  const port = { "00:01.0": rootPort(1, { acs: ON }) };
  const first = { ...ENDPOINT, multiFunction: true };
  assert.deepEqual(groupsOf({ ...port, "01:00.0": first, "01:00.1": ENDPOINT }), [["00:01.0"], ["01:00.0", "01:00.1"]]);
  const acs = { capability: 0x04, control: 0x04 };
  assert.deepEqual(groupsOf({ ...port, "01:00.0": { ...first, acs }, "01:00.1": { ...ENDPOINT, acs } }), [
    ["00:01.0"],
    ["01:00.0"],
    ["01:00.1"],
  ]);
});

test("both ports of an 82576 are apart by quirk", () => {
  // pci_dev_specific_acs_enabled: { PCI_VENDOR_ID_INTEL, 0x10C9, pci_quirk_mf_endpoint_acs }
  const nic = { ...ENDPOINT, vendorId: 0x8086, deviceId: 0x10c9, multiFunction: true };
  assert.deepEqual(groupsOf({ "00:01.0": rootPort(1, { acs: ON }), "01:00.0": nic, "01:00.1": nic }), [
    ["00:01.0"],
    ["01:00.0"],
    ["01:00.1"],
  ]);
});

test("ARI functions 0 and 8 are in different slots for Linux, so they are apart without ACS", () => {
  // get_pci_function_alias_group compares PCI_SLOT(devfn); pci_scan_slot makes both multifunction.
  const functions = {
    "00:01.0": rootPort(1, { acs: ON }),
    "01:00.0": { ...ENDPOINT, multiFunction: true, ariNextFunction: 8 },
    "01:01.0": { ...ENDPOINT, ariNextFunction: 9 },
    "01:01.1": ENDPOINT,
  };
  assert.deepEqual(groupsOf(functions), [["00:01.0"], ["01:00.0"], ["01:01.0", "01:01.1"]]);
});

const SWITCH = (downstream: ConfigOptions): Record<string, ConfigOptions> => ({
  "00:01.0": rootPort(1, { acs: ON }),
  "01:00.0": { portType: PCI_EXP_TYPE_UPSTREAM, bridge: { secondary: 2, subordinate: 4 } },
  "02:00.0": { portType: PCI_EXP_TYPE_DOWNSTREAM, bridge: { secondary: 3 }, ...downstream },
  "02:01.0": { portType: PCI_EXP_TYPE_DOWNSTREAM, bridge: { secondary: 4 }, ...downstream },
  "03:00.0": ENDPOINT,
  "04:00.0": ENDPOINT,
});

test("a switch with ACS keeps what is below its ports apart", () => {
  // pci_acs_path_enabled from the downstream port up; the upstream port is single-function, hence isolated.
  assert.deepEqual(groupsOf(SWITCH({ acs: ON })), [
    ["00:01.0"],
    ["01:00.0"],
    ["02:00.0"],
    ["02:01.0"],
    ["03:00.0"],
    ["04:00.0"],
  ]);
});

test("below a switch without ACS each endpoint joins its downstream port, and the ports their own groups", () => {
  // Walk from bus 3: the path from 02:00.0 fails, its group is adopted. The downstream ports themselves break at 01:00.0,
  // whose path is enabled, and are single-function: own groups (get_pci_function_alias_group returns NULL).
  assert.deepEqual(groupsOf(SWITCH({})), [["00:01.0"], ["01:00.0"], ["02:00.0", "03:00.0"], ["02:01.0", "04:00.0"]]);
});

test("with ACS off in the registers but capable, the kernel's own setting at boot parts them", () => {
  assert.equal(groupsOf(SWITCH({ acs: OFF })).length, 4);
  assert.equal(groupsOf(SWITCH({ acs: OFF }), "withKernelAcs").length, 6);
});

test("all of a switch below a root port without ACS is one group", () => {
  const functions = { ...SWITCH({ acs: ON }), "00:01.0": rootPort(1) };
  assert.deepEqual(groupsOf(functions), [["00:01.0", "01:00.0", "02:00.0", "02:01.0", "03:00.0", "04:00.0"]]);
});

test("all behind a PCIe-to-PCI bridge have its group", () => {
  // pci_for_each_dma_alias calls back for PCI_EXP_TYPE_PCI_BRIDGE, whose group is adopted.
  const functions = {
    "00:01.0": rootPort(1, { acs: ON }),
    "01:00.0": { portType: PCI_EXP_TYPE_PCI_BRIDGE, bridge: { secondary: 2 } },
    "02:00.0": {},
    "02:04.0": {},
  };
  assert.deepEqual(groupsOf(functions), [["00:01.0"], ["01:00.0", "02:00.0", "02:04.0"]]);
});

test("all behind conventional bridges have the topmost one's group", () => {
  // pci_for_each_dma_alias, branch !pci_is_pcie(tmp), at each bridge on the way; the nearest already has the group.
  const functions = {
    "00:1e.0": { bridge: { secondary: 5, subordinate: 6 } },
    "05:00.0": { bridge: { secondary: 6 } },
    "06:00.0": {},
  };
  assert.deepEqual(groupsOf(functions), [["00:1e.0", "05:00.0", "06:00.0"]]);
});

test("conventional functions of one device on the root bus share a group, other devices have their own", () => {
  // pci_acs_enabled false (not PCIe): get_pci_function_alias_group joins those of slot 1f.
  const isa = { classCode: 0x060100, multiFunction: true };
  assert.deepEqual(groupsOf({ "00:00.0": {}, "00:1f.0": isa, "00:1f.2": {}, "00:1f.3": {} }), [
    ["00:00.0"],
    ["00:1f.0", "00:1f.2", "00:1f.3"],
  ]);
});

test("functions of an integrated endpoint share a group unless they are Intel's", () => {
  // PCI_EXP_TYPE_RC_END goes by the register when multifunction; pci_quirk_rciep_acs grants Intel's.
  const rciep = { portType: PCI_EXP_TYPE_RC_END, multiFunction: true };
  assert.deepEqual(groupsOf({ "00:02.0": rciep, "00:02.1": rciep }), [["00:02.0", "00:02.1"]]);
  const intel = { ...rciep, vendorId: 0x8086 };
  assert.deepEqual(groupsOf({ "00:02.0": intel, "00:02.1": intel }), [["00:02.0"], ["00:02.1"]]);
});

test("a function that uses another's Routing ID joins its group (get_pci_alias_group)", () => {
  // quirk_dma_func1_alias: Marvell 88SE9123 at function 0 uses function 1; ACS keeps them apart otherwise.
  const acs = { capability: 0x04, control: 0x04 };
  const marvell = { ...ENDPOINT, vendorId: 0x1b4b, deviceId: 0x9123, multiFunction: true, acs };
  const ide = { ...ENDPOINT, vendorId: 0x1b4b, deviceId: 0x91a4, acs };
  const functions = { "00:01.0": rootPort(1, { acs: ON }), "01:00.0": marvell, "01:00.1": ide };
  assert.deepEqual(groupsOf(functions), [["00:01.0"], ["01:00.0", "01:00.1"]]);
});

test("VFs on their PF's bus have groups of their own; below a port without ACS they join it", () => {
  // pci_iov_add_virtfn sets multifunction = 0: get_pci_function_alias_group returns NULL.
  const pf: ConfigOptions = {
    ...ENDPOINT,
    vendorId: 0x8086,
    deviceId: 0x10c9,
    multiFunction: true,
    sriov: { totalVfs: 8, numVfs: 2, vfEnable: true, firstVfOffset: 0x80, vfStride: 2, vfDeviceId: 0x10ca },
  };
  const vf: ConfigOptions = { ...ENDPOINT, vendorId: 0xffff, deviceId: 0xffff };
  const functions = { "00:01.0": rootPort(1, { acs: ON }), "01:00.0": pf, "01:10.0": vf, "01:10.2": vf };
  assert.deepEqual(groupsOf(functions), [["00:01.0"], ["01:00.0"], ["01:10.0"], ["01:10.2"]]);
  assert.deepEqual(groupsOf({ ...functions, "00:01.0": rootPort(1) }), [["00:01.0", "01:00.0", "01:10.0", "01:10.2"]]);
});

test("a VF on a bus without a bridge goes by the bridge above its PF's bus", () => {
  // pci_device_group: "if (!bus->self) continue;"
  const sriov = { totalVfs: 8, numVfs: 1, vfEnable: true, firstVfOffset: 0x180, vfStride: 2 };
  const vf: ConfigOptions = { ...ENDPOINT, vendorId: 0xffff, deviceId: 0xffff };
  const below = (acs: typeof ON) => ({
    "00:01.0": rootPort(1, { acs, bridge: { secondary: 1, subordinate: 2 } }),
    "01:00.0": { ...ENDPOINT, sriov },
    "02:10.0": vf,
  });
  assert.deepEqual(groupsOf(below(ON)), [["00:01.0"], ["01:00.0"], ["02:10.0"]]);
  assert.deepEqual(groupsOf(below(OFF)), [["00:01.0", "01:00.0", "02:10.0"]]);
});

test("what was not read counts as not isolated, and the group says what that was", () => {
  const topology = machine({ "00:01.0": rootPort(1, { acs: ON, readBytes: 256 }), "01:00.0": ENDPOINT });
  const { groups } = computeIommuGroups(isolationModel(topology, { acs: "asConfigured" }));
  assert.equal(groups.length, 1);
  assert.deepEqual(groups[0]?.doubts, [{ bdf: "0000:00:01.0", why: "its ACS capability was not read" }]);
});

test("a function whose bridge is not among the functions is in doubt", () => {
  const { groups } = computeIommuGroups(isolationModel(machine({ "3b:00.0": ENDPOINT }), { acs: "asConfigured" }));
  assert.equal(groups[0]?.doubts.length, 1);
});

test("groups come in the order in which Linux finds functions: a bus, then what is below its bridges", () => {
  // pci_scan_child_bus_extend scans all slots of a bus before it goes below the first bridge.
  const functions = {
    "00:01.0": rootPort(5, { acs: ON }),
    "00:02.0": rootPort(1, { acs: ON }),
    "00:1f.0": {},
    "01:00.0": ENDPOINT,
    "05:00.0": ENDPOINT,
  };
  assert.deepEqual(groupsOf(functions).flat(), ["00:01.0", "00:02.0", "00:1f.0", "05:00.0", "01:00.0"]);
});
