import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ConfigSpace, configSpaceOf } from "./config-space.ts";

const COUNTING = Uint8Array.from({ length: 256 }, (_, index) => 0xf0 ^ index);

describe("ConfigSpace", () => {
  it("reads little-endian registers, and 32 bits without a sign", () => {
    const space = new ConfigSpace(Uint8Array.of(0x86, 0x80, 0xc9, 0x90));
    assert.deepEqual([space.u8(3), space.u16(0), space.u32(0)], [0x90, 0x8086, 0x90c98086]);
    assert.deepEqual([space.read(1, 8), space.read(2, 16), space.read(0, 32)], [0x80, 0x90c9, 0x90c98086]);
  });

  it("gives undefined for an access that touches a byte that was not read", () => {
    const space = new ConfigSpace(COUNTING, [
      [0, 0x10],
      [0x40, 0x42],
    ]);
    assert.equal(space.u32(0x0c), 0xfffefdfc);
    assert.deepEqual([space.u32(0x0e), space.u16(0x0f), space.u8(0x10)], [undefined, undefined, undefined]);
    assert.deepEqual([space.u16(0x40), space.u16(0x41), space.u8(0x41)], [0xb1b0, undefined, 0xb1]);
    assert.deepEqual([space.u8(-1), space.u8(4096), space.end], [undefined, undefined, 0x42]);
    assert.equal(space.hexDump(0x0e, 4), "fe ff -- --");
  });

  it("knows nothing of an empty space", () => {
    const space = new ConfigSpace(new Uint8Array(0));
    assert.deepEqual([space.u8(0), space.end, space.has(0, 1)], [undefined, 0, false]);
  });

  it("refuses more bytes than a function has", () => {
    assert.throws(() => new ConfigSpace(new Uint8Array(4097)), RangeError);
  });

  it("has exactly what its ranges say", () => {
    const ranges = fc.uniqueArray(fc.nat(63), { maxLength: 8 }).map((ends) => {
      const sorted = ends.toSorted((a, b) => a - b);
      return sorted.flatMap((start, index) =>
        index % 2 === 0 && sorted[index + 1] !== undefined ? [[start, sorted[index + 1]] as [number, number]] : [],
      );
    });
    fc.assert(
      fc.property(ranges, fc.integer({ min: -4, max: 70 }), fc.integer({ min: 1, max: 4 }), (known, offset, size) => {
        const space = new ConfigSpace(COUNTING, known);
        const expected = Array.from({ length: size }, (_, index) => offset + index).every((at) =>
          known.some(([from, to]) => at >= from && at < to),
        );
        assert.equal(space.has(offset, size), expected);
      }),
    );
  });

  it("is made again from the bytes that it writes, those that were not read among them", () => {
    const bytes = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(bytes, fc.nat(63), fc.nat(63), (all, from, size) => {
        const space = new ConfigSpace(all, from < all.length ? [[from, Math.min(from + size + 1, all.length)]] : []);
        const again = configSpaceOf(space.hexDump(0, all.length));
        assert.equal(again.hexDump(0, 65), space.hexDump(0, 65));
        assert.deepEqual(again.known, space.known);
      }),
    );
    assert.deepEqual(configSpaceOf("").known, []);
    assert.throws(() => configSpaceOf("86 8z"), RangeError);
  });
});
