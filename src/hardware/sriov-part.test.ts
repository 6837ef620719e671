import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { barSize } from "../pci/bar.ts";
import { bdf, routingIdOf } from "../pci/bdf.ts";
import { vfRoutingId } from "../pci/vf-address.ts";
import { NS_PER_MS } from "./clock.ts";
import type { DeviceDescription, VfPlacement } from "./device-description.ts";
import type { DeviceModel, PfDeviceModel } from "./device-model.ts";
import { endpoint, msix } from "./devices/endpoint-capabilities.ts";
import { buildMachine, type Machine } from "./machine.ts";
import { assignedMachine, below, enableVfs, functionNamed, useAri } from "./testing/assigned-machine.ts";

const SRIOV_82576 = 0x160;
const CTRL = SRIOV_82576 + 0x08;
const NUM_VFS = SRIOV_82576 + 0x10;
const VF_OFFSET = SRIOV_82576 + 0x14;
const SYSTEM_PAGE_SIZE = SRIOV_82576 + 0x20;
const VF_BAR0 = SRIOV_82576 + 0x24;
const PF = 0x0100;

/** A device whose VFs are where it is told. */
function placed(fn: number, totalVfs: number, placement: VfPlacement, more: object = {}): DeviceDescription {
  const link = { generation: 3, width: 8 } as const;
  const common = { vendorId: 0x1234, deviceId: 0x1111, classCode: 0x02_00_00, capabilities: [endpoint(0x40, link)] };
  const sriov = {
    offset: 0x100,
    totalVfs,
    vfDeviceId: 0x2222,
    placement,
    vfBars: [{ index: 0, sizeBytes: 0x4000, is64: true, prefetchable: true }],
    vf: { capabilities: [endpoint(0x40, link), msix(0x80, 2, { bar: 0, pba: 0x2000 })], extendedCapabilities: [] },
    ...more,
  };
  const functions = Array.from({ length: fn + 1 }, (_, index) => (index === fn ? { ...common, sriov } : common));
  return { name: "placed", functions, peerToPeer: false };
}

/** That device below a root port, on `bus`. */
function onBus(bus: number, device: DeviceDescription, ari: boolean): Machine {
  const machine = buildMachine({ memoryBytes: 1 << 20, root: [below(device)] });
  const port = 0x0008;
  machine.fabric.configWrite(port, 0x18, 4, (bus << 8) | (0xff << 16));
  if (ari) machine.fabric.configWrite(port, 0x7c, 2, 0x20);
  return machine;
}

