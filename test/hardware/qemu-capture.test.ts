import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NS_PER_MS } from "../../src/hardware/clock.ts";
import { buildMachine, type Machine } from "../../src/hardware/machine.ts";
import type { MachineDescription } from "../../src/hardware/machine-description.ts";
import { parseLspciDump } from "../../src/kernel/snapshot/lspci-dump.ts";
import { routingIdOf } from "../../src/pci/bdf.ts";
import type { ConfigSpace } from "../../src/pci/config-space.ts";

/** As the captured machine igb-nvme was put together, as far as it is modelled. */
const CAPTURED: MachineDescription = {
  memoryBytes: 1 << 20,
  root: [
    {
      kind: "root port",
      device: 1,
      link: { generation: 4, width: 32 },
      slot: { number: 1, surprise: true },
      below: { kind: "device", device: "82576", options: { ports: 2 } },
    },
    {
      kind: "root port",
      device: 2,
      link: { generation: 4, width: 32 },
      slot: { number: 3, surprise: true },
      below: { kind: "device", device: "NVMe", options: { totalVfs: 4, vectors: 6, vfVectors: 1 } },
    },
  ],
};

interface Exception {
  readonly offset: number;
  /** Bits of the dword there. */
  readonly mask: number;
  readonly why: string;
}

const VF_OF_QEMU: readonly Exception[] = [
  {
    offset: 0x04,
    mask: 0x0402,
    why: "QEMU's VFs keep Memory Space Enable and Interrupt Disable (PCIe 6.0 §9.3.4.1.3)",
  },
];
/** QEMU gives a VF the PF's registers; those below are reserved in a VF. */
const VF_IGB: readonly Exception[] = [
  ...VF_OF_QEMU,
  { offset: 0xb0, mask: 0xffff_0000, why: "Link Status is reserved in a VF (§9.3.5)" },
  { offset: 0x108, mask: 0xffff_ffff, why: "the PF's Uncorrectable Error Mask applies (§9.4.2)" },
  { offset: 0x10c, mask: 0xffff_ffff, why: "the PF's Uncorrectable Error Severity applies (§9.4.2)" },
  { offset: 0x114, mask: 0xffff_ffff, why: "the PF's Correctable Error Mask applies (§9.4.2)" },
];
const VF_NVME: readonly Exception[] = [
  ...VF_OF_QEMU,
  { offset: 0x90, mask: 0xffff_0000, why: "Link Status is reserved in a VF (§9.3.5)" },
];
const PF: readonly Exception[] = [];
const PORT: readonly Exception[] = [
  { offset: 0x40, mask: 0xff00, why: "the model's ports have Power Management, at 90h" },
  { offset: 0x90, mask: 0xffff_ffff, why: "as above" },
  { offset: 0x94, mask: 0xffff_ffff, why: "as above" },
  { offset: 0x60, mask: 0xff08_0000, why: "they report Surprise Down, and have port numbers for ACS Egress Control" },
  {
    offset: 0x64,
    mask: 0x2000_0000,
    why: "QEMU does not show the link of a card that was there at the start as active",
  },
  { offset: 0x6c, mask: 0x0050_0000, why: "nor the card as present; and Linux has cleared Command Completed" },
  { offset: 0x70, mask: 0x0001_0000, why: "they have RRS Software Visibility" },
];

/** The functions of a capture, with the differences that there may be. */
const FUNCTIONS: ReadonlyArray<readonly [bdf: string, exceptions: readonly Exception[]]> = [
  ["0000:00:01.0", PORT],
  ["0000:00:02.0", PORT],
  ["0000:01:00.0", PF],
  ["0000:01:00.1", PF],
  ["0000:02:00.0", PF],
  ["0000:01:10.0", VF_IGB],
  ["0000:01:10.1", VF_IGB],
  ["0000:01:11.5", VF_IGB],
  ["0000:02:00.1", VF_NVME],
  ["0000:02:00.4", VF_NVME],
];

const CONFIG_BYTES = 4096;

describe("the modelled 82576, NVMe controller and root port", () => {
  it("are compared in every function of the list", () => {
    const spaces = captured("igb-nvme-vfs");
    assert.deepEqual(
      FUNCTIONS.filter(([bdf]) => !spaces.has(bdf)),
      [],
    );
  });

  for (const capture of ["igb-nvme", "igb-nvme-vfs"]) {
    const spaces = captured(capture);
    const machine = asCaptured(spaces);
    for (const [bdf, exceptions] of FUNCTIONS) {
      const space = spaces.get(bdf);
      if (space === undefined) continue;
      it(`reads as QEMU's ${bdf} of ${capture}, once it has been written what Linux wrote`, () => {
        const differences: string[] = [];
        for (let offset = 0; offset < CONFIG_BYTES; offset += 4) {
          const theirs = space.u32(offset) ?? 0;
          const ours = machine.fabric.configRead(ridOf(bdf), offset, 4);
          const excepted = exceptions.find((each) => each.offset === offset)?.mask ?? 0;
          const differing = ((theirs ^ ours) & ~excepted) >>> 0;
          if (differing !== 0) differences.push(`${offset.toString(16)}h: ${hex(ours)}, QEMU ${hex(theirs)}`);
        }
        assert.deepEqual(differences, []);
      });
    }
  }
});

/** The machine, with each register of each function written what the capture reads there. */
function asCaptured(spaces: ReadonlyMap<string, ConfigSpace>): Machine {
  const machine = buildMachine(CAPTURED);
  const known = FUNCTIONS.filter(([bdf]) => spaces.has(bdf));
  for (const bdf of ["0000:00:01.0", "0000:00:02.0"]) writeAll(machine, bdf, spaces.get(bdf));
  for (const [bdf] of known) {
    writeAll(machine, bdf, spaces.get(bdf));
    machine.clock.advance(100 * NS_PER_MS);
  }
  return machine;
}

function writeAll({ fabric }: Machine, bdf: string, space: ConfigSpace | undefined): void {
  // Downwards, so that NumVFs and the VF BARs are written before VF Enable.
  for (let offset = CONFIG_BYTES - 4; offset >= 0; offset -= 4) {
    const value = space?.u32(offset) ?? 0;
    if (fabric.configRead(ridOf(bdf), offset, 4) !== value) fabric.configWrite(ridOf(bdf), offset, 4, value);
  }
}

function captured(name: string): ReadonlyMap<string, ConfigSpace> {
  const file = join(import.meta.dirname, "../../fixtures/hosts", `${name}.lspci.txt`);
  const { functions } = parseLspciDump(readFileSync(file), file);
  return new Map(functions.map(({ bdf, config }) => [bdf, config]));
}

function ridOf(bdf: string): number {
  return routingIdOf(bdf as never);
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
