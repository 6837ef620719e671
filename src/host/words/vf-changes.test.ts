import assert from "node:assert/strict";
import { test } from "node:test";
import { bdf } from "../../pci/bdf.ts";
import type { Step, VfSettingChange } from "../plan/step.ts";
import { vfChanges } from "./vf-changes.ts";

const pf = bdf("0000:01:00.0");

function settings(...changes: readonly VfSettingChange[]): Step {
  return { kind: "setVfNetwork", pf, changes };
}

function bind(vfIndex: number, from: string | null, to: string, fromOverride: string | null = null): Step {
  return { kind: "bindDriver", pf, vfIndex, from, fromOverride, to };
}

function lines(...steps: readonly Step[]): string[] {
  return vfChanges(steps).map(({ vfs, text }) => `${vfs}: ${text}`);
}

test("vfChanges tells old -> new of what differs alone", () => {
  const changed = settings(
    {
      from: { vlan: 100, trust: false },
      to: { vfIndex: 3, vlan: { id: 300, qos: 3, protocol: "802.1Q" }, trust: true },
    },
    { from: { qos: 0 }, to: { vfIndex: 4, vlan: { id: 7, qos: 5, protocol: "802.1Q" } } },
    { from: { vlanProtocol: "802.1Q" }, to: { vfIndex: 5, vlan: { id: 7, qos: 0, protocol: "802.1ad" } } },
    { from: { minTxRateMbps: 0 }, to: { vfIndex: 6, txRateMbps: { max: 500, min: 100 } } },
    { from: { maxTxRateMbps: 500 }, to: { vfIndex: 7, txRateMbps: { max: 0, min: 100 } } },
  );
  assert.deepEqual(lines(changed), [
    "VF 3: vlan 100 -> 300, trust off -> on",
    "VF 4: qos 0 -> 5",
    "VF 5: vlan protocol 802.1Q -> 802.1ad",
    "VF 6: min rate no limit -> 100 Mbit/s",
    "VF 7: max rate 500 Mbit/s -> no limit",
  ]);
});

test("vfChanges does not invent what was: what no driver told is left out", () => {
  const step = settings({
    from: { spoofCheck: null, linkState: null },
    to: { vfIndex: 0, spoofCheck: false, linkState: "enable" },
  });
  assert.deepEqual(lines(step), ["VF 0: spoof check off, link state enable"]);
});

test("vfChanges takes nothing of VFs that the same steps make for old", () => {
  const made: Step = { kind: "setNumVfs", pf, from: 0, to: 1 };
  const change = {
    from: { vlan: 0, mac: "00:00:00:00:00:00" },
    to: { vfIndex: 0, vlan: { id: 5 }, mac: "02:00:00:00:00:01" },
  };
  assert.deepEqual(lines(made, settings(change as VfSettingChange), bind(0, null, "vfio-pci")), [
    "VF 0: mac 02:00:00:00:00:01, driver vfio-pci, vlan 5",
  ]);
});

test("vfChanges tells 256 VFs that change alike but for their addresses in one line", () => {
  const mac = (vfIndex: number) => `02:00:00:00:00:${vfIndex.toString(16).padStart(2, "0")}`;
  const all = Array.from({ length: 256 }, (_, vfIndex) => ({
    from: { mac: "00:00:00:00:00:00" },
    to: { vfIndex, mac: mac(vfIndex) },
  }));
  assert.deepEqual(lines(settings(...all)), ["VF 0-255: mac 02:00:00:00:00:00 and 255 more"]);
});

test("vfChanges puts VFs together that change alike but are no neighbours", () => {
  const steps = [0, 1, 2, 3, 4].map((vfIndex) => bind(vfIndex, "igbvf", vfIndex === 2 ? "none" : "vfio-pci"));
  assert.deepEqual(lines(...steps), ["VF 0-1,3-4: driver igbvf -> vfio-pci", "VF 2: driver igbvf -> none"]);
});

test("vfChanges tells a driver that is taken away and given back from one that changes", () => {
  assert.deepEqual(lines(bind(1, "igbvf", "none"), { kind: "resetVf", pf, vfIndex: 1 }, bind(1, null, "default")), [
    "VF 1: driver igbvf bound anew, reset",
  ]);
  assert.deepEqual(lines(bind(1, "vfio-pci", "none", "vfio-pci"), bind(1, null, "default")), [
    "VF 1: driver vfio-pci -> default",
  ]);
  assert.deepEqual(lines(bind(1, "vfio-pci", "default", "vfio-pci")), ["VF 1: driver vfio-pci -> default"]);
  assert.deepEqual(lines(bind(1, null, "vfio")), ["VF 1: driver none -> vfio"]);
});

test("vfChanges tells an NVMe secondary's resources once, and that it is interrupted", () => {
  const assign = (resource: "vq" | "vi", from: number, to: number): Step => ({
    kind: "assignNvmeResources",
    pf,
    vfIndex: 0,
    resource,
    from,
    to,
  });
  const online = (from: boolean, to: boolean): Step => ({ kind: "setNvmeOnline", pf, vfIndex: 0, from, to });
  assert.deepEqual(lines(online(true, false), assign("vq", 2, 4), assign("vi", 2, 3), online(false, true)), [
    "VF 0: offline and online again, queues 2 -> 4, interrupts 2 -> 3",
  ]);
  assert.deepEqual(lines({ kind: "setMsixCount", pf, vfIndex: 9, from: 3, to: 5 }), ["VF 9: MSI-X vectors 3 -> 5"]);
});