describe("Routing IDs of VFs (PCIe 6.0 §9.2.1.2; standard.md)", () => {
  const cases: ReadonlyArray<readonly [pf: string, offset: number, stride: number, index: number, vf: string]> = [
    ["82:00.1", 128, 2, 0, "82:10.1"],
    ["01:00.0", 384, 2, 0, "02:10.0"],
    ["01:00.1", 9, 1, 0, "01:01.2"],
    ["01:00.0", 256, 256, 14, "10:00.0"],
  ];
  for (const [pf, firstVfOffset, vfStride, index, vf] of cases) {
    it(`${pf} with ${firstVfOffset}/${vfStride}: VF ${index} answers at ${vf}`, () => {
      const rid = routingIdOf(bdf(pf));
      const device = placed(rid & 7, 16, { firstVfOffset, vfStride });
      const machine = onBus(rid >>> 8, device, true);
      machine.fabric.configWrite(rid, 0x110, 2, 16);
      machine.fabric.configWrite(rid, 0x108, 2, 0x1);
      machine.clock.advance(100 * NS_PER_MS);
      assert.match(machine.fabric.functionAt(routingIdOf(bdf(vf)))?.name ?? "none", new RegExp(`VF ${index}$`));
    });
  }

  it("are as src/pci/vf-address.ts computes them, and no other Routing ID answers as a VF", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 300 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 0, max: 0x3ff }),
        (firstVfOffset, vfStride, numVfs, probe) => {
          const machine = onBus(1, placed(0, 16, { firstVfOffset, vfStride }), true);
          machine.fabric.configWrite(PF, 0x110, 2, numVfs);
          machine.fabric.configWrite(PF, 0x108, 2, 0x1);
          machine.clock.advance(100 * NS_PER_MS);
          const expected = new Map<number, string>();
          for (let index = 0; index < numVfs; index++) {
            const rid = vfRoutingId(routingIdOf(bdf("01:00.0")), firstVfOffset, vfStride, index);
            if (rid !== undefined) expected.set(rid, `placed VF ${index}`);
          }
          for (const [rid, name] of expected) assert.equal(machine.fabric.functionAt(rid)?.name, name);
          const found = machine.fabric.functionAt(PF + 8 + probe);
          assert.equal(found?.name, expected.get(PF + 8 + probe));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("SR-IOV registers", () => {
  it("show another First VF Offset when the ARI bit changes: 384 and 128 of an 82599 (standard.md)", () => {
    const machine = assignedMachine([below("82599")]);
    const read = () => machine.fabric.configRead(PF, VF_OFFSET, 4);
    assert.equal(read(), 384 | (2 << 16));
    useAri(machine, functionNamed(machine, "root port 0"), functionNamed(machine, "82599"), SRIOV_82576);
    assert.equal(read(), 128 | (2 << 16));
  });

  it("have the ARI bit in the lowest PF alone, which decides for all (PCIe 6.0 §9.3.3.3.5)", () => {
    const machine = assignedMachine([below("82599", { ports: 2 })]);
    machine.fabric.configWrite(PF + 1, CTRL, 2, 0x10);
    assert.equal(machine.fabric.configRead(PF + 1, CTRL, 2), 0);
    machine.fabric.configWrite(PF, CTRL, 2, 0x10);
    assert.equal(machine.fabric.configRead(PF + 1, VF_OFFSET, 2), 128);
  });

  it("keep NumVFs, the page size and the ARI bit while VF Enable is set (PCIe 6.0 §9.3.3.7, §9.3.3.13)", () => {
    const machine = assignedMachine([below("82576")]);
    const { fabric } = machine;
    enableVfs(machine, functionNamed(machine, "82576"), SRIOV_82576, 3);
    fabric.configWrite(PF, NUM_VFS, 2, 7);
    fabric.configWrite(PF, SYSTEM_PAGE_SIZE, 4, 4);
    fabric.configWrite(PF, CTRL, 2, 0x19);
    assert.deepEqual(
      [fabric.configRead(PF, NUM_VFS, 2), fabric.configRead(PF, SYSTEM_PAGE_SIZE, 4), fabric.configRead(PF, CTRL, 2)],
      [3, 1, 0x9],
    );
    fabric.configWrite(PF, CTRL, 2, 0);
    fabric.configWrite(PF, NUM_VFS, 2, 7);
    assert.equal(fabric.configRead(PF, NUM_VFS, 2), 7);
  });

  it("never give more VFs than TotalVFs, whatever NumVFs says (CVE-2024-26327)", () => {
    const machine = assignedMachine([below("82576")]);
    const pf = functionNamed(machine, "82576");
    enableVfs(machine, pf, SRIOV_82576, 0xffff);
    assert.equal(pf.vfs?.numVfs, 8);
  });

  it("give all VFs of an accelerator that ignores NumVFs (vendors.md, QAT)", () => {
    const machine = assignedMachine([below("accelerator", { totalVfs: 16 })]);
    const pf = functionNamed(machine, "accelerator");
    enableVfs(machine, pf, 0x140, 3);
    assert.equal(pf.vfs?.numVfs, 16);
  });
});

describe("VF BARs (PCIe 6.0 §9.3.3.14; standard.md)", () => {
  it("are sized as one VF's BAR, and at least a page", () => {
    const { fabric } = assignedMachine([below("accelerator")]);
    const vfBar0 = 0x140 + 0x24;
    const probe = (): bigint | undefined => {
      fabric.configWrite(PF, vfBar0, 4, 0xffff_ffff);
      fabric.configWrite(PF, vfBar0 + 4, 4, 0xffff_ffff);
      const high = BigInt(fabric.configRead(PF, vfBar0 + 4, 4));
      return barSize((high << 32n) | BigInt(fabric.configRead(PF, vfBar0, 4)), "memory", true);
    };
    assert.equal(probe(), 0x1000n);
    // 64 KiB pages: bit 4.
    fabric.configWrite(PF, 0x140 + 0x20, 4, 0x10);
    assert.equal(probe(), 0x1_0000n);
  });

  it("put VF i's memory at the start + size x i, once VF Enable and VF MSE are set", () => {
    const written: string[] = [];
    const vf = (index: number): DeviceModel => ({
      ...SILENT,
      writeBar: (bar, offset) => written.push(`VF ${index} BAR ${bar}+${offset.toString(16)}`),
    });
    const model = (): PfDeviceModel => ({ ...SILENT, enableVfs: () => {}, disableVfs: () => {}, vf });
    const machine = assignedMachine([below("82576")], {
      model: ({ fn }) => (fn.vfs === undefined ? undefined : model()),
    });
    const { fabric } = machine;
    enableVfs(machine, functionNamed(machine, "82576"), SRIOV_82576, 7);
    const start = fabric.configRead(PF, VF_BAR0 + 4, 4) * 2 ** 32 + ((fabric.configRead(PF, VF_BAR0, 4) & ~0xf) >>> 0);
    fabric.memoryWrite(start + 0x4000 * 6 + 0x123c, 4, 1);
    fabric.memoryWrite(start + 0x4000 * 7, 4, 1);
    assert.deepEqual(written, ["VF 6 BAR 0+123c"]);
    fabric.configWrite(PF, CTRL, 2, 0x1);
    assert.equal(fabric.memoryRead(start, 4), 0xffff_ffff, "without VF MSE nothing answers");
    assert.equal(fabric.completion, "unsupported request");
  });
});

describe("a VF's configuration space (PCIe 6.0 §9.3.4; standard.md)", () => {
  const machine = assignedMachine([below("82599")]);
  const { fabric } = machine;
  const pf = functionNamed(machine, "82599");
  useAri(machine, functionNamed(machine, "root port 0"), pf, SRIOV_82576);
  enableVfs(machine, pf, SRIOV_82576, 2);
  const vf = 0x0180;
  const written = (offset: number, size: 1 | 2 | 4): number => {
    fabric.configWrite(vf, offset, size, 0xffff_ffff);
    return fabric.configRead(vf, offset, size);
  };

  it("reads FFFFh as Vendor and Device ID, and the PF's class and revision", () => {
    assert.equal(fabric.configRead(vf, 0, 4), 0xffff_ffff);
    assert.equal(fabric.completion, "success");
    assert.equal(fabric.configRead(vf, 8, 4), fabric.configRead(PF, 8, 4));
  });

  it("has Bus Master Enable alone in Command, no INTx, and BARs of zero", () => {
    assert.equal(written(0x04, 2), 0x4);
    assert.equal(written(0x3d, 1), 0);
    for (let bar = 0x10; bar < 0x28; bar += 4) assert.equal(written(bar, 4), 0);
  });

  it("leaves Relaxed Ordering, payload sizes and AtomicOps to the PF", () => {
    // Device Control without Initiate FLR, which is written alone: the four error reporting enables are its own.
    fabric.configWrite(vf, 0xa8, 2, 0x7fff);
    assert.equal(fabric.configRead(vf, 0xa8, 2), 0x000f);
    assert.equal(written(0xc8, 2), 0, "Device Control 2");
    assert.equal(written(0xb0, 2), 0, "Link Control");
  });

  it("has an MSI-X table and PBA of its own", () => {
    const bar3 = fabric.configRead(PF, SRIOV_82576 + 0x30, 4);
    const start = fabric.configRead(PF, SRIOV_82576 + 0x34, 4) * 2 ** 32 + ((bar3 & ~0xf) >>> 0);
    fabric.memoryWrite(start + 8, 4, 0x1234);
    fabric.memoryWrite(start + 0x4000 + 8, 4, 0x5678);
    assert.deepEqual([fabric.memoryRead(start + 8, 4), fabric.memoryRead(start + 0x4000 + 8, 4)], [0x1234, 0x5678]);
  });
});

describe("resets and VFs (PCIe 6.0 §9.2.2; standard.md)", () => {
  const FLR = 0x8000;
  const devctl = 0xa8;

  function withVfs(): Machine {
    const machine = assignedMachine([below("82576")]);
    const pf = functionNamed(machine, "82576");
    useAri(machine, functionNamed(machine, "root port 0"), pf, SRIOV_82576);
    enableVfs(machine, pf, SRIOV_82576, 7);
    for (const vf of [0x0180, 0x0182]) machine.fabric.configWrite(vf, 0x04, 2, 0x4);
    return machine;
  }

  it("FLR of a VF touches that VF alone, for 100 ms at the most", () => {
    const { fabric, clock } = withVfs();
    fabric.configWrite(0x0180, devctl, 2, FLR);
    assert.equal(fabric.configRead(0x0180, 4, 4), 0xffff_ffff);
    assert.equal(fabric.configRead(0x0182, 4, 2), 0x4);
    clock.advance(100 * NS_PER_MS);
    assert.equal(fabric.configRead(0x0180, 4, 2), 0);
    assert.equal(fabric.configRead(0x0182, 4, 2), 0x4);
    assert.equal(fabric.configRead(PF, NUM_VFS, 2), 7);
  });

  it("FLR of the PF clears its SR-IOV capability, and the VFs are gone", () => {
    const { fabric, clock } = withVfs();
    fabric.configWrite(PF, devctl, 2, FLR);
    clock.advance(100 * NS_PER_MS);
    assert.deepEqual([fabric.configRead(PF, CTRL, 2), fabric.configRead(PF, NUM_VFS, 2)], [0, 0]);
    assert.equal(fabric.configRead(PF, VF_BAR0, 4), 0xc);
    assert.equal(fabric.functionAt(0x0180), undefined);
    assert.equal(fabric.configRead(PF, 0, 2), 0x8086);
  });

  it("VFs answer 100 ms after VF Enable, and are gone at once when it is cleared (§9.3.3.3.1)", () => {
    const { fabric, clock } = withVfs();
    fabric.configWrite(PF, CTRL, 2, 0x10);
    assert.equal(fabric.functionAt(0x0180), undefined);
    fabric.configWrite(PF, CTRL, 2, 0x11);
    clock.advance(100 * NS_PER_MS - 1);
    fabric.configRead(0x0180, 0, 4);
    assert.equal(fabric.completion, "request retry status");
    clock.advance(1);
    fabric.configRead(0x0180, 0, 4);
    assert.equal(fabric.completion, "success");
    assert.equal(fabric.configRead(0x0180, 4, 2), 0, "a VF begins anew");
  });
});

describe("VF Resizable BAR (PCIe 6.0 §7.8.7)", () => {
  it("gives each VF more of a VF BAR, and refuses sizes that are not supported", () => {
    const machine = assignedMachine([below("ConnectX-7")]);
    const { fabric } = machine;
    const control = 0x260 + 0x08;
    const size = (): number => {
      fabric.configWrite(PF, 0x180 + 0x24, 4, 0xffff_ffff);
      return (~(fabric.configRead(PF, 0x180 + 0x24, 4) & ~0xf) >>> 0) + 1;
    };
    assert.equal(size(), 0x10_0000);
    fabric.configWrite(PF, control, 4, 3 << 8);
    assert.equal(size(), 0x80_0000);
    fabric.configWrite(PF, control, 4, 9 << 8);
    assert.equal((fabric.configRead(PF, control, 4) >>> 8) & 0x3f, 3);
    assert.equal(size(), 0x80_0000);
  });
});

const SILENT = {
  readBar: () => 0,
  writeBar: () => {},
  reset: () => {},
  save: () => null,
  restore: () => {},
};
