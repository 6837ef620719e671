import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AER } from "../pci/extended/aer.ts";
import { PASID } from "../pci/extended/pasid.ts";
import { BridgeFunction } from "./bridge-function.ts";
import { accelerator } from "./devices/accelerator.ts";
import { IntelIommu } from "./iommu/intel-iommu.ts";
import { PageAllocator } from "./iommu/page-allocator.ts";
import { Vtd } from "./iommu/vtd.ts";
import { SERVER_VTD } from "./iommu/vtd-capabilities.ts";
import type { Machine } from "./machine.ts";
import type { PciFunction } from "./pci-function.ts";
import { assignedMachine, enableVfs, functionNamed } from "./testing/assigned-machine.ts";

const SRIOV = 0x140;
const ENABLE = 1;
const PRIVILEGED = 4;
const PREFIX = { pasid: 5 };
const MALFORMED = 1 << 18;
const BLOCKED = 2 ** 25;
const BLOCKING = 0x8000;

function setup() {
  let driver: IntelIommu | undefined;
  const machine = assignedMachine(
    [
      {
        kind: "root port",
        below: {
          kind: "switch",
          name: "switch",
          ports: [{ below: { kind: "device", name: "card", device: accelerator(4) } }],
        },
      },
    ],
    {
      iommu: (memory, fabric) => {
        const ports = { sendMessage: () => {}, invalidateDevice: (id: number) => fabric.invalidateDevice(id) };
        const vtd = new Vtd(memory, SERVER_VTD, ports);
        driver = new IntelIommu(vtd, memory, new PageAllocator(memory, memory.sizeBytes / 2, memory.sizeBytes / 2));
        return vtd;
      },
    },
  );
  assert.ok(driver);
  const pf = functionNamed(machine, "card");
  enableVfs(machine, pf, SRIOV, 4);
  const vf = pf.vfs?.vf(1);
  assert.ok(vf);
  vf.writeConfig(4, 2, 4);
  return { machine, driver, pf, vf };
}

function enable(pf: PciFunction, control: number): void {
  pf.writeConfig((pf.template.offsetOf(PASID, true) ?? 0) + 6, 2, control);
}

function uncorrectable(fn: PciFunction): number {
  return fn.config.read((fn.template.offsetOf(AER, true) ?? 0) + AER.table.uncorrectableErrorStatus.offset, 4);
}

/** A port whose Device Capabilities 2 has no End-End TLP Prefix Supported. */
function withoutPrefixes(machine: Machine, name: string): PciFunction {
  const port = functionNamed(machine, name);
  const at = port.express(0x24);
  assert.ok(at !== undefined && port instanceof BridgeFunction);
  port.config.set(at, 4, port.config.read(at, 4) & ~0x20_0000);
  return port;
}

describe("a request with a PASID (PCIe 6.0 §6.20)", () => {
  it("is sent where the PF's capability enables it, by its VFs too", () => {
    const { machine, pf, vf } = setup();
    assert.equal(vf.template.offsetOf(PASID, true), undefined);
    for (const fn of [pf, vf]) {
      const port = machine.fabric.portOf(fn);
      enable(pf, 0);
      assert.equal(port.requestWithPasid(0x1000, false, PREFIX), undefined);
      enable(pf, ENABLE);
      assert.equal(port.requestWithPasid(0x1000, false, PREFIX)?.kind, "fault");
      assert.equal(port.requestWithPasid(0x1000, false, { pasid: 2 ** 20 }), undefined, "wider than Max PASID Width");
      assert.equal(port.requestWithPasid(0x1000, false, { ...PREFIX, privileged: true }), undefined);
      enable(pf, ENABLE | PRIVILEGED);
      assert.equal(port.requestWithPasid(0x1000, false, { ...PREFIX, privileged: true })?.kind, "fault");
      assert.equal(port.requestWithPasid(0x1000, false, { ...PREFIX, execute: true }), undefined, "not supported");
    }
  });

  it("is blocked by VT-d in legacy mode: fault 31h with the PASID; what has none goes by its context as ever", () => {
    const { machine, driver, pf, vf } = setup();
    enable(pf, ENABLE);
    const port = machine.fabric.portOf(vf);
    port.requestWithPasid(0x1000, true, PREFIX);
    assert.deepEqual(driver.start().takeFaults(), [], "no fault while nothing is translated");
    driver.attach(vf.routingId, { domainId: 1, table: 0, levels: 4, translation: "pass-through" });
    port.requestWithPasid(0x5678, true, PREFIX);
    const fault = { reason: 0x31, sourceId: vf.routingId, addressType: 0, info: 0x5000 };
    assert.deepEqual(driver.takeFaults(), [{ ...fault, kind: "write", pasid: 5 }]);
    assert.deepEqual([port.span(0x5678, 4, true)?.offset, driver.takeFaults()], [0x5678, []]);
  });

  it("is a Malformed TLP at a port without End-End TLP Prefixes", () => {
    for (const name of ["switch port 0", "switch", "root port 0"]) {
      const { machine, pf, vf } = setup();
      enable(pf, ENABLE);
      const port = withoutPrefixes(machine, name);
      const route = machine.fabric.portOf(vf).requestWithPasid(0x1000, true, PREFIX);
      assert.deepEqual([route?.kind, uncorrectable(port)], ["malformed", MALFORMED], name);
    }
  });

  it("does not leave by an upstream port that blocks prefixes", () => {
    const { machine, pf } = setup();
    enable(pf, ENABLE);
    const upstream = functionNamed(machine, "switch");
    upstream.writeConfig(upstream.express(0x28) ?? 0, 2, BLOCKING);
    assert.equal(machine.fabric.portOf(pf).requestWithPasid(0x1000, true, PREFIX)?.kind, "prefix blocked");
    assert.equal(uncorrectable(upstream), BLOCKED);
  });
});
