import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { barSize, decodeBars } from "./bar.ts";
import type { Problem } from "./capability.ts";
import { ConfigSpace } from "./config-space.ts";

function space(...registers: number[]): ConfigSpace {
  const view = new DataView(new ArrayBuffer(registers.length * 4));
  for (const [index, value] of registers.entries()) view.setUint32(index * 4, value >>> 0, true);
  return new ConfigSpace(new Uint8Array(view.buffer));
}

describe("decodeBars", () => {
  it("reads memory, 64-bit memory and I/O BARs (PCIe 6.0 §7.5.1.2.1)", () => {
    const bars = decodeBars(space(0xfebd_0008, 0x0000_1021, 0xc000_000c, 0x38, 0xfe00_0000, 0), 0, 6);
    assert.deepEqual(bars, [
      { index: 0, kind: "memory", address: 0xfebd_0000n, is64: false, prefetchable: true },
      { index: 1, kind: "io", address: 0x1020n, is64: false, prefetchable: false },
      { index: 2, kind: "memory", address: 0x38_c000_0000n, is64: true, prefetchable: true },
      { index: 4, kind: "memory", address: 0xfe00_0000n, is64: false, prefetchable: false },
    ]);
  });

  it("keeps a BAR whose type bits alone are set: it is there and has no address", () => {
    const bars = decodeBars(space(0x0000_000c, 0, 0, 0, 0x0000_0004, 0), 0, 6);
    assert.deepEqual(
      bars?.map(({ index, address, is64, prefetchable }) => [index, address, is64, prefetchable]),
      [
        [0, 0n, true, true],
        [4, 0n, true, false],
      ],
    );
  });

  it("gives nothing for registers of zeros or ones", () => {
    assert.deepEqual(decodeBars(space(0, 0xffff_ffff, 0), 0, 3), []);
  });

  it("gives null where one of the registers was not read", () => {
    assert.equal(decodeBars(new ConfigSpace(new Uint8Array(24), [[0, 20]]), 0, 6), null);
  });

  it("reports a 64-bit BAR without room for its upper half", () => {
    const problems: Problem[] = [];
    const bars = decodeBars(space(0xe000_0004), 0, 1, { problems });
    assert.deepEqual(
      bars?.map(({ address }) => address),
      [0xe000_0000n],
    );
    assert.deepEqual(
      problems.map(({ kind, offset }) => [kind, offset]),
      [["reserved-value", 0]],
    );
  });

  it("never throws, and gives BARs that follow one another", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), fc.constantFrom(1, 2, 6), (bytes, count) => {
        let next = 0;
        for (const { index, is64, address } of decodeBars(new ConfigSpace(bytes), 0, count) ?? []) {
          assert.ok(index >= next && index < count && address >= 0n);
          next = index + (is64 ? 2 : 1);
        }
      }),
    );
  });
});

describe("barSize", () => {
  it("is the lowest address bit that can be written (Linux pci_size)", () => {
    assert.equal(barSize(0xffff_c000n, "memory", false), 0x4000n);
    assert.equal(barSize(0xffff_ffff_fffe_000cn, "memory", true), 0x2_0000n);
    assert.equal(barSize(0xffff_ffc0_0000_000cn, "memory", true), 2n ** 38n);
    assert.equal(barSize(0xffff_ffe1n, "io", false), 32n);
  });

  it("is undefined for a BAR that is not implemented", () => {
    assert.deepEqual([barSize(0n, "memory", false), barSize(0xcn, "memory", true)], [undefined, undefined]);
  });

  it("finds every power of two again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 63 }), fc.nat(15), (log, type) => {
        const size = 2n ** BigInt(log);
        assert.equal(barSize(BigInt.asUintN(64, -size) | BigInt(type), "memory", true), size);
      }),
    );
  });
});

describe("decodeBars of VF BARs and reserved types", () => {
  it("takes a VF BAR for memory, whatever its bit 0 says (PCIe 6.0 §9.3.3.14)", () => {
    assert.deepEqual(decodeBars(space(0xfe80_000d, 1), 0, 2, { memoryOnly: true }), [
      { index: 0, kind: "memory", address: 0x1_fe80_0000n, is64: true, prefetchable: true },
    ]);
  });

  it("tells of the reserved memory type 3", () => {
    const problems: Problem[] = [];
    decodeBars(space(0xfe80_0006), 0, 1, { problems });
    assert.deepEqual(
      problems.map(({ kind, offset }) => [kind, offset]),
      [["reserved-value", 0]],
    );
  });
});
