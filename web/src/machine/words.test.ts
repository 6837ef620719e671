import assert from "node:assert/strict";
import { test } from "node:test";
import { planMachine } from "./machine-plan.ts";
import { pfObject, pfPreflight, vfObject } from "./testing/objects.ts";
import {
  linkWords,
  pfFacts,
  pfLabel,
  pfMark,
  rateArrows,
  shortKind,
  vfFacts,
  vfLabel,
  withoutLegalForm,
} from "./words.ts";

test("a VF is called by its number, its PF, its state and who has it", () => {
  assert.equal(
    vfLabel(vfObject("0000:01:00.0", 3, { guest: "model:web" })),
    "VF 3 of 0000:01:00.0, in use by model:web",
  );
  assert.equal(vfLabel(vfObject("0000:01:00.0", 4, {})), "VF 4 of 0000:01:00.0, free");
});

test("facts leave out what is not set, and say with how many a group is shared", () => {
  const vf = vfObject("0000:01:00.0", 3, {
    bdf: "0000:01:10.6",
    driver: "vfio-pci",
    iommuGroup: 12,
    settings: { mac: "00:00:00:00:00:00", vlan: 100 },
  });
  assert.equal(vfFacts(vf, 1, undefined), "0000:01:10.6 · vfio-pci · VLAN 100 · IOMMU group 12");
  assert.match(vfFacts(vf, 4, undefined), /IOMMU group 12 with 3 others/);
});

test("a link that is slower than it could be says so", () => {
  assert.equal(linkWords({ speed: 8, width: 4, maxSpeed: 8, maxWidth: 4 }), "8 GT/s x4");
  assert.equal(linkWords({ speed: 8, width: 4, maxSpeed: 16, maxWidth: 16 }), "8 GT/s x4 of 16 GT/s x16");
  assert.equal(linkWords(null), undefined);
});

test("what the preflight has against VFs is in a PF's name and facts, and marks it", () => {
  const pf = pfObject("0000:01:00.0", {});
  const told = (result: "pass" | "warn" | "refuse") => {
    const preflight = pfPreflight("0000:01:00.0", result, "no IOMMU is on");
    const [bar] = planMachine([pf], [], [], [], new Map([["0000:01:00.0", preflight]])).bars;
    assert.ok(bar);
    return [pfMark(bar), pfLabel(bar), pfFacts(bar)];
  };
  assert.deepEqual(told("refuse"), [
    "✖",
    "PF 0000:01:00.0, 0 of 7 VFs, preflight refuses VFs",
    "A network card · igb · VFs are refused: no IOMMU is on",
  ]);
  assert.deepEqual(told("warn"), [
    "▲",
    "PF 0000:01:00.0, 0 of 7 VFs, preflight warns of VFs",
    "A network card · igb · a warning of VFs: no IOMMU is on",
  ]);
  assert.deepEqual(told("pass"), [undefined, "PF 0000:01:00.0, 0 of 7 VFs", "A network card · igb"]);
});

test("what has little room is told shorter, and no less", () => {
  const names = [
    "Intel Corporation 82576 NIC",
    "Red Hat, Inc. QEMU NVM Express Controller",
    "Mellanox Technologies MT2892 Family",
  ];
  assert.deepEqual(names.map(withoutLegalForm), [
    "Intel 82576 NIC",
    "Red Hat QEMU NVM Express Controller",
    "Mellanox MT2892 Family",
  ]);
  assert.equal(withoutLegalForm("Coral Incoming Ltdx"), "Coral Incoming Ltdx");
  assert.deepEqual(["root complex", "switch port", "switch", "NUMA node 1", "root port"].map(shortKind), [
    ...["root", "port", "switch", "node 1", "root port"],
  ]);
  const rates = { rxBitsPerS: 3.15e6, txBitsPerS: 49.3e9 } as Parameters<typeof rateArrows>[0];
  assert.deepEqual(rateArrows(rates), ["↓ 3.15 Mbit/s  ↑ 49.3 Gbit/s", "↓ 3.15 M  ↑ 49.3 G", "↓3.15M ↑49.3G"]);
});
