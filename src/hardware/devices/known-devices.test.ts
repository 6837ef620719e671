import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bdf } from "../../pci/bdf.ts";
import type { MSIX } from "../../pci/capabilities/msix.ts";
import { PCI_CAP_ID_MSIX } from "../../pci/capability-ids.ts";
import { type DecodedFunction, decodeFunction } from "../../pci/decode.ts";
import type { Values } from "../../pci/register.ts";
import { sriovOf } from "../../pci/sriov-state.ts";
import { ConfigTemplate } from "../config-template.ts";
import type { PciFunction } from "../pci-function.ts";
import { assignedMachine, below, enableVfs, functionNamed } from "../testing/assigned-machine.ts";
import { knownDevice } from "./known-devices.ts";

interface Expected {
  readonly ports: number;
  readonly sriovAt: number;
  readonly vfDeviceId: string;
  /** Of each PF: TotalVFs, First VF Offset, VF Stride, in an ARI capable hierarchy. */
  readonly placements: ReadonlyArray<readonly [totalVfs: number, firstVfOffset: number, vfStride: number]>;
}

/** What vendors.md says of them. */
const DEVICES: Readonly<Record<string, Expected>> = {
  "82576": {
    ports: 2,
    sriovAt: 0x160,
    vfDeviceId: "10ca",
    placements: [
      [8, 128, 2],
      [8, 128, 2],
    ],
  },
  "82599": {
    ports: 2,
    sriovAt: 0x160,
    vfDeviceId: "10ed",
    placements: [
      [64, 128, 2],
      [64, 128, 2],
    ],
  },
  X710: {
    ports: 4,
    sriovAt: 0x160,
    vfDeviceId: "154c",
    placements: [
      [32, 16, 1],
      [32, 47, 1],
      [32, 78, 1],
      [32, 109, 1],
    ],
  },
  E810: { ports: 1, sriovAt: 0x160, vfDeviceId: "1889", placements: [[64, 8, 1]] },
  "ConnectX-4 Lx": {
    ports: 2,
    sriovAt: 0x180,
    vfDeviceId: "1016",
    placements: [
      [8, 2, 1],
      [8, 9, 1],
    ],
  },
  "ConnectX-7": { ports: 1, sriovAt: 0x180, vfDeviceId: "101e", placements: [[8, 1, 1]] },
  NVMe: { ports: 1, sriovAt: 0x120, vfDeviceId: "0010", placements: [[4, 1, 1]] },
  accelerator: { ports: 1, sriovAt: 0x140, vfDeviceId: "37c9", placements: [[16, 8, 1]] },
};

describe("known devices", () => {
  for (const [name, { ports, sriovAt, vfDeviceId, placements }] of Object.entries(DEVICES)) {
    describe(name, () => {
      const options = ports === 1 ? {} : { ports };
      const machine = assignedMachine([below(name, options)]);
      const root = functionNamed(machine, "root port 0");
      root.writeConfig(0x7c, 2, 0x20);
      const pfs = placements.map((_, index) => functionNamed(machine, ports === 1 ? name : `${name}.${index}`));
      // The lowest PF has the bit for all.
      pfs[0]?.writeConfig(sriovAt + 0x08, 2, 0x10);

      it("decodes without a problem, PF and VF", () => {
        for (const [index, pf] of pfs.entries()) {
          assert.deepEqual(decoded(pf).problems, []);
          const vf = vfOf(machine, pf, sriovAt, index);
          assert.deepEqual(decoded(vf).problems, []);
        }
      });

      it("has TotalVFs, First VF Offset, VF Stride and VF Device ID as vendors.md has them", () => {
        for (const [index, pf] of pfs.entries()) {
          const sriov = sriovOf(decoded(pf));
          assert.deepEqual([sriov?.totalVfs, sriov?.firstVfOffset, sriov?.vfStride], placements[index]);
          assert.equal(sriov?.vfDeviceId, vfDeviceId);
        }
      });

      it("has no two VFs at one Routing ID, nor one at a PF's", () => {
        const taken = new Set(pfs.map(({ routingId }) => routingId));
        for (const [index, pf] of pfs.entries()) {
          const [totalVfs, firstVfOffset, vfStride] = placements[index] as readonly [number, number, number];
          for (let vf = 0; vf < totalVfs; vf++) {
            const rid = pf.routingId + firstVfOffset + vfStride * vf;
            assert.ok(!taken.has(rid), rid.toString(16));
            taken.add(rid);
          }
        }
      });

      it("has its MSI-X table and PBA in BARs that are there, apart from each other", () => {
        for (const [index, pf] of pfs.entries()) {
          checkMsix(decoded(pf), (bar) => pf.bars.find((each) => each.index === bar)?.sizeBytes ?? 0);
          const vf = vfOf(machine, pf, sriovAt, index);
          const vfBars = knownDevice(name, options, 0).functions[index]?.sriov?.vfBars ?? [];
          checkMsix(decoded(vf), (bar) => vfBars.find((each) => each.index === bar)?.sizeBytes ?? 0);
        }
      });
    });
  }

  it("take the options that they have, within their limits", () => {
    assert.throws(() => knownDevice("nothing", {}, 0), /no device is called "nothing"; there are 82576/);
    assert.throws(() => knownDevice("82576", { ports: 3 }, 0), /ports of 82576 is a number from 1 to 2, not 3/);
    assert.throws(() => knownDevice("82576", { vfs: 3 }, 0), /82576 has no option "vfs"/);
    assert.equal(knownDevice("E810", { totalVfs: 256 }, 0).functions[0]?.sriov?.totalVfs, 256);
  });

  it("name registers that there are", () => {
    const fn = knownDevice("82576", {}, 0).functions[0];
    assert.ok(fn);
    assert.throws(() => new ConfigTemplate({ ...fn, header: { statsu: 1 } }), /there is no register statsu/);
  });
});

