import assert from "node:assert/strict";
import { test } from "node:test";
import { acsEnabled, acsPath, effectiveAcs } from "./acs-path.ts";
import { ACS_QUIRKS, PCI_ACS_DT, PCI_ACS_EC } from "./acs-quirks.ts";
import { bdf } from "./bdf.ts";
import {
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_ENDPOINT,
  PCI_EXP_TYPE_PCI_BRIDGE,
  PCI_EXP_TYPE_RC_EC,
  PCI_EXP_TYPE_RC_END,
  PCI_EXP_TYPE_ROOT_PORT,
  PCI_EXP_TYPE_UPSTREAM,
} from "./device-port-type.ts";
import { type AcsMode, isolationModel, type PciDevice } from "./isolation-model.ts";
import { type ConfigOptions, machine } from "./testing/config-builder.ts";

const ALL_ON = { capability: 0x1d, control: 0x1d };
const ALL_OFF = { capability: 0x1d, control: 0 };
const ROOT_PORT: ConfigOptions = { portType: PCI_EXP_TYPE_ROOT_PORT, bridge: { secondary: 1 } };

function modelOf(functions: Readonly<Record<string, ConfigOptions>>, acs: AcsMode = "asConfigured", ivrs?: boolean) {
  const model = isolationModel(machine(functions), { acs, ...(ivrs === undefined ? {} : { ivrs }) });
  const device = (address: string): PciDevice => {
    const found = model.devices.get(bdf(address));
    assert.ok(found, `no function at ${address}`);
    return found;
  };
  const verdict = (address: string, flags?: number) => {
    const { enabled, by, missing } = acsEnabled(model, device(address), flags);
    return { enabled, by, missing };
  };
  return { model, device, verdict };
}

test("acsEnabled reads a root port's control bits (pci_acs_flags_enabled)", () => {
  const partly = { capability: 0x1d, control: 0x0c };
  assert.deepEqual(modelOf({ "00:01.0": { ...ROOT_PORT, acs: ALL_ON } }).verdict("00:01.0"), {
    enabled: true,
    by: "register",
    missing: [],
  });
  assert.deepEqual(modelOf({ "00:01.0": { ...ROOT_PORT, acs: partly } }).verdict("00:01.0"), {
    enabled: false,
    by: "register",
    missing: ["ACS Source Validation", "ACS Upstream Forwarding"],
  });
});

test("acsEnabled takes a control that the capability lacks for hard-wired, but never Egress Control", () => {
  // pci_acs_flags_enabled: acs_flags &= (cap | PCI_ACS_EC)
  const { verdict } = modelOf({ "00:01.0": { ...ROOT_PORT, acs: { capability: 0x01, control: 0x01 } } });
  assert.equal(verdict("00:01.0").enabled, true);
  assert.deepEqual(verdict("00:01.0", PCI_ACS_DT).missing, []);
  assert.deepEqual(verdict("00:01.0", PCI_ACS_EC).missing, ["ACS P2P Egress Control"]);
});

test("acsEnabled refuses what never has ACS: conventional PCI, PCIe-PCI bridges, event collectors", () => {
  const { verdict } = modelOf({
    "00:1f.3": { classCode: 0x0c0500 },
    "00:02.0": { portType: PCI_EXP_TYPE_RC_EC, acs: ALL_ON },
    "00:03.0": { portType: PCI_EXP_TYPE_PCI_BRIDGE, bridge: { secondary: 3 }, acs: ALL_ON },
  });
  assert.equal(verdict("00:1f.3").by, "not-pcie");
  assert.equal(verdict("00:1f.3").enabled, false);
  assert.deepEqual([verdict("00:02.0").by, verdict("00:02.0").enabled], ["device-type", false]);
  assert.deepEqual([verdict("00:03.0").by, verdict("00:03.0").enabled], ["device-type", false]);
});

test("acsEnabled takes a single function for isolated and asks each function of several", () => {
  const endpoint: ConfigOptions = { portType: PCI_EXP_TYPE_ENDPOINT };
  const { verdict } = modelOf({
    "00:01.0": { ...ROOT_PORT, acs: ALL_ON },
    "01:00.0": { ...endpoint, multiFunction: true },
    "01:00.1": { ...endpoint, acs: { capability: 0x0c, control: 0x0c } },
    "00:02.0": { ...ROOT_PORT, bridge: { secondary: 2 }, acs: ALL_ON },
    "02:00.0": endpoint,
  });
  assert.deepEqual(verdict("02:00.0"), { enabled: true, by: "not-multifunction", missing: [] });
  assert.equal(verdict("01:00.0").by, "no-capability");
  assert.deepEqual(verdict("01:00.1"), { enabled: true, by: "register", missing: [] });
});

