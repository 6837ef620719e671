import assert from "node:assert/strict";
import { test } from "node:test";
import { RegisterFile } from "./register-file.ts";
import { DWORD, E1000, REGISTERS_82576, type RegisterName } from "./registers-82576.ts";

test("offsets are those of Linux's e1000_regs.h", () => {
  const expected: Partial<Record<RegisterName, number>> = {
    CTRL: 0x0,
    EICR: 0x1580,
    EITR: 0x1680,
    IVAR0: 0x1700,
    VMBMEM: 0x800,
    P2VMAILBOX: 0xc00,
    V2PMAILBOX: 0xc40,
    VFRE: 0xc8c,
    DTXSWC: 0x3500,
    WVBR: 0x3554,
    VMVIR: 0x3700,
    RTTBCNRC: 0x36b0,
    VT_CTL: 0x581c,
    VMOLR: 0x5ad0,
    VLVF: 0x5d00,
    SWSM: 0x5b50,
    RDBAL: 0xc000,
    TDBAL: 0xe000,
  };
  for (const [name, offset] of Object.entries(expected)) assert.equal(E1000[name as RegisterName], offset, name);
});

test("values after reset are those that QEMU's igb_mac_reg_init has", () => {
  const registers = new RegisterFile();
  assert.equal(registers.read(E1000.VET), 0x8100_8100);
  assert.equal(registers.read(E1000.RXCSUM), 0x300);
  assert.equal(registers.read(E1000.TXPBS), 0x28);
  assert.equal(registers.read(E1000.RXPBS), 0x40);
  assert.equal(registers.read(E1000.MBVFIMR), 0xff);
  assert.equal(registers.read(E1000.VFRE), 0xff);
  assert.equal(registers.read(E1000.VMOLR + 28), 0x8000_2600);
  assert.equal(registers.read(E1000.RXDCTL + 15 * 0x40), 0x1_0000);
  assert.equal(registers.read(E1000.TXCTL), 0x2a00);
  assert.equal(registers.read(E1000.V2PMAILBOX), 0x40);
});

test("the first four queues are at their older places too, as RDBAL(n) of e1000_regs.h has them", () => {
  const registers = new RegisterFile();
  for (let queue = 0; queue < 4; queue++) {
    registers.write(0x2800 + queue * 0x100, 0x1000 * (queue + 1));
    assert.equal(registers.read(E1000.RDBAL + queue * 0x40), 0x1000 * (queue + 1));
    registers.write(E1000.TDLEN + queue * 0x40, 0x1234);
    assert.equal(registers.read(0x3808 + queue * 0x100), 0x1230);
  }
});

test("each access kind does what it says", () => {
  const registers = new RegisterFile();
  registers.values[DWORD.GPRC] = 7;
  assert.equal(registers.read(E1000.GPRC), 7);
  assert.equal(registers.read(E1000.GPRC), 0, "cleared by reading");
  registers.write(E1000.GPRC, 5);
  assert.equal(registers.read(E1000.GPRC), 0);
  registers.values[DWORD.VFLRE] = 0xff;
  registers.write(E1000.VFLRE, 0x0f);
  assert.equal(registers.read(E1000.VFLRE), 0xf0, "a written 1 clears");
  registers.values[DWORD.PVFGPRC] = 3;
  assert.equal(registers.read(E1000.PVFGPRC), 3);
  assert.equal(registers.read(E1000.PVFGPRC), 3, "a VF's counter stays");
  assert.equal(registers.read(0x1fff0), 0, "no register");
  registers.write(0x1fff0, 1);
  assert.equal(registers.read(0x1fff0), 0);
});

test("the registers' state goes through JSON", () => {
  const registers = new RegisterFile();
  registers.write(E1000.VMVIR, 0x4000_0005);
  registers.write(E1000.VFRE, 0);
  const copy = new RegisterFile();
  copy.write(E1000.TIPG, 1);
  copy.restore(JSON.parse(JSON.stringify(registers.save())));
  assert.deepEqual(copy.values, registers.values);
});

test("every register has a reset value that its own mask allows software to restore, or none", () => {
  for (const [name, spec] of Object.entries(REGISTERS_82576)) {
    const { access, reset = 0, writable = 0xffff_ffff } = spec as { access: string; reset?: number; writable?: number };
    if (access !== "RW" || name === "EECD" || name === "GCR") continue;
    assert.equal((reset & writable) >>> 0, reset, name);
  }
});
