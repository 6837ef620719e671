import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PhysicalMemory } from "./memory.ts";

test("RAM is little-endian, as `bytes`, `view` and the accessors alike", () => {
  const memory = new PhysicalMemory(8192);
  memory.write64(0x10, 0x1f_8877_6655_4433);
  assert.deepEqual([...memory.bytes.subarray(0x10, 0x18)], [0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x1f, 0]);
  assert.equal(memory.read32(0x10), 0x6655_4433);
  assert.equal(memory.view.getUint16(0x14, true), 0x8877);
  memory.write32(0x10, 0xffff_ffff);
  assert.equal(memory.read32(0x10), 0xffff_ffff);
});

test("a quadword below 2^53 is read as it was written", () => {
  const memory = new PhysicalMemory(4096);
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat({ max: 4096 - 8 }), (value, address) => {
      memory.write64(address, value);
      assert.equal(memory.read64(address), value);
    }),
  );
});

test("nothing is beyond its size", () => {
  const memory = new PhysicalMemory(4096);
  assert.equal(memory.has(0, 4096), true);
  assert.equal(memory.has(4095, 1), true);
  assert.equal(memory.has(4095, 2), false);
  assert.equal(memory.has(-1, 1), false);
  assert.equal(memory.has(2 ** 52, 1), false);
  assert.throws(() => memory.read32(4093), RangeError);
  assert.throws(() => memory.write64(4090, 0), RangeError);
  assert.throws(() => new PhysicalMemory(4095), RangeError);
});

test("its state goes through JSON, and only into as much RAM", () => {
  const memory = new PhysicalMemory(16384);
  memory.bytes.set([1, 2, 255], 4095);
  memory.write32(16380, 0x8000_0001);
  const state: unknown = JSON.parse(JSON.stringify(memory.save()));
  const other = new PhysicalMemory(16384);
  other.write32(0x2000, 7);
  other.restore(state);
  assert.deepEqual(other.bytes, memory.bytes);
  assert.throws(() => new PhysicalMemory(4096).restore(state), RangeError);
});

test("a part of it has addresses of its own and the same bytes, and is whole pages", () => {
  const memory = new PhysicalMemory(16384);
  const part = memory.part(4096, 8192);
  part.write32(0x10, 0x1234_5678);
  assert.equal(memory.read32(0x1010), 0x1234_5678);
  memory.bytes[4096 + 8191] = 9;
  assert.equal(part.bytes[8191], 9);
  assert.equal(part.has(8191, 2), false);
  assert.throws(() => part.read32(8189), RangeError);
  assert.throws(() => memory.part(16, 4096), RangeError);
  assert.throws(() => memory.part(12288, 8192), RangeError);
  assert.deepEqual(part.save(), { sizeBytes: 8192, pages: pagesOf(part) });
});

function pagesOf({ bytes }: PhysicalMemory): Record<number, string> {
  const base64 = (start: number) => Buffer.from(bytes.subarray(start, start + 4096)).toString("base64");
  return { 0: base64(0), 4096: base64(4096) };
}