test("isolationModel corrects a switch port that cannot be what it says (set_pcie_port_type)", () => {
  const { device } = modelOf({
    "00:01.0": ROOT_PORT,
    "01:00.0": { portType: PCI_EXP_TYPE_DOWNSTREAM, bridge: { secondary: 2 } },
    "02:00.0": { portType: PCI_EXP_TYPE_UPSTREAM, bridge: { secondary: 3 } },
  });
  assert.equal(device("01:00.0").type, PCI_EXP_TYPE_UPSTREAM);
  assert.equal(device("02:00.0").type, PCI_EXP_TYPE_DOWNSTREAM);
});

test("acsEnabled grants by quirk: 82576 functions, Intel RCiEPs, Cavium root ports", () => {
  const { verdict } = modelOf({
    "00:01.0": { ...ROOT_PORT, acs: ALL_ON },
    "01:00.0": { vendorId: 0x8086, deviceId: 0x10c9, portType: PCI_EXP_TYPE_ENDPOINT, multiFunction: true },
    "00:02.0": { vendorId: 0x8086, deviceId: 0x0b25, portType: PCI_EXP_TYPE_RC_END, multiFunction: true },
    "00:02.1": { vendorId: 0x1af4, deviceId: 0x0b25, portType: PCI_EXP_TYPE_RC_END },
    "00:03.0": { vendorId: 0x177d, deviceId: 0xa123, portType: PCI_EXP_TYPE_ROOT_PORT, bridge: { secondary: 2 } },
  });
  assert.deepEqual(verdict("01:00.0"), { enabled: true, by: "quirk", missing: [] });
  assert.deepEqual(verdict("00:02.0"), { enabled: true, by: "quirk", missing: [] });
  assert.deepEqual([verdict("00:02.1").enabled, verdict("00:02.1").by], [false, "no-capability"]);
  assert.deepEqual(verdict("00:03.0"), { enabled: true, by: "quirk", missing: [] });
  assert.equal(verdict("01:00.0", PCI_ACS_EC).enabled, false);
});

test("acsEnabled refuses by quirk although registers say yes: a Zhaoxin port and a Wangxun NIC not in the list", () => {
  const { verdict } = modelOf({
    "00:01.0": { ...ROOT_PORT, vendorId: 0x1d17, deviceId: 0x0800, acs: ALL_ON },
    "01:00.0": { vendorId: 0x8088, deviceId: 0x1234, portType: PCI_EXP_TYPE_ENDPOINT },
  });
  assert.deepEqual([verdict("00:01.0").enabled, verdict("00:01.0").by], [false, "quirk"]);
  assert.deepEqual([verdict("01:00.0").enabled, verdict("01:00.0").by], [false, "quirk"]);
});

test("acsEnabled reads the ACS control of a Sunrise Point root port at offset 8 (INTEL_SPT_ACS_CTRL)", () => {
  const port: ConfigOptions = { ...ROOT_PORT, vendorId: 0x8086, deviceId: 0xa110 };
  // Capability 0Fh as 32 bits at +4, control as 32 bits at +8.
  const on: ConfigOptions = { ...port, extended: [{ id: 0x0d, dwords: [0x0f, 0x0f] }] };
  const off: ConfigOptions = { ...port, extended: [{ id: 0x0d, dwords: [0x000f_000f, 0] }] };
  assert.deepEqual(modelOf({ "00:1c.0": on }).verdict("00:1c.0"), { enabled: true, by: "quirk", missing: [] });
  assert.equal(modelOf({ "00:1c.0": off }).verdict("00:1c.0").enabled, false);
  assert.equal(modelOf({ "00:1c.0": off }, "withKernelAcs").verdict("00:1c.0").enabled, true);
  assert.equal(modelOf({ "00:1c.0": port }).verdict("00:1c.0").by, "no-capability");
});

test("acsEnabled follows the Intel PCH workaround to the chipset's base address, and says when it cannot tell", () => {
  const port: ConfigOptions = { ...ROOT_PORT, vendorId: 0x8086, deviceId: 0x1c10 };
  const lpc = (rcba: number): ConfigOptions => ({ classCode: 0x060100, patch: [[0xf0, [rcba, 0xc0, 0xd1, 0xfe]]] });
  assert.equal(modelOf({ "00:1c.0": port, "00:1f.0": lpc(1) }).verdict("00:1c.0").enabled, null);
  const kernel = (functions: Record<string, ConfigOptions>) => modelOf(functions, "withKernelAcs").verdict("00:1c.0");
  assert.deepEqual(kernel({ "00:1c.0": port, "00:1f.0": lpc(1) }), { enabled: true, by: "quirk", missing: [] });
  assert.equal(kernel({ "00:1c.0": port, "00:1f.0": lpc(0) }).enabled, false);
  assert.equal(kernel({ "00:1c.0": port }).enabled, null);
});

