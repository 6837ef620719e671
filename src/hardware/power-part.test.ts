import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NS_PER_MS } from "./clock.ts";
import { assignedMachine, below, functionNamed } from "./testing/assigned-machine.ts";

const PF = 0x0100;

describe("D-states (PCIe 6.0 §5.3.1, §7.5.2.2)", () => {
  it("answers configuration requests alone in D3hot, and is there 10 ms after the way back (§5.9)", () => {
    const { fabric, clock } = assignedMachine([below("82576")]);
    const bar0 = (fabric.configRead(PF, 0x10, 4) & ~0xf) >>> 0;
    assert.equal(fabric.memoryRead(bar0, 4), 0);
    fabric.configWrite(PF, 0x44, 2, 3);
    assert.equal(fabric.memoryRead(bar0, 4), 0xffff_ffff);
    assert.equal(fabric.completion, "unsupported request");
    assert.equal(fabric.configRead(PF, 0, 2), 0x8086);
    fabric.configWrite(PF, 0x44, 2, 0);
    assert.equal(fabric.configRead(PF, 0, 2), 0xffff);
    clock.advance(10 * NS_PER_MS);
    assert.equal(fabric.configRead(PF, 0, 2), 0x8086);
  });

  it("is reset on the way back where No_Soft_Reset is clear, and keeps its state where it is set", () => {
    for (const [device, pm, command] of [
      ["82576", 0x44, 0],
      ["NVMe", 0x64, 0x6],
    ] as const) {
      const { fabric, clock } = assignedMachine([below(device)]);
      fabric.configWrite(PF, pm, 2, 3);
      fabric.configWrite(PF, pm, 2, 0);
      clock.advance(10 * NS_PER_MS);
      assert.equal(fabric.configRead(PF, 0x04, 2), command, device);
    }
  });

  it("discards a state that it does not have, and another one than D0 from D3hot", () => {
    const { fabric } = assignedMachine([below("82576")]);
    const state = (wanted: number): number => {
      fabric.configWrite(PF, 0x44, 2, wanted);
      return fabric.configRead(PF, 0x44, 2) & 3;
    };
    assert.deepEqual([state(1), state(2), state(3), state(1)], [0, 0, 3, 3]);
  });

  it("takes a PF's VFs along (§9.6)", () => {
    const machine = assignedMachine([below("82576")]);
    const pf = functionNamed(machine, "82576");
    pf.writeConfig(0x170, 2, 1);
    pf.writeConfig(0x168, 2, 0x9);
    machine.clock.advance(100 * NS_PER_MS);
    const vf = pf.vfs?.vf(0);
    assert.equal(vf?.answersMemory, true);
    pf.writeConfig(0x44, 2, 3);
    assert.equal(vf?.answersMemory, false);
  });
});
