import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NS_PER_MS } from "./clock.ts";
import { type Fault, injectFault } from "./fault.ts";
import { buildMachine, type Machine } from "./machine.ts";
import type { MachineDescription } from "./machine-description.ts";
import { type MachineState, restoreMachine, saveMachine } from "./machine-state.ts";
import { assignedMachine, below, enableVfs, functionNamed, useAri } from "./testing/assigned-machine.ts";

const ROOT: MachineDescription["root"] = [
  below("82576", { ports: 2 }, { slot: { number: 1 } }),
  below("ConnectX-7", { totalVfs: 4 }),
];
const FUNCTIONS = ["82576.0", "82576.1", "ConnectX-7", "root port 0", "root port 1"];

/** Something that software or the world does to a machine. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant("write" as const),
    rid: fc.constantFrom(0x0008, 0x0010, 0x0100, 0x0101, 0x0180, 0x0182, 0x0300, 0x0301),
    offset: fc.nat(0xff).map((dword) => dword * 4),
    value: fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 1, 9, 0x10, 0x19, 0xffff_ffff)),
  }),
  fc.record({ kind: fc.constant("memory" as const), offset: fc.nat(0x3ff_ffff).map((at) => at & ~3), value: fc.nat() }),
  fc.record({ kind: fc.constant("vfs" as const), name: fc.constantFrom("82576.0", "ConnectX-7"), count: fc.nat(4) }),
  fc.record({ kind: fc.constant("time" as const), ms: fc.nat(150) }),
  fc.record({ kind: fc.constant("interrupt" as const), name: fc.constantFrom(...FUNCTIONS), vector: fc.nat(3) }),
  fc.record({
    kind: fc.constant("fault" as const),
    fault: fc.constantFrom<Fault>(
      { kind: "link down", port: "root port 1" },
      { kind: "link up", port: "root port 1" },
      { kind: "removal", port: "root port 0" },
      { kind: "insertion", port: "root port 0" },
      { kind: "hang", function: "82576.1" },
      { kind: "silent vf", function: "82576.0", vf: 1 },
      { kind: "recovery", function: "82576.0" },
      { kind: "poisoned read", function: "ConnectX-7" },
      { kind: "error", function: "82576.0", error: "completerAbort" },
    ),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function apply(machine: Machine, each: Step): void {
  const { fabric, clock } = machine;
  switch (each.kind) {
    case "write":
      fabric.configWrite(each.rid, each.offset, 4, each.value);
      return;
    case "memory":
      fabric.memoryWrite(0xc000_0000 + each.offset, 4, each.value);
      return;
    case "vfs": {
      const fn = functionNamed(machine, each.name);
      const offset = each.name === "ConnectX-7" ? 0x180 : 0x160;
      enableVfs(machine, fn, offset, each.count);
      // So that it has a state of its own.
      fn.vfs?.vf(0)?.writeConfig(0x04, 2, 4);
      return;
    }
    case "time":
      clock.advance(each.ms * NS_PER_MS);
      return;
    case "interrupt":
      functionNamed(machine, each.name).interrupt(each.vector);
      return;
    case "fault":
      try {
        injectFault(machine, each.fault);
      } catch (error) {
        // A card is out already, or in.
        if (!(error instanceof RangeError)) throw error;
      }
      return;
  }
}

/** All that software can see of a machine by reading. */
function seen({ fabric, functions }: Machine): unknown {
  const config: Record<string, number[]> = {};
  const rids = [...functions.values()].map(({ routingId }) => routingId);
  for (const rid of [...rids, 0x0180, 0x0181, 0x0182, 0x0301, 0x0302, 0x0303]) {
    const values: number[] = [];
    // Reads themselves can leave errors: all of them twice, so that the second round sees what is there.
    for (let offset = 0; offset < 0x400; offset += 4) values.push(fabric.configRead(rid, offset, 4));
    config[rid] = values;
  }
  const memory: number[] = [];
  for (let offset = 0; offset < 0x100_0000; offset += 0x1_0000) memory.push(fabric.memoryRead(0xc000_0000 + offset, 4));
  return { config, memory };
}

