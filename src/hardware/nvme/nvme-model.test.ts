/** The NVMe controller in a machine: driven over its BAR, with DMA and MSI-X through the fabric. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { knownDevice } from "../devices/known-devices.ts";
import { GuestMemory } from "../guests/guest-memory.ts";
import { NvmeDriver } from "../guests/nvme-driver.ts";
import { buildMachine, type Machine } from "../machine.ts";
import { restoreMachine, saveMachine } from "../machine-state.ts";
import { barAddress, type PciFunction } from "../pci-function.ts";
import { assignedMachine, below, enableVfs, functionNamed } from "../testing/assigned-machine.ts";
import { nvmeModel } from "./nvme-model.ts";
import { bringOnline } from "./testing/nvme-lab.ts";

const SRIOV = 0x120;
const MSIX_CONTROL = 0x42;
const MSIX_TABLE = 0x2000;
const VF_BAR0 = SRIOV + 0x24;
const COMMAND = 4;
const DRIVER_BYTES = 0x4_0000;

function machine(): Machine {
  return assignedMachine([below("NVMe", { totalVfs: 2, vectors: 8, vfVectors: 2 })], { model: nvmeModel });
}

/** A driver over a BAR at a bus address, whose vectors go to the processor as 40h and on. */
function driverAt({ fabric, memory }: Machine, fn: PciFunction, bar: number, base: number): NvmeDriver {
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
    memory: new GuestMemory(memory, base, DRIVER_BYTES, base),
    ioQueues: 1,
    vectors: 2,
    entries: 8,
    slotBytes: 4096,
  });
}

function start(driver: NvmeDriver): void {
  driver.enable();
  assert.equal(driver.setUpIoQueues(), 0);
}

function bringUp(built: Machine) {
  const pf = functionNamed(built, "NVMe");
  const primary = driverAt(built, pf, barAddress(pf.config, 0x10, true), 0);
  start(primary);
  enableVfs(built, pf, SRIOV, 2);
  const vf = pf.vfs?.vf(0);
  assert.ok(vf);
  return { pf, primary, vf, vfBar: barAddress(pf.config, VF_BAR0, true) };
}

test("primary and secondary controller share a namespace, each by its own DMA and interrupts", () => {
  const built = machine();
  const { pf, primary, vf, vfBar } = bringUp(built);
  const offline = driverAt(built, vf, vfBar, DRIVER_BYTES);
  offline.enable();
  assert.equal(offline.status, 2);
  bringOnline(primary, 1);
  const tenant = driverAt(built, vf, vfBar, DRIVER_BYTES);
  start(tenant);
  const text = new Uint8Array(512).fill(0x5a);
  assert.equal(primary.io(0, 1, 1, 9, 1, text), 0);
  const interrupts: number[][] = [];
  built.fabric.interruptSink = ({ requesterId, vector }) => interrupts.push([requesterId, vector]);
  const read = new Uint8Array(512);
  assert.equal(tenant.io(0, 2, 1, 9, 1, read), 0);
  assert.deepEqual(read, text);
  assert.deepEqual(interrupts, [[vf.routingId, 0x41]]);
  // Without Bus Master Enable nothing of the queue can be read: a fatal error of this controller alone.
  built.fabric.configWrite(vf.routingId, COMMAND, 2, 2);
  assert.throws(() => tenant.io(0, 2, 1, 9, 1, read), /left a command/);
  assert.equal(tenant.status & 2, 2);
  assert.equal(primary.io(0, 2, 1, 9, 1, read), 0);
  assert.equal(pf.ready, true);
});

test("a machine that is saved goes on in another one, its secondary controllers too", () => {
  const built = machine();
  const { primary, vf, vfBar } = bringUp(built);
  bringOnline(primary, 1);
  const tenant = driverAt(built, vf, vfBar, DRIVER_BYTES);
  start(tenant);
  tenant.io(0, 1, 1, 77, 1, new Uint8Array(512).fill(7));
  const state = JSON.parse(JSON.stringify(saveMachine(built)));
  const other = buildMachine(built.description, { model: nvmeModel });
  restoreMachine(other, state);
  const { fabric, memory } = other;
  // The same driver, whose memory and registers are the other machine's now.
  const moved = new NvmeDriver({
    mmio: {
      read32: (offset) => fabric.memoryRead(vfBar + offset, 4),
      write32: (offset, value) => fabric.memoryWrite(vfBar + offset, 4, value),
    },
    memory: new GuestMemory(memory, DRIVER_BYTES, DRIVER_BYTES, DRIVER_BYTES),
    ioQueues: 1,
    vectors: 2,
    entries: 8,
    slotBytes: 4096,
  });
  assert.ok(moved.ready, "it is enabled as it was");
  start(moved);
  const read = new Uint8Array(512);
  assert.equal(moved.io(0, 2, 1, 77, 1, read), 0);
  assert.deepEqual(read, new Uint8Array(512).fill(7));
});

test("every known NVMe controller has one, and nothing else has", () => {
  const built = buildMachine(
    { memoryBytes: 1 << 20, root: [below("NVMe", { totalVfs: 0, vectors: 1 }), below("accelerator")] },
    { model: nvmeModel },
  );
  assert.ok(functionNamed(built, "NVMe").model);
  const accelerator = knownDevice("accelerator", {}, 1).name;
  assert.equal([...built.functions.values()].find(({ name }) => name.startsWith(accelerator))?.model, undefined);
});
