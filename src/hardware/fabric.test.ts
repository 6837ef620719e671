import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { barSize } from "../pci/bar.ts";
import { decodeBridge } from "../pci/bridge.ts";
import { BridgeFunction } from "./bridge-function.ts";
import type { DeviceModel } from "./device-model.ts";
import type { Machine, ModelSurroundings } from "./machine.ts";
import { buildMachine } from "./machine.ts";
import type { MachineDescription } from "./machine-description.ts";
import { assignedMachine, below, functionNamed } from "./testing/assigned-machine.ts";

/** Registers that hold what is written to them, and remember who was asked. */
class Storage implements DeviceModel {
  readonly values = new Map<number, number>();

  readBar(bar: number, offset: number): number {
    return this.values.get(bar * 2 ** 32 + offset) ?? 0;
  }

  writeBar(bar: number, offset: number, _size: number, value: number): void {
    this.values.set(bar * 2 ** 32 + offset, value);
  }

  reset(): void {
    this.values.clear();
  }

  save(): unknown {
    return [...this.values];
  }

  restore(state: unknown): void {
    this.values.clear();
    for (const [key, value] of state as [number, number][]) this.values.set(key, value);
  }
}

const TREE: MachineDescription["root"] = [
  below("82599", { ports: 2 }),
  {
    kind: "root port",
    below: {
      kind: "switch",
      name: "switch",
      ports: [
        { below: { kind: "device", device: "NVMe" } },
        { below: { kind: "device", device: "X710", options: { ports: 2 } } },
      ],
    },
  },
  { kind: "integrated", device: "accelerator" },
];

function withStorage(root: MachineDescription["root"]): Machine {
  return assignedMachine(root, { model: (_: ModelSurroundings) => new Storage() });
}

