import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ConfigSpace } from "./config-space.ts";
import { SRIOV } from "./extended/sriov.ts";
import { COMMON_HEADER } from "./header.ts";
import {
  type Access,
  accessMask,
  bit,
  bits,
  decodeTable,
  fieldValue,
  oneOf,
  type Register,
  register,
  resetRegister,
  tableSize,
  writeRegister,
} from "./register.ts";

/** A register with a field of each kind of access (PCIe 6.0 §7.4, Table 7-2). */
const MIXED = register(0x10, 32, undefined, "a test", {
  ro: bits(3, 0, "RO", { reset: 5 }),
  ros: bits(5, 4, "ROS"),
  hwInit: bits(7, 6, "HwInit"),
  rw: bits(11, 8, "RW", { reset: 0xa }),
  rws: bits(15, 12, "RWS", { reset: 0x3 }),
  rw1c: bits(19, 16, "RW1C"),
  rw1cs: bits(23, 20, "RW1CS"),
  rsvdP: bits(25, 24, "RsvdP"),
  rsvdZ: bits(27, 26, "RsvdZ"),
  top: bit(31, "RW"),
});

const KINDS: readonly Access[] = ["RO", "ROS", "HwInit", "RW", "RWS", "RW1C", "RW1CS", "RsvdP", "RsvdZ"];
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** Registers of any fields, side by side from bit 0 on. */
const anyRegister: fc.Arbitrary<Register> = fc
  .tuple(
    fc.constantFrom(8 as const, 16 as const, 32 as const),
    fc.array(fc.tuple(fc.integer({ min: 1, max: 32 }), fc.constantFrom(...KINDS), u32), { maxLength: 8 }),
  )
  .map(([width, parts]) => {
    const fields: Record<string, ReturnType<typeof bits>> = {};
    let lsb = 0;
    for (const [wanted, access, value] of parts) {
      const size = Math.min(wanted, width - lsb);
      if (size === 0) break;
      fields[`f${lsb}`] = bits(lsb + size - 1, lsb, access, { reset: Number(BigInt(value) % 2n ** BigInt(size)) });
      lsb += size;
    }
    return register(0, width, undefined, "a test", fields);
  });

describe("decodeTable", () => {
  it("decodes fields side by side, and gives null where a register was not read", () => {
    const table = { a: register(0, 16, undefined, "", { low: bits(7, 0, "RO"), high: bit(15, "RO") }), mixed: MIXED };
    const space = new ConfigSpace(Uint8Array.of(0, 0, 0x34, 0x80), [[0, 4]]);
    const values = decodeTable(space, 2, table);
    assert.deepEqual([values.low, values.high, values.rw, values.rw1c], [0x34, true, null, null]);
  });

  it("decodes 32-bit fields without a sign", () => {
    const table = { all: register(0, 32, undefined, "", { all: bits(31, 0, "RO") }) };
    assert.equal(decodeTable(new ConfigSpace(new Uint8Array(4).fill(0xff)), 0, table).all, 0xffff_ffff);
    assert.equal(fieldValue(bits(31, 1, "RO"), 0xffff_ffff), 0x7fff_ffff);
  });

  it("puts the fields of a register together to its value again", () => {
    fc.assert(
      fc.property(anyRegister, u32, (reg, raw) => {
        let sum = 0n;
        for (const field of Object.values(reg.fields)) {
          const value = fieldValue(field, raw);
          assert.equal(typeof value, "number");
          sum |= BigInt(value as number) << BigInt(field.lsb);
        }
        const all = accessMask(reg, KINDS);
        assert.equal(sum, BigInt(raw) & BigInt(all));
      }),
    );
  });
});

describe("oneOf", () => {
  it("leaves a code that it does not know as it is", () => {
    assert.deepEqual([oneOf({ 1: "one" })(1), oneOf({ 1: "one" })(2)], ["one", { kind: "unknown", id: 2 }]);
  });
});

describe("tableSize", () => {
  it("is one past the last byte: 40h for SR-IOV (PCIe 6.0 §9.3.3), 10h for the common header", () => {
    assert.deepEqual([tableSize(SRIOV.table), tableSize(COMMON_HEADER), tableSize({})], [0x40, 0x10, 0]);
  });
});

describe("accessMask", () => {
  it("gathers the bits of the kinds asked for", () => {
    assert.equal(accessMask(MIXED, ["RW", "RWS"]), 0x8000_ff00);
    assert.equal(accessMask(MIXED, ["RW1C", "RW1CS"]), 0x00ff_0000);
    // Control: VF Enable, VF Migration Enable, its interrupt, VF MSE, ARI, 10-bit tags (PCIe 6.0 §9.3.3.3).
    assert.equal(accessMask(SRIOV.table.control, ["RW"]), 0x3f);
    assert.equal(accessMask(SRIOV.table.systemPageSize, ["RW"]), 0xffff_ffff);
  });
});

describe("writeRegister", () => {
  it("takes over RW bits and clears RW1C bits where a one is written", () => {
    assert.equal(writeRegister(MIXED, 0x0000_0000, 0xffff_ffff), 0x8000_ff00);
    assert.equal(writeRegister(MIXED, 0xffff_ffff, 0x0000_0000), 0x7fff_00ff);
    assert.equal(writeRegister(MIXED, 0xffff_ffff, 0x0011_0000), 0x7fee_00ff);
    // VF Migration Status is write-1-to-clear (PCIe 6.0 §9.3.3.4).
    assert.deepEqual(
      [1, 0].map((written) => writeRegister(SRIOV.table.status, 1, written)),
      [0, 1],
    );
  });

  it("keeps every bit that is neither RW nor RW1C", () => {
    fc.assert(
      fc.property(anyRegister, u32, u32, (reg, current, written) => {
        const after = writeRegister(reg, current, written);
        const writable = accessMask(reg, ["RW", "RWS"]);
        const clearable = accessMask(reg, ["RW1C", "RW1CS"]);
        assert.equal((after & writable) >>> 0, (written & writable) >>> 0);
        assert.equal((after & clearable) >>> 0, (current & ~written & clearable) >>> 0);
        const others = ~(writable | clearable);
        assert.equal((after & others) >>> 0, (current & others) >>> 0);
      }),
    );
  });
});

describe("resetRegister", () => {
  it("keeps sticky bits and what the device decides, and resets the rest", () => {
    assert.equal(resetRegister(MIXED, 0xffff_ffff), 0x00f0_faff);
    assert.equal(resetRegister(MIXED, 0x0000_0000), 0x0000_0a00);
    // PF FLR clears VF Enable and NumVFs; System Page Size becomes 4 KiB (PCIe 6.0 §9.3.3.13).
    assert.equal(resetRegister(SRIOV.table.control, 0x19), 0);
    assert.equal(resetRegister(SRIOV.table.numVfs, 7), 0);
    assert.equal(resetRegister(SRIOV.table.systemPageSize, 0x553), 1);
    assert.equal(resetRegister(SRIOV.table.totalVfs, 8), 8);
  });

  it("changes nothing the second time", () => {
    fc.assert(
      fc.property(anyRegister, u32, (reg, current) => {
        const once = resetRegister(reg, current);
        assert.equal(resetRegister(reg, once), once);
        const kept = accessMask(reg, ["RO", "ROS", "RWS", "RW1CS", "HwInit"]);
        assert.equal((once & kept) >>> 0, (current & kept) >>> 0);
      }),
    );
  });
});