/** As a file has it. */
function throughJson(state: MachineState): MachineState {
  return JSON.parse(JSON.stringify(state)) as MachineState;
}

describe("a saved machine", () => {
  it("goes back into a machine that was just built, and cannot be told from the first from then on", () => {
    const histories = fc.tuple(fc.array(step, { maxLength: 25 }), fc.array(step, { maxLength: 10 }));
    fc.assert(
      fc.property(histories, ([before, after]) => {
        const first = assignedMachine(ROOT);
        for (const each of before) apply(first, each);
        const state = throughJson(saveMachine(first));
        const second = buildMachine({ memoryBytes: 1 << 20, seed: 1, root: ROOT });
        restoreMachine(second, state);
        assert.deepEqual(throughJson(saveMachine(second)), state);
        for (const each of after) {
          apply(first, each);
          apply(second, each);
        }
        assert.deepEqual(seen(second), seen(first));
        assert.deepEqual(throughJson(saveMachine(second)), throughJson(saveMachine(first)));
      }),
      { numRuns: 60 },
    );
  });

  it("has VFs that never answer as the first had, and no others", () => {
    const [silent, answering] = [assignedMachine(ROOT), assignedMachine(ROOT)];
    injectFault(silent, { kind: "silent vf", function: "82576.0", vf: 1 });
    const states = [silent, answering].map((machine) => throughJson(saveMachine(machine)));
    const classCodes = [answering, silent].map((machine, index) => {
      restoreMachine(machine, states[index] as MachineState);
      const pf = functionNamed(machine, "82576.0");
      useAri(machine, functionNamed(machine, "root port 0"), pf, 0x160);
      enableVfs(machine, pf, 0x160, 2);
      machine.clock.advance(1000 * NS_PER_MS);
      return [0x0180, 0x0182].map((rid) => machine.fabric.configRead(rid, 0x08, 4) >>> 8);
    });
    assert.deepEqual(classCodes, [
      [0x02_00_00, 0xff_ffff],
      [0x02_00_00, 0x02_00_00],
    ]);
  });

  it("does the same again from the same description, seed and steps", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const [first, second] = [assignedMachine(ROOT), assignedMachine(ROOT)];
        for (const each of steps) {
          apply(first, each);
          apply(second, each);
        }
        assert.deepEqual(saveMachine(second), saveMachine(first));
      }),
      { numRuns: 30 },
    );
  });

  it("has other serial numbers with another seed", () => {
    const serial = (seed: number): number => {
      const machine = buildMachine({ memoryBytes: 1 << 20, seed, root: [below("82599")] });
      return functionNamed(machine, "82599").readConfig(0x144, 4);
    };
    assert.equal(serial(7), serial(7));
    assert.notEqual(serial(7), serial(8));
  });

  it("is refused by a machine with other functions", () => {
    const state = saveMachine(assignedMachine(ROOT));
    const other = assignedMachine([below("82599")]);
    assert.throws(() => restoreMachine(other, state), /the state is of another machine/);
  });
});

describe("a saved VF", () => {
  it("goes into another VF of its kind, as migration needs it", () => {
    const machine = assignedMachine(ROOT);
    const pf = functionNamed(machine, "82576.0");
    useAri(machine, functionNamed(machine, "root port 0"), pf, 0x160);
    enableVfs(machine, pf, 0x160, 2);
    const [source, target] = [pf.vfs?.vf(0), pf.vfs?.vf(1)];
    assert.ok(source && target);
    source.writeConfig(0x04, 2, 4);
    source.writeConfig(0x72, 2, 0x8000);
    source.writeBar(3, 0, 4, 0xfee0_1000);
    source.writeBar(3, 8, 4, 0x44);
    target.restore(JSON.parse(JSON.stringify(source.save())));
    assert.deepEqual(target.save(), source.save());
    assert.equal(target.routingId, 0x0182, "its place is its own");
    const sent: number[] = [];
    machine.fabric.interruptSink = ({ requesterId, vector }) => sent.push(requesterId, vector);
    target.writeBar(3, 12, 4, 0);
    target.interrupt(0);
    assert.deepEqual(sent, [0x0182, 0x44]);
  });
});
