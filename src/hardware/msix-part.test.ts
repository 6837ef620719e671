import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { DeliveredInterrupt } from "./fabric.ts";
import type { PciFunction } from "./pci-function.ts";
import { assignedMachine, below, functionNamed } from "./testing/assigned-machine.ts";

const PF = 0x0100;
const MSIX_FLAGS = 0x72;
const ENABLE = 0x8000;
const MASK_ALL = 0x4000;
const VECTORS = 10;

interface Setup {
  readonly fn: PciFunction;
  readonly delivered: DeliveredInterrupt[];
  table(vector: number, dword: number, value?: number): number;
  pba(): number;
  flags(value: number): void;
}

/** An 82576 whose vector n is sent to the processor as vector 20h + n, and none is masked. */
function setup(): Setup {
  const machine = assignedMachine([below("82576")]);
  const { fabric } = machine;
  const fn = functionNamed(machine, "82576");
  const delivered: DeliveredInterrupt[] = [];
  fabric.interruptSink = (interrupt) => delivered.push(interrupt);
  const bar3 = fabric.configRead(PF, 0x20, 4) * 2 ** 32 + ((fabric.configRead(PF, 0x1c, 4) & ~0xf) >>> 0);
  const table = (vector: number, dword: number, value?: number): number => {
    const at = bar3 + vector * 16 + dword * 4;
    if (value !== undefined) fabric.memoryWrite(at, 4, value);
    return fabric.memoryRead(at, 4);
  };
  for (let vector = 0; vector < VECTORS; vector++) {
    table(vector, 0, 0xfee0_1000);
    table(vector, 2, 0x20 + vector);
    table(vector, 3, 0);
  }
  const flags = (value: number): void => fabric.configWrite(PF, MSIX_FLAGS, 2, value);
  flags(ENABLE);
  return { fn, delivered, table, pba: () => fabric.memoryRead(bar3 + 0x2000, 4), flags };
}

describe("MSI-X (PCIe 6.0 §6.1.4, §7.7.2)", () => {
  it("sends a vector's own message, under the function's Requester ID", () => {
    const { fn, delivered } = setup();
    fn.interrupt(3);
    assert.deepEqual(delivered, [{ requesterId: PF, vector: 0x23, destination: 1 }]);
  });

  it("has a masked vector pending, and sends it once when it is unmasked", () => {
    const { fn, delivered, table, pba } = setup();
    table(5, 3, 1);
    fn.interrupt(5);
    fn.interrupt(5);
    assert.deepEqual([delivered.length, pba()], [0, 1 << 5]);
    table(5, 3, 0);
    assert.deepEqual([delivered.map(({ vector }) => vector), pba()], [[0x25], 0]);
  });

  it("holds all vectors back with Function Mask, and sends what waited when it is cleared", () => {
    const { fn, delivered, pba, flags } = setup();
    flags(ENABLE | MASK_ALL);
    for (const vector of [1, 9]) fn.interrupt(vector);
    assert.deepEqual([delivered.length, pba()], [0, 0x202]);
    flags(ENABLE);
    assert.deepEqual(
      delivered.map(({ vector }) => vector),
      [0x21, 0x29],
    );
  });

  it("sends nothing without Bus Master Enable (§7.5.1.1.3), nor in D3hot", () => {
    const { fn, delivered } = setup();
    fn.writeConfig(0x04, 2, 0x2);
    fn.interrupt(0);
    fn.writeConfig(0x04, 2, 0x6);
    fn.writeConfig(0x44, 2, 3);
    fn.interrupt(0);
    assert.deepEqual(delivered, []);
  });

  it("keeps Message Address 1:0 and the reserved bits of Vector Control zero, and its PBA from writes", () => {
    const { table, pba } = setup();
    assert.equal(table(0, 0, 0xffff_ffff), 0xffff_fffc);
    assert.equal(table(0, 3, 0xffff_ffff), 1);
    assert.equal(pba(), 0);
  });

  it("masks all vectors and forgets what is pending at a reset (§7.7.2.8)", () => {
    const { fn, table } = setup();
    table(2, 3, 1);
    fn.interrupt(2);
    fn.resetRegisters("flr");
    fn.writeConfig(0x04, 2, 0x6);
    assert.equal(fn.readBar(3, 2 * 16 + 12, 4), 1);
    assert.equal(fn.readBar(3, 0x2000, 4), 0);
    assert.equal(fn.readBar(3, 2 * 16 + 8, 4), 0);
  });

  it("delivers each vector that was raised at least once, whatever was masked meanwhile, once all is unmasked", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("raise" as const), vector: fc.nat(VECTORS - 1) }),
      fc.record({ kind: fc.constantFrom("mask" as const, "unmask" as const), vector: fc.nat(VECTORS - 1) }),
      fc.record({ kind: fc.constantFrom("mask all" as const, "unmask all" as const), vector: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { fn, delivered, table, pba, flags } = setup();
        const raised = new Map<number, number>();
        for (const { kind, vector } of steps) {
          if (kind === "raise") {
            fn.interrupt(vector);
            raised.set(vector, (raised.get(vector) ?? 0) + 1);
          } else if (kind === "mask all" || kind === "unmask all")
            flags(kind === "mask all" ? ENABLE | MASK_ALL : ENABLE);
          else table(vector, 3, kind === "mask" ? 1 : 0);
        }
        flags(ENABLE);
        for (let vector = 0; vector < VECTORS; vector++) table(vector, 3, 0);
        assert.equal(pba(), 0);
        for (let vector = 0; vector < VECTORS; vector++) {
          const times = delivered.filter((each) => each.vector === 0x20 + vector).length;
          const most = raised.get(vector) ?? 0;
          assert.ok(times <= most && (most === 0) === (times === 0), `${vector}: ${times} of ${most}`);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("MSI (PCIe 6.0 §6.1.4, §7.7.1)", () => {
  it("sends its one message, and holds it back while it is masked", () => {
    const { fn, delivered, flags } = setup();
    flags(0);
    fn.writeConfig(0x54, 4, 0xfee0_2000);
    fn.writeConfig(0x5c, 2, 0x41);
    fn.writeConfig(0x52, 2, 1);
    fn.interrupt(0);
    assert.deepEqual(delivered, [{ requesterId: PF, vector: 0x41, destination: 2 }]);
    fn.writeConfig(0x60, 4, 1);
    fn.interrupt(0);
    assert.deepEqual([delivered.length, fn.readConfig(0x64, 4)], [1, 1]);
    fn.writeConfig(0x60, 4, 0);
    assert.deepEqual([delivered.length, fn.readConfig(0x64, 4)], [2, 0]);
  });
});
