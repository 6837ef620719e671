/** An NVMe VF's controller moved by VFIO, to another VF of the same subsystem, where its namespaces are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isMigratable, type MigratableModel } from "../device-model.ts";
import { blockCommand } from "../guests/nvme-driver.ts";
import { NVME_IO } from "./opcodes.ts";
import { bringOnline, NvmeLab } from "./testing/nvme-lab.ts";

const BLOCK = 512;

function model(lab: NvmeLab, id: number): MigratableModel {
  const found = lab.controller(id);
  assert.ok(isMigratable(found));
  return found;
}

/** A driver whose registers are those of a controller that may be another later; memory's addresses stay the same. */
function movable() {
  const lab = new NvmeLab({ numVfs: 2 });
  const primary = lab.started(0);
  for (const id of [1, 2]) bringOnline(primary, id);
  const at = { id: 1 };
  const mmio = {
    read32: (offset: number) => lab.read(at.id, offset),
    write32: (offset: number, value: number) => lab.write(at.id, offset, value),
  };
  const driver = lab.started(1, { mmio });
  const [queue] = driver.ioQueues;
  assert.ok(queue !== undefined);
  const move = () => {
    const [from, to] = [model(lab, 1), model(lab, 2)];
    from.quiet = "all";
    to.quiet = "all";
    const state = JSON.parse(JSON.stringify(from.save()));
    assert.equal(to.accepts(state), true);
    to.restore(state);
    from.reset("flr");
    at.id = 2;
    return state;
  };
  return { lab, queue, driver, move };
}

test("I/O that was in flight at the stop completes at the destination, once, and more follows", () => {
  const { lab, queue, driver, move } = movable();
  const written = new Uint8Array(BLOCK).fill(0x5a);
  lab.memory.write(lab.base(1) + queue.dataAt(3), written);
  model(lab, 1).quiet = "initiator";
  queue.submit(3, blockCommand(NVME_IO.write, 1, 8, 1), BLOCK);
  queue.submit(4, blockCommand(NVME_IO.read, 1, 8, 1), BLOCK);
  const before = lab.memory.bytes.slice();
  queue.ring();
  assert.equal(Buffer.compare(lab.memory.bytes, before), 0, "nothing is fetched while it is quiet");
  const told = lab.interrupts.map((vectors) => vectors.length);
  const state = move();
  assert.deepEqual(
    state.queues.submission.map(({ id, head, tail }: Record<string, number>) => [id, head, tail]).at(-1),
    [1, 0, 2],
  );
  assert.equal(Buffer.compare(lab.memory.bytes, before), 0);
  model(lab, 2).quiet = "no";
  const done: number[] = [];
  while (queue.next()) done.push(queue.commandId, queue.status);
  queue.consumed();
  assert.deepEqual(done, [3, 0, 4, 0]);
  const at = lab.base(1) + queue.dataAt(4);
  assert.deepEqual([...lab.memory.bytes.subarray(at, at + BLOCK)], [...written]);
  assert.equal(lab.interrupts[1]?.length, told[1]);
  assert.equal(lab.interrupts[2]?.length, (told[2] ?? 0) + 1, "the destination tells of it");
  assert.equal(driver.io(0, NVME_IO.read, 1, 8, 1, new Uint8Array(BLOCK)), 0);
});

test("an event that happens while the controller stands still is told of after the move", () => {
  const { lab, driver, move } = movable();
  assert.equal(driver.listen(), 0);
  const controller = model(lab, 1);
  controller.quiet = "all";
  const before = lab.memory.bytes.slice();
  lab.device.subsystem.onChange(1, new Set([1]));
  assert.equal(Buffer.compare(lab.memory.bytes, before), 0);
  move();
  driver.pollAdmin();
  assert.equal(driver.events.length, 0);
  model(lab, 2).quiet = "no";
  driver.pollAdmin();
  assert.equal(driver.events.length, 1);
});

test("a controller takes only what it could have come to itself, with the queues and vectors that it has", () => {
  const { lab, move } = movable();
  const state = move();
  const to = model(lab, 2);
  for (const change of [
    (copy: typeof state) => copy.registers.pop(),
    (copy: typeof state) => {
      copy.queues.submission[0].head = 1e9;
    },
    (copy: typeof state) => {
      copy.queues.submission[0].id = 77;
    },
    (copy: typeof state) => {
      copy.queues.completion[0].vector = 9;
    },
    (copy: typeof state) => {
      copy.queues.completion[0].backlog = [{ submissionId: "x" }];
    },
    (copy: typeof state) => {
      copy.features = null;
    },
    (copy: typeof state) => copy.queues.submission.push(copy.queues.submission[0]),
  ]) {
    const copy = structuredClone(state);
    change(copy);
    assert.equal(to.accepts(copy), false, change.toString());
  }
  assert.equal(to.accepts(state), true);
});
