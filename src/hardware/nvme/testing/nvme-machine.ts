import { GuestMemory } from "../../guests/guest-memory.ts";
import { NvmeDriver } from "../../guests/nvme-driver.ts";
import type { Machine, MachineOptions } from "../../machine.ts";
import { barAddress, type PciFunction } from "../../pci-function.ts";
import { assignedMachine, below, enableVfs, functionNamed } from "../../testing/assigned-machine.ts";
import { nvmeModel } from "../nvme-model.ts";

const SRIOV = 0x120;
const VF_BAR0 = SRIOV + 0x24;
const MSIX_CONTROL = 0x42;
const MSIX_TABLE = 0x2000;
const COMMAND = 4;
const VF_BAR_BYTES = 0x4000;
/** Of each driver. */
export const DRIVER_BYTES = 0x4_0000;

/** An NVMe controller with two VFs, below a root port. */
export function nvmeMachine(iommu?: MachineOptions["iommu"]): Machine {
  const root = [below("NVMe", { totalVfs: 2, vectors: 8, vfVectors: 2 })];
  return assignedMachine(root, { model: nvmeModel, ...(iommu && { iommu }) });
}

/**
 * A driver over a BAR at a bus address, whose vectors go to the processor as 40h and on.
 * @param base of its memory in RAM
 * @param busBase by which its devices reach it
 */
export function driverAt(
  { fabric, memory }: Machine,
  fn: PciFunction,
  bar: number,
  base: number,
  busBase = base,
): NvmeDriver {
  fabric.configWrite(fn.routingId, COMMAND, 2, 6);
  for (let vector = 0; vector < 2; vector++) {
    const at = bar + MSIX_TABLE + 16 * vector;
    fabric.memoryWrite(at, 4, 0xfee0_0000);
    fabric.memoryWrite(at + 8, 4, 0x40 + vector);
    fabric.memoryWrite(at + 12, 4, 0);
  }
  fabric.configWrite(fn.routingId, MSIX_CONTROL, 2, 0x8000);
  return new NvmeDriver({
    mmio: {
      read32: (offset) => fabric.memoryRead(bar + offset, 4),
      write32: (offset, value) => fabric.memoryWrite(bar + offset, 4, value),
    },
    memory: new GuestMemory(memory, base, DRIVER_BYTES, busBase),
    ioQueues: 1,
    vectors: 2,
    entries: 8,
    slotBytes: 4096,
  });
}

export function start(driver: NvmeDriver): void {
  driver.enable();
  const status = driver.setUpIoQueues();
  if (status !== 0) throw new Error(`no I/O queues: ${status.toString(16)}`);
}

/** The PF driven, with both VFs enabled. */
export function bringUp(machine: Machine, busBase = 0) {
  const pf = functionNamed(machine, "NVMe");
  const primary = driverAt(machine, pf, barAddress(pf.config, 0x10, true), 0, busBase);
  start(primary);
  enableVfs(machine, pf, SRIOV, 2);
  const first = barAddress(pf.config, VF_BAR0, true);
  const vfs = [0, 1].map((index) => {
    const fn = pf.vfs?.vf(index);
    if (fn === undefined) throw new Error(`there is no VF ${index}`);
    return { fn, bar: first + index * VF_BAR_BYTES };
  });
  return { pf, primary, vfs };
}