function vfOf(
  machine: ReturnType<typeof assignedMachine>,
  pf: PciFunction,
  sriovAt: number,
  index: number,
): PciFunction {
  if (pf.vfs?.enabled !== true) enableVfs(machine, pf, sriovAt, 1);
  const vf = pf.vfs?.vf(0);
  if (vf === undefined) throw new Error(`PF ${index} has no VF`);
  return vf;
}

function decoded(fn: PciFunction): DecodedFunction {
  return decodeFunction(bdf("01:00.0"), fn.config.space);
}

function checkMsix(fn: DecodedFunction, barBytes: (bar: number) => number): void {
  const msix = fn.capabilities.find(({ id }) => id === PCI_CAP_ID_MSIX)?.values as Values<typeof MSIX.table>;
  const { tableSize, tableBir, tableOffset, pbaBir, pbaOffset } = msix;
  const tableEnd = Number(tableOffset) + Number(tableSize) * 16;
  const pbaEnd = Number(pbaOffset) + Math.ceil(Number(tableSize) / 64) * 8;
  assert.ok(tableEnd <= barBytes(Number(tableBir)), "the table is in its BAR");
  assert.ok(pbaEnd <= barBytes(Number(pbaBir)), "the PBA is in its BAR");
  const apart = tableBir !== pbaBir || tableEnd <= Number(pbaOffset) || pbaEnd <= Number(tableOffset);
  assert.ok(apart, "they do not overlap");
}

describe("what lspci -vvv shows of real cards", () => {
  const lists = (name: string, options: Parameters<typeof knownDevice>[1]) => {
    const [fn] = knownDevice(name, options, 1).functions;
    return {
      order: fn?.capabilities?.map(({ offset }) => offset),
      extended: fn?.extendedCapabilities?.map(({ offset }) => offset),
      vectors: fn?.capabilities?.find(({ definition }) => definition.id === PCI_CAP_ID_MSIX)?.registers?.messageControl,
      pageSizes: fn?.sriov?.supportedPageSizes,
      vf: fn?.sriov?.vf.extendedCapabilities.map(({ definition, offset }) => [definition.id, offset]),
    };
  };

  it("an E810 of four ports has 512 vectors for each, of two 1024", () => {
    assert.equal(lists("E810", { ports: 4, totalVfs: 64 }).vectors, 511);
    assert.equal(lists("E810", { ports: 2, totalVfs: 64 }).vectors, 1023);
  });

  it("a ConnectX lists Express, MSI-X and PM in this order, has ACS with two ports alone, and pages from 4 KiB to 4 MiB", () => {
    const one = lists("ConnectX-7", { ports: 1, totalVfs: 16 });
    const two = lists("ConnectX-7", { ports: 2, totalVfs: 16 });
    assert.deepEqual([one.order, one.pageSizes], [[0x60, 0x9c, 0x40], 0x7ff]);
    assert.deepEqual([one.extended?.includes(0x230), two.extended?.includes(0x230)], [false, true]);
    assert.deepEqual(one.vf, [
      [0x0b, 0x100],
      [0x0e, 0x150],
    ]);
  });
});
