import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NS_PER_MS } from "./clock.ts";
import { buildMachine, type Machine } from "./machine.ts";
import type { MachineDescription } from "./machine-description.ts";

const ONE_82576: MachineDescription = {
  memoryBytes: 1 << 20,
  root: [{ kind: "root port", device: 1, below: { kind: "device", device: "82576", options: { ports: 2 } } }],
};
const ROOT_PORT = 0x0008;

/** Bus 1 below the root port, as firmware would number it. */
function numbered(): Machine {
  const machine = buildMachine(ONE_82576);
  machine.fabric.configWrite(ROOT_PORT, 0x18, 4, 0x00_02_01_00);
  return machine;
}

describe("a machine", () => {
  it("has no bus numbers at power on, so that only bus 0 answers", () => {
    const { fabric } = buildMachine(ONE_82576);
    assert.equal(fabric.configRead(0x0000, 0, 4), 0x29c0_8086);
    assert.equal(fabric.configRead(ROOT_PORT, 0, 4), 0x000c_1b36);
    assert.equal(fabric.configRead(0x0100, 0, 4), 0xffff_ffff);
    assert.equal(fabric.completion, "unsupported request");
  });

  it("reaches a device once the port above has bus numbers, and sizes its BARs", () => {
    const { fabric } = numbered();
    assert.equal(fabric.configRead(0x0100, 0, 4), 0x10c9_8086);
    assert.equal(fabric.configRead(0x0101, 0, 2), 0x8086);
    assert.equal(fabric.configRead(0x0102, 0, 4), 0xffff_ffff);
    fabric.configWrite(0x0100, 0x10, 4, 0xffff_ffff);
    assert.equal(fabric.configRead(0x0100, 0x10, 4), 0xfffe_0000);
  });

  it("shows VFs after VF Enable and 100 ms, with ARI forwarding on bus 1, without ARI on bus 2", () => {
    for (const ari of [true, false]) {
      const { fabric, clock } = numbered();
      if (ari) fabric.configWrite(ROOT_PORT, 0x7c, 2, 0x20);
      fabric.configWrite(0x0100, 0x168, 2, ari ? 0x10 : 0);
      fabric.configWrite(0x0100, 0x170, 2, 7);
      fabric.configWrite(0x0100, 0x168, 2, (ari ? 0x10 : 0) | 0x01);
      const vf2 = ari ? 0x0184 : 0x0284;
      assert.equal(fabric.configRead(vf2, 4, 4), 0xffff_ffff);
      assert.equal(fabric.completion, "request retry status");
      clock.advance(100 * NS_PER_MS);
      assert.equal(fabric.configRead(vf2, 0, 4), 0xffff_ffff);
      assert.equal(fabric.completion, "success");
      assert.equal(fabric.configRead(vf2, 8, 4), 0x0200_0001);
      assert.equal(fabric.functionAt(vf2)?.name, "82576.0 VF 2");
    }
  });
});
