import { NS_PER_MS } from "../src/hardware/clock.ts";
import { assignResources } from "../src/hardware/firmware.ts";
import { buildMachine } from "../src/hardware/machine.ts";
import type { MachineDescription } from "../src/hardware/machine-description.ts";
import { figure, median } from "./figure.ts";

const PFS = 16;
const VFS_OF_PF = 256;
const WARM_UP_ROUNDS = 1;
const ROUNDS = 5;
const DMA_READS = 2_000_000;

const SIXTEEN_PFS: MachineDescription = {
  memoryBytes: 1 << 20,
  root: Array.from({ length: PFS }, () => ({
    kind: "root port" as const,
    below: { kind: "device" as const, device: "E810", options: { totalVfs: VFS_OF_PF } },
  })),
};

const PCI_EXP_DEVCTL2_OF_ROOT_PORT = 0x7c;
const SRIOV = 0x160;

/** Builds the machine, enables all VFs, and does with each what enumeration does at the least. @returns how many there are */
function enableAll(): number {
  const { fabric, clock, windows } = buildMachine(SIXTEEN_PFS);
  assignResources(fabric, windows);
  let vfs = 0;
  for (let port = 1; port <= PFS; port++) {
    const bridge = port << 3;
    fabric.configWrite(bridge, PCI_EXP_DEVCTL2_OF_ROOT_PORT, 2, 0x20);
    const pf = fabric.configRead(bridge, 0x19, 1) << 8;
    fabric.configWrite(pf, SRIOV + 0x08, 2, 0x10);
    fabric.configWrite(pf, SRIOV + 0x10, 2, VFS_OF_PF);
    fabric.configWrite(pf, SRIOV + 0x08, 2, 0x19);
    clock.advance(100 * NS_PER_MS);
    const first = pf + fabric.configRead(pf, SRIOV + 0x14, 2);
    const stride = fabric.configRead(pf, SRIOV + 0x16, 2);
    for (let index = 0; index < VFS_OF_PF; index++) {
      const vf = first + stride * index;
      for (let offset = 0; offset < 0x40; offset += 4) fabric.configRead(vf, offset, 4);
      fabric.configWrite(vf, 0x04, 2, 0x4);
      if (fabric.configRead(vf, 0x04, 2) === 0x4) vfs++;
    }
  }
  return vfs;
}

/** Reads of memory by one function, without an IOMMU: what the fabric itself costs. */
function dmaReadsPerSecond(): number {
  const { fabric, functions, windows } = buildMachine(SIXTEEN_PFS);
  assignResources(fabric, windows);
  const pf = functions.get("E810");
  if (pf === undefined) throw new Error("the machine has no E810");
  const port = fabric.portOf(pf);
  const started = performance.now();
  let seen = 0;
  for (let read = 0; read < DMA_READS; read++) seen += port.span((read * 64) & 0xf_ffc0, 64, false)?.length ?? 0;
  if (seen !== DMA_READS * 64) throw new Error("a read of memory failed");
  return DMA_READS / ((performance.now() - started) / 1000);
}

/** Measures the modelled machine. */
export function measureHardware(): void {
  const seconds: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const started = performance.now();
    if (enableAll() !== PFS * VFS_OF_PF) throw new Error("not all VFs came up");
    if (round >= 0) seconds.push((performance.now() - started) / 1000);
  }
  figure("machine of 16 PFs built, 256 VFs of each enabled", median(seconds), "s", { wanted: "<= 2" });
  dmaReadsPerSecond();
  figure("spans of memory given to a function, without IOMMU", dmaReadsPerSecond(), "spans/s");
}
