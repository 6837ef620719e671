import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { EXPRESS } from "../pci/capabilities/express.ts";
import { DEVICE_CONTROL } from "../pci/capabilities/express-device.ts";
import { AER } from "../pci/extended/aer.ts";
import { COMMON_HEADER } from "../pci/header.ts";
import { type Register, resetRegister, writeRegister } from "../pci/register.ts";
import { ConfigRegisters } from "./config-registers.ts";
import { ConfigTemplate } from "./config-template.ts";
import { aer, endpoint, msix, powerManagement } from "./devices/endpoint-capabilities.ts";

const TEMPLATE = new ConfigTemplate({
  vendorId: 0x1234,
  deviceId: 0x5678,
  classCode: 0x02_00_00,
  capabilities: [
    powerManagement(0x40, false),
    msix(0x50, 8, { bar: 0, pba: 0x800 }),
    endpoint(0x60, { generation: 3, width: 4 }),
  ],
  extendedCapabilities: [aer(0x100, 2)],
});

/** Registers of the tables, where they are in this function. */
const REGISTERS: ReadonlyArray<readonly [at: number, register: Register]> = [
  [0, COMMON_HEADER.command],
  [0, COMMON_HEADER.status],
  [0, COMMON_HEADER.vendorId],
  [0x60, DEVICE_CONTROL],
  [0x60, EXPRESS.table.deviceStatus],
  [0x100, AER.table.uncorrectableErrorStatus],
  [0x100, AER.table.uncorrectableErrorMask],
  [0x100, AER.table.correctableErrorStatus],
];

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const access = fc.constantFrom(1 as const, 2 as const, 4 as const).chain((size) =>
  fc.tuple(
    fc.nat(0x3ff).map((at) => at * 4),
    fc.constant(size),
    u32,
  ),
);

describe("ConfigRegisters", () => {
  it("takes a write as writeRegister of src/pci does", () => {
    fc.assert(
      fc.property(fc.constantFrom(...REGISTERS), u32, u32, ([at, reg], before, written) => {
        const config = new ConfigRegisters(TEMPLATE);
        const size = reg.width / 8;
        const mask = 2 ** reg.width - 1;
        config.set(at + reg.offset, size, (before & mask) >>> 0);
        config.write(at + reg.offset, size, written);
        const expected = writeRegister(reg, (before & mask) >>> 0, (written & mask) >>> 0);
        assert.equal(config.read(at + reg.offset, size), expected);
      }),
    );
  });

  it("resets a register as resetRegister of src/pci does, where the device has the specification's values", () => {
    fc.assert(
      fc.property(fc.constantFrom(...REGISTERS.slice(0, 5)), u32, ([at, reg], written) => {
        const config = new ConfigRegisters(TEMPLATE);
        const size = reg.width / 8;
        config.write(at + reg.offset, size, written);
        const before = config.read(at + reg.offset, size);
        config.reset("conventional");
        assert.equal(config.read(at + reg.offset, size), resetRegister(reg, before));
      }),
    );
  });

  it("never changes a bit that is neither RW nor RW1C, whatever is written where, by bytes, words or dwords", () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 30 }), (writes) => {
        const config = new ConfigRegisters(TEMPLATE);
        for (const [at, size, value] of writes) config.write(at, size, value);
        for (let at = 0; at < TEMPLATE.bytes.length; at++) {
          const fixed = ~((TEMPLATE.writable[at] ?? 0) | (TEMPLATE.clearable[at] ?? 0)) & 0xff;
          assert.equal(config.read(at, 1) & fixed, (TEMPLATE.bytes[at] ?? 0) & fixed, `${at.toString(16)}h`);
        }
      }),
    );
  });

  it("keeps sticky bits over a reset, and loses them with power (PCIe 6.0 §7.4, Table 7-2)", () => {
    const config = new ConfigRegisters(TEMPLATE);
    config.write(0x108, 4, 0x0010_0000);
    config.write(0x04, 2, 0x0006);
    config.reset("conventional");
    assert.deepEqual([config.read(0x108, 4), config.read(0x04, 2)], [0x0010_0000, 0]);
    config.reset("power");
    assert.equal(config.read(0x108, 4), 0);
  });

  it("keeps over FLR what belongs to the link: Max_Payload_Size, ASPM Control (PCIe 6.0 §6.6.2)", () => {
    const config = new ConfigRegisters(TEMPLATE);
    config.write(0x68, 2, 0x2857);
    config.write(0x70, 2, 0x0043);
    config.reset("flr");
    assert.deepEqual([config.read(0x68, 2), config.read(0x70, 2)], [0x2850, 0x0043]);
    config.reset("conventional");
    assert.deepEqual([config.read(0x68, 2), config.read(0x70, 2)], [0x2810, 0]);
  });

  it("shares its bytes with the template until the first change", () => {
    const config = new ConfigRegisters(TEMPLATE);
    config.write(0x00, 4, 0);
    assert.equal(config.save(), null);
    config.write(0x04, 2, 4);
    assert.notEqual(config.save(), null);
    assert.equal(TEMPLATE.bytes[4], 0);
  });
});