describe("configuration requests (PCIe 6.0 §7.3.3)", () => {
  it("find every function by the bus numbers that firmware gave, and each says so itself", () => {
    const machine = assignedMachine(TREE);
    for (const fn of machine.functions.values()) assert.equal(machine.fabric.functionAt(fn.routingId), fn, fn.name);
    const buses = new Set([...machine.functions.values()].map(({ routingId }) => routingId >>> 8));
    // 2 and 7 are for VFs of the functions on 1 and 6.
    assert.deepEqual([...buses].sort(), [0, 1, 3, 4, 5, 6]);
  });

  it("reach device 0 alone over a link, without ARI forwarding (§7.3.1)", () => {
    const machine = assignedMachine([below("82599", { ports: 2 })]);
    assert.equal(machine.fabric.configRead(0x0101, 0, 2), 0x8086);
    for (const devfn of [0x08, 0x10, 0xff]) assert.equal(machine.fabric.configRead(0x0100 | devfn, 0, 2), 0xffff);
  });

  it("go no further than a bridge without bus numbers", () => {
    const { fabric } = buildMachine({ memoryBytes: 1 << 20, root: TREE });
    for (let rid = 0x0100; rid < 0x1000; rid++) assert.equal(fabric.functionAt(rid), undefined);
  });

  it("are bounded whatever the bus numbers are: no loop, and only what is there answers", () => {
    const numbers = fc.array(fc.integer({ min: 0, max: 0xff_ffff }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(numbers, fc.nat(0xffff), (buses, rid) => {
        const machine = buildMachine({ memoryBytes: 1 << 20, root: TREE });
        const bridges = [...machine.functions.values()].filter((fn) => fn instanceof BridgeFunction);
        for (const [index, bridge] of bridges.entries()) bridge.writeConfig(0x18, 4, buses[index] ?? 0);
        const found = machine.fabric.functionAt(rid);
        if (found !== undefined) assert.ok([...machine.functions.values()].includes(found));
      }),
    );
  });
});

describe("firmware", () => {
  it("has the windows of the bridges hold all that is below them, and no two BARs overlap", () => {
    const machine = assignedMachine(TREE);
    const claims = [...machine.functions.values()]
      .flatMap((fn) => fn.claims().map(({ start, end }) => ({ start, end, fn })))
      .sort((a, b) => a.start - b.start);
    for (const [index, claim] of claims.entries()) {
      assert.ok(claim.start >= 0xc000_0000, claim.fn.name);
      assert.ok(claim.start >= (claims[index - 1]?.end ?? 0), `${claim.fn.name} overlaps`);
      assert.equal(machine.fabric.decode(claim.start)?.claim.owner(0), claim.fn);
      assert.equal(machine.fabric.decode(claim.end - 1)?.claim.owner(0), claim.fn);
    }
  });

  it("refuses what does not fit", () => {
    const large = {
      vendorId: 0x1234,
      deviceId: 0x1111,
      classCode: 0xff_00_00,
      bars: [{ index: 0, sizeBytes: 2 ** 31 }],
    };
    const device = { name: "large", functions: [large], peerToPeer: false };
    assert.throws(() => assignedMachine([below(device)]), /no room for 2147483648 bytes of BARs/);
  });
});

describe("BARs (PCIe 6.0 §7.5.1.2.1)", () => {
  it("read their size after all ones, as src/pci/bar.ts takes it", () => {
    const machine = assignedMachine([below("82599")]);
    const fn = functionNamed(machine, "82599");
    for (const bar of fn.bars) {
      const at = 0x10 + bar.index * 4;
      fn.writeConfig(at, 4, 0xffff_ffff);
      if (bar.is64 === true) fn.writeConfig(at + 4, 4, 0xffff_ffff);
      const high = bar.is64 === true ? BigInt(fn.readConfig(at + 4, 4)) << 32n : 0n;
      const size = barSize(high | BigInt(fn.readConfig(at, 4)), bar.kind ?? "memory", bar.is64 === true);
      assert.equal(size, BigInt(bar.sizeBytes), `BAR ${bar.index}`);
    }
  });

  it("answer where they are, as long as Memory Space is enabled there and in each port above", () => {
    const machine = withStorage(TREE);
    const { fabric } = machine;
    const fn = functionNamed(machine, "NVMe");
    const bar = fn.claims()[0]?.start ?? 0;
    fabric.memoryWrite(bar + 0x14, 4, 0xdead_beef);
    assert.equal(fabric.memoryRead(bar + 0x14, 4), 0xdead_beef);
    for (const name of ["NVMe", "switch port 0", "switch", "root port 1"]) {
      const at = functionNamed(machine, name);
      at.writeConfig(0x04, 2, 0x4);
      assert.equal(fabric.memoryRead(bar + 0x14, 4), 0xffff_ffff, name);
      assert.equal(fabric.completion, "unsupported request");
      at.writeConfig(0x04, 2, 0x6);
      assert.equal(fabric.memoryRead(bar + 0x14, 4), 0xdead_beef, name);
    }
  });

  it("answer at any address that they are given within the window, and nowhere else", () => {
    const machine = withStorage([below("NVMe")]);
    const fn = functionNamed(machine, "NVMe");
    const port = functionNamed(machine, "root port 0");
    const window = decodeBridge(port.config.space)?.windows.memory;
    assert.ok(window);
    fc.assert(
      fc.property(fc.nat(0xff), fc.nat(0x1f), (slot, probe) => {
        const address = Number(window.base) + slot * 0x4000;
        fn.writeConfig(0x10, 4, address);
        const at = Number(window.base) + probe * 0x4000;
        const inside = address <= Number(window.limit);
        machine.fabric.memoryRead(at, 4);
        const answered = machine.fabric.completion === "success";
        assert.equal(answered, inside && at === address);
      }),
    );
  });
});

describe("memory requests of a function", () => {
  it("reach RAM with Bus Master Enable in it and in each port above (PCIe 6.0 §7.5.1.1.3)", () => {
    const machine = assignedMachine(TREE);
    const port = machine.fabric.portOf(functionNamed(machine, "NVMe"));
    assert.equal(port.write(0x1234, Uint8Array.of(1, 2, 3), 0, 3), true);
    assert.deepEqual([...machine.memory.bytes.subarray(0x1234, 0x1237)], [1, 2, 3]);
    for (const name of ["NVMe", "switch port 0", "switch", "root port 1"]) {
      functionNamed(machine, name).writeConfig(0x04, 2, 0x2);
      assert.equal(port.span(0x1234, 3, false), undefined, name);
      functionNamed(machine, name).writeConfig(0x04, 2, 0x6);
      assert.notEqual(port.span(0x1234, 3, false), undefined, name);
    }
  });

  it("end with the RAM, and fail beyond it with Received Master Abort", () => {
    const machine = assignedMachine([below("NVMe")]);
    const fn = functionNamed(machine, "NVMe");
    const port = machine.fabric.portOf(fn);
    assert.equal(port.span((1 << 20) - 16, 64, false)?.length, 16);
    assert.equal(port.read(1 << 20, new Uint8Array(4), 0, 4), false);
    assert.equal(fn.readConfig(0x06, 2) & 0x2000, 0x2000);
  });

  it("are interrupts where they are dword writes to FEExxxxxh", () => {
    const machine = assignedMachine([below("NVMe")]);
    const got: number[] = [];
    machine.fabric.interruptSink = ({ requesterId, vector, destination }) => got.push(requesterId, vector, destination);
    const port = machine.fabric.portOf(functionNamed(machine, "NVMe"));
    assert.equal(port.write(0xfee0_3000, Uint8Array.of(0x77, 0, 0, 0), 0, 4), true);
    assert.deepEqual(got, [0x0100, 0x77, 3]);
    assert.equal(port.write(0xfee0_3000, new Uint8Array(8), 0, 8), false);
  });

  it("reach a BAR behind another root port by way of the root", () => {
    const machine = withStorage([below("82599"), below("NVMe")]);
    const from = machine.fabric.portOf(functionNamed(machine, "82599"));
    const to = functionNamed(machine, "NVMe");
    const bar = to.claims()[0]?.start ?? 0;
    functionNamed(machine, "root port 0").writeConfig(0x148 + 6, 2, 0x4);
    assert.equal(from.route(bar).kind, "root");
    assert.equal(from.write(bar + 8, Uint8Array.of(1, 0, 0, 0), 0, 4), true);
    assert.equal(machine.fabric.memoryRead(bar + 8, 4), 1);
  });
});

describe("what an IOMMU asks of the fabric", () => {
  it("has a function answer an invalidation while it is awake and has ATS enabled (PCIe 6.0 §10.3)", () => {
    const machine = assignedMachine([below("accelerator")]);
    const fn = functionNamed(machine, "accelerator");
    const answers = (): boolean => machine.fabric.invalidateDevice(fn.routingId);
    assert.equal(answers(), false, "ATS is not enabled");
    fn.writeConfig(0x180 + 6, 2, 0x8000);
    assert.equal(answers(), true);
    fn.writeConfig(0x44, 2, 3);
    assert.equal(answers(), false, "in D3hot");
    assert.equal(machine.fabric.invalidateDevice(0x0500), false, "nobody is there");
  });

  it("delivers its own interrupts as they are", () => {
    const machine = assignedMachine([below("NVMe")]);
    const got: number[] = [];
    machine.fabric.interruptSink = ({ vector, destination }) => got.push(vector, destination);
    machine.fabric.platformInterrupt(0xfee0_5000, 0x33);
    assert.deepEqual(got, [0x33, 5]);
  });
});
