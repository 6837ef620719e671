import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PageAllocator } from "../../src/hardware/iommu/page-allocator.ts";
import { RootTable } from "../../src/hardware/iommu/root-table.ts";
import { SecondLevelTables } from "../../src/hardware/iommu/second-level-tables.ts";
import { Vtd } from "../../src/hardware/iommu/vtd.ts";
import { SERVER_VTD } from "../../src/hardware/iommu/vtd-capabilities.ts";
import { DMA_GCMD_SRTP, DMA_GCMD_TE, DMAR_GCMD_REG, DMAR_RTADDR_REG } from "../../src/hardware/iommu/vtd-registers.ts";
import type { Machine } from "../../src/hardware/machine.ts";
import { restoreMachine, saveMachine } from "../../src/hardware/machine-state.ts";
import { Igb82576 } from "../../src/hardware/nic/igb-82576.ts";
import type { PciFunction } from "../../src/hardware/pci-function.ts";
import {
  assignedMachine,
  below,
  enableVfs,
  functionNamed,
  useAri,
} from "../../src/hardware/testing/assigned-machine.ts";

const MAC = Uint8Array.of(0x00, 0x1b, 0x21, 0x82, 0x57, 0x60);
const SRIOV = 0x160;
const VF0 = 0x0180;

interface Setup {
  readonly machine: Machine;
  readonly vtd: Vtd;
  readonly vf: PciFunction;
}

/** An 82576 with its VFs below a root port, and VT-d, whose one domain has VF 0 and one page of RAM at 40000000h. */
function setup(): Setup {
  let vtd: Vtd | undefined;
  const machine = assignedMachine([below("82576")], {
    iommu: (memory, fabric) => {
      vtd = new Vtd(memory, SERVER_VTD, {
        sendMessage: (address, data) => fabric.platformInterrupt(address, data),
        invalidateDevice: (requesterId) => fabric.invalidateDevice(requesterId),
      });
      return vtd;
    },
    model: ({ fn, port, vfPort }) =>
      fn.vfs === undefined ? undefined : new Igb82576({ port, vfPort, macAddress: MAC }),
  });
  const { memory } = machine;
  assert.ok(vtd);
  const pages = new PageAllocator(memory, 0x8_0000, 0x4_0000);
  const roots = new RootTable(memory, pages);
  const tables = new SecondLevelTables(memory, pages);
  tables.map(0x4000_0000, 0x3000, 0x1000);
  roots.attach(VF0, { domainId: 7, table: tables.root, levels: 4 });
  vtd.write32(DMAR_RTADDR_REG, roots.address);
  vtd.write32(DMAR_GCMD_REG, DMA_GCMD_SRTP);
  vtd.write32(DMAR_GCMD_REG, DMA_GCMD_TE);
  const pf = functionNamed(machine, "82576");
  useAri(machine, functionNamed(machine, "root port 0"), pf, SRIOV);
  enableVfs(machine, pf, SRIOV, 2);
  const vf = pf.vfs?.vf(0);
  assert.ok(vf);
  vf.writeConfig(0x04, 2, 4);
  return { machine, vtd, vf };
}

describe("an 82576 and VT-d in one machine", () => {
  it("a VF's requests reach what its domain maps, and nothing else", () => {
    const { machine, vf } = setup();
    const port = machine.fabric.portOf(vf);
    assert.equal(port.write(0x4000_0010, Uint8Array.of(9), 0, 1), true);
    assert.equal(machine.memory.bytes[0x3010], 9);
    assert.equal(port.span(0x4000_0ff0, 64, true)?.length, 16, "up to the end of the page");
    assert.equal(port.span(0x3010, 1, false), undefined);
    assert.equal(vf.readConfig(0x06, 2) & 0x2000, 0x2000, "Received Master Abort");
  });

  it("another VF and the PF are in no domain", () => {
    const { machine } = setup();
    const pf = functionNamed(machine, "82576");
    const other = pf.vfs?.vf(1);
    assert.ok(other);
    other.writeConfig(0x04, 2, 4);
    for (const fn of [pf, other]) assert.equal(machine.fabric.portOf(fn).span(0x4000_0010, 1, false), undefined);
  });

  it("the VF BARs lead to the VFs' own registers", () => {
    const { machine, vf } = setup();
    const { fabric } = machine;
    const low = fabric.configRead(0x0100, SRIOV + 0x24, 4);
    const bar0 = fabric.configRead(0x0100, SRIOV + 0x28, 4) * 2 ** 32 + ((low & ~0xf) >>> 0);
    assert.equal(fabric.memoryRead(bar0 + 8, 4), vf.model?.readBar(0, 8, 4));
    assert.notEqual(fabric.memoryRead(bar0 + 8, 4), 0xffff_ffff);
  });

  it("go into a saved state and back", () => {
    const { machine } = setup();
    const state = JSON.parse(JSON.stringify(saveMachine(machine)));
    const second = setup();
    restoreMachine(second.machine, state);
    assert.deepEqual(JSON.parse(JSON.stringify(saveMachine(second.machine))), state);
    const vf = functionNamed(second.machine, "82576").vfs?.vf(0);
    assert.ok(vf);
    assert.notEqual(second.machine.fabric.portOf(vf).span(0x4000_0010, 1, false), undefined);
  });
});