test("acsEnabled asks for the table IVRS with an AMD southbridge (pci_quirk_amd_sb_acs)", () => {
  const functions: Record<string, ConfigOptions> = {
    "00:14.0": { vendorId: 0x1002, deviceId: 0x4385, multiFunction: true },
  };
  assert.equal(modelOf(functions).verdict("00:14.0").enabled, null);
  assert.deepEqual(modelOf(functions, "asConfigured", true).verdict("00:14.0"), {
    enabled: true,
    by: "quirk",
    missing: [],
  });
  assert.equal(modelOf(functions, "asConfigured", false).verdict("00:14.0").by, "not-pcie");
});

test("effectiveAcs adds what Linux enables at boot, as far as the device is capable (pci_std_enable_acs)", () => {
  const functions = { "00:01.0": { ...ROOT_PORT, acs: { capability: 0x5f, control: 0x40 } } };
  const read = modelOf(functions);
  assert.deepEqual(effectiveAcs(read.model, read.device("00:01.0")), { capability: 0x5f, control: 0x40 });
  const kernel = modelOf(functions, "withKernelAcs");
  assert.deepEqual(effectiveAcs(kernel.model, kernel.device("00:01.0")), { capability: 0x5f, control: 0x5d });
});

test("acsPath names each hop and what is missing there", () => {
  const functions: Record<string, ConfigOptions> = {
    "00:01.0": { ...ROOT_PORT, acs: ALL_ON },
    "01:00.0": { portType: PCI_EXP_TYPE_UPSTREAM, bridge: { secondary: 2 } },
    "02:00.0": { portType: PCI_EXP_TYPE_DOWNSTREAM, bridge: { secondary: 3 }, acs: ALL_OFF },
    "03:00.0": { portType: PCI_EXP_TYPE_ENDPOINT },
  };
  const asRead = modelOf(functions);
  const path = acsPath(asRead.model, asRead.device("03:00.0"));
  assert.equal(path.enabled, false);
  assert.deepEqual(
    path.hops.map((hop) => [hop.bdf, hop.enabled, hop.missing.length]),
    [
      ["0000:03:00.0", true, 0],
      ["0000:02:00.0", false, 4],
      ["0000:01:00.0", true, 0],
      ["0000:00:01.0", true, 0],
    ],
  );
  const kernel = modelOf(functions, "withKernelAcs");
  assert.equal(acsPath(kernel.model, kernel.device("03:00.0")).enabled, true);
});

test("acsPath does not vouch for a bridge that is not among the functions", () => {
  const { model, device } = modelOf({ "3b:00.0": { portType: PCI_EXP_TYPE_ENDPOINT } });
  const path = acsPath(model, device("3b:00.0"));
  assert.equal(path.enabled, null);
  assert.equal(path.complete, false);
});

test("acsPath is unknown where registers were not read, and fails where one that was read says no", () => {
  const unread = modelOf({
    "00:01.0": { ...ROOT_PORT, acs: ALL_ON, readBytes: 256 },
    "01:00.0": { portType: PCI_EXP_TYPE_ENDPOINT },
  });
  assert.equal(acsPath(unread.model, unread.device("01:00.0")).enabled, null);
  assert.equal(unread.verdict("00:01.0").by, "unread");
  const header = modelOf({ "00:01.0": { ...ROOT_PORT, acs: ALL_ON, readBytes: 64 } });
  assert.equal(header.verdict("00:01.0").enabled, null);
  const nothing = modelOf({ "00:01.0": { ...ROOT_PORT, readBytes: 0 } });
  assert.equal(nothing.verdict("00:01.0").enabled, null);
});

test("ACS_QUIRKS has each of the kernel's callbacks", () => {
  // Linux 6.12 drivers/pci/quirks.c, pci_dev_acs_enabled[].
  assert.deepEqual([...new Set(ACS_QUIRKS.map(({ callback }) => callback))].sort(), [
    "pci_quirk_al_acs",
    "pci_quirk_amd_sb_acs",
    "pci_quirk_brcm_acs",
    "pci_quirk_cavium_acs",
    "pci_quirk_intel_pch_acs",
    "pci_quirk_intel_spt_pch_acs",
    "pci_quirk_loongson_acs",
    "pci_quirk_mf_endpoint_acs",
    "pci_quirk_nxp_rp_acs",
    "pci_quirk_qcom_rp_acs",
    "pci_quirk_rciep_acs",
    "pci_quirk_wangxun_nic_acs",
    "pci_quirk_xgene_acs",
    "pci_quirk_zhaoxin_pcie_ports_acs",
  ]);
});
