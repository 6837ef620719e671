/** The NVMe controller in a machine: driven over its BAR, with DMA and MSI-X through the fabric. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { knownDevice } from "../devices/known-devices.ts";
import { buildMachine } from "../machine.ts";
import { restoreMachine, saveMachine } from "../machine-state.ts";
import { below, functionNamed } from "../testing/assigned-machine.ts";
import { nvmeModel } from "./nvme-model.ts";
import { bringOnline } from "./testing/nvme-lab.ts";
import { bringUp, DRIVER_BYTES, driverAt, nvmeMachine, start } from "./testing/nvme-machine.ts";

test("primary and secondary controller share a namespace, each by its own DMA and interrupts", () => {
  const built = nvmeMachine();
  const { pf, primary, vfs } = bringUp(built);
  const [vf] = vfs;
  assert.ok(vf);
  const offline = driverAt(built, vf.fn, vf.bar, DRIVER_BYTES);
  offline.enable();
  assert.equal(offline.status, 2);
  bringOnline(primary, 1);
  const tenant = driverAt(built, vf.fn, vf.bar, DRIVER_BYTES);
  start(tenant);
  const text = new Uint8Array(512).fill(0x5a);
  assert.equal(primary.io(0, 1, 1, 9, 1, text), 0);
  const interrupts: number[][] = [];
  built.fabric.interruptSink = ({ requesterId, vector }) => interrupts.push([requesterId, vector]);
  const read = new Uint8Array(512);
  assert.equal(tenant.io(0, 2, 1, 9, 1, read), 0);
  assert.deepEqual(read, text);
  assert.deepEqual(interrupts, [[vf.fn.routingId, 0x41]]);
  // Command: memory space without Bus Master Enable. Nothing of the queue can be read: a fatal error of this controller alone.
  built.fabric.configWrite(vf.fn.routingId, 4, 2, 2);
  assert.throws(() => tenant.io(0, 2, 1, 9, 1, read), /left a command/);
  assert.equal(tenant.status & 2, 2);
  assert.equal(primary.io(0, 2, 1, 9, 1, read), 0);
  assert.equal(pf.ready, true);
});

test("a machine that is saved goes on in another one, its secondary controllers too", () => {
  const built = nvmeMachine();
  const { primary, vfs } = bringUp(built);
  const [vf] = vfs;
  assert.ok(vf);
  bringOnline(primary, 1);
  const tenant = driverAt(built, vf.fn, vf.bar, DRIVER_BYTES);
  start(tenant);
  tenant.io(0, 1, 1, 77, 1, new Uint8Array(512).fill(7));
  const state = JSON.parse(JSON.stringify(saveMachine(built)));
  const other = buildMachine(built.description, { model: nvmeModel });
  restoreMachine(other, state);
  // A driver in the place of the other, which finds the controller as it was left.
  const fn = functionNamed(other, "NVMe").vfs?.vf(0);
  assert.ok(fn);
  const moved = driverAt(other, fn, vf.bar, DRIVER_BYTES);
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
