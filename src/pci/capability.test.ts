import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  capability,
  decodeCapability,
  type Problem,
  walkCapabilities,
  walkExtendedCapabilities,
} from "./capability.ts";
import { ConfigSpace } from "./config-space.ts";
import { bits, register } from "./register.ts";

const POINTER = 0x34;

/** A space with bytes at some offsets; all of it read where `known` is left out. */
function space(patch: Readonly<Record<number, readonly number[]>>, known?: [number, number][]): ConfigSpace {
  const bytes = new Uint8Array(4096);
  for (const [offset, some] of Object.entries(patch)) bytes.set(some, Number(offset));
  return new ConfigSpace(bytes, known);
}

function walk(patch: Readonly<Record<number, readonly number[]>>, known?: [number, number][]) {
  const problems: Problem[] = [];
  const found = walkCapabilities(space(patch, known), POINTER, problems);
  return {
    found: found.map(({ id, offset }) => [id, offset]),
    problems: problems.map(({ kind, offset }) => [kind, offset]),
  };
}

function walkExtended(patch: Readonly<Record<number, readonly number[]>>, known?: [number, number][]) {
  const problems: Problem[] = [];
  const found = walkExtendedCapabilities(space(patch, known), problems);
  return {
    found: found.map(({ id, offset, version }) => [id, offset, version]),
    problems: problems.map(({ kind, offset }) => [kind, offset]),
  };
}

/** The four bytes of an extended capability's header (PCIe 6.0 §7.6.3). */
function header(id: number, version: number, next: number): number[] {
  const value = (id | (version << 16) | (next << 20)) >>> 0;
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}

describe("walkCapabilities", () => {
  it("follows the pointers in their order", () => {
    const list = walk({ [POINTER]: [0x80], 0x80: [0x10, 0x40], 0x40: [0x01, 0x50], 0x50: [0x11, 0x00] });
    assert.deepEqual(list, {
      found: [
        [0x10, 0x80],
        [0x01, 0x40],
        [0x11, 0x50],
      ],
      problems: [],
    });
  });

  it("leaves the two lowest bits of a pointer out (PCIe 6.0 §7.5.1.1.11)", () => {
    const list = walk({ [POINTER]: [0x43], 0x40: [0x01, 0x52], 0x50: [0x05, 0x03] });
    assert.deepEqual(list, {
      found: [
        [0x01, 0x40],
        [0x05, 0x50],
      ],
      problems: [],
    });
  });

  it("ends at a loop", () => {
    const list = walk({ [POINTER]: [0x40], 0x40: [0x01, 0x50], 0x50: [0x05, 0x40] });
    assert.deepEqual(list, {
      found: [
        [0x01, 0x40],
        [0x05, 0x50],
      ],
      problems: [["loop", 0x51]],
    });
  });

  it("ends at an ID of FFh, as lspci's chain broken", () => {
    assert.deepEqual(walk({ [POINTER]: [0x40], 0x40: [0xff, 0xff] }), { found: [], problems: [["broken", 0x40]] });
  });

  it("reports a pointer into the header, and goes on as lspci does", () => {
    const list = walk({ [POINTER]: [0x20], 0x20: [0x05, 0x40], 0x40: [0x01, 0] });
    assert.deepEqual(list, {
      found: [
        [0x05, 0x20],
        [0x01, 0x40],
      ],
      problems: [["reserved-pointer", POINTER]],
    });
  });

  it("ends where a header was not read", () => {
    const known: [number, number][] = [[0, 0x44]];
    const patch = { [POINTER]: [0x40], 0x40: [0x01, 0x50] };
    assert.deepEqual(walk(patch, known), { found: [[0x01, 0x40]], problems: [["unread", 0x50]] });
    assert.deepEqual(walk(patch, [[0, 0x34]]), { found: [], problems: [["unread", POINTER]] });
    // The ID alone does not tell where the list goes on.
    assert.deepEqual(walk(patch, [[0, 0x41]]), { found: [], problems: [["unread", 0x40]] });
  });

  it("always ends, with no header twice", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), (bytes) => {
        const found = walkCapabilities(new ConfigSpace(bytes), POINTER, []);
        assert.ok(found.length <= 63);
        assert.equal(new Set(found.map(({ offset }) => offset)).size, found.length);
        assert.ok(found.every(({ offset }) => offset % 4 === 0));
      }),
    );
  });
});

describe("walkExtendedCapabilities", () => {
  it("follows the list from 100h on, with versions", () => {
    const list = walkExtended({
      0x100: header(0x01, 2, 0x140),
      0x140: header(0x0e, 1, 0x160),
      0x160: header(0x10, 1, 0),
    });
    assert.deepEqual(list, {
      found: [
        [0x01, 0x100, 2],
        [0x0e, 0x140, 1],
        [0x10, 0x160, 1],
      ],
      problems: [],
    });
  });

  it("finds none where the first header is zero (PCIe 6.0 §7.6.1)", () => {
    assert.deepEqual(walkExtended({}), { found: [], problems: [] });
  });

  it("shows what follows an ID of 0, as Linux does", () => {
    const list = walkExtended({ 0x100: header(0, 1, 0x140), 0x140: header(0x10, 1, 0) });
    assert.deepEqual(list.found, [
      [0, 0x100, 1],
      [0x10, 0x140, 1],
    ]);
  });

  it("ends at a loop, at all ones and at what was not read", () => {
    const first = header(0x01, 1, 0x140);
    assert.deepEqual(walkExtended({ 0x100: first, 0x140: header(0x0e, 1, 0x100) }).problems, [["loop", 0x140]]);
    assert.deepEqual(walkExtended({ 0x100: first, 0x140: header(0x0e, 1, 0x140) }).problems, [["loop", 0x140]]);
    assert.deepEqual(walkExtended({ 0x100: first, 0x140: [0xff, 0xff, 0xff, 0xff] }).problems, [["all-ones", 0x140]]);
    assert.deepEqual(walkExtended({ 0x100: first }, [[0, 0x142]]).problems, [["unread", 0x140]]);
    assert.deepEqual(walkExtended({ 0x100: first }, [[0, 0x100]]), { found: [], problems: [["unread", 0x100]] });
  });

  it("leaves the two lowest bits of a pointer out, and reports one below 100h", () => {
    const list = walkExtended({ 0x100: header(0x01, 1, 0x143), 0x140: header(0x0e, 1, 0x80) });
    assert.deepEqual(list, {
      found: [
        [0x01, 0x100, 1],
        [0x0e, 0x140, 1],
      ],
      problems: [["reserved-pointer", 0x140]],
    });
  });

  it("always ends, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), (bytes) => {
        const found = walkExtendedCapabilities(new ConfigSpace(bytes), []);
        assert.equal(new Set(found.map(({ offset }) => offset)).size, found.length);
      }),
    );
  });
});

describe("decodeCapability", () => {
  const definition = capability({
    id: 0x77,
    name: "Test",
    spec: "none",
    table: { count: register(0x04, 8, undefined, "none", { count: bits(7, 0, "RO") }) },
    blocks: ({ count }) => {
      const entry = (index: number) => ({
        name: "entries",
        offset: 0x08 + index * 4,
        table: { entry: register(0, 32, undefined, "none", { value: bits(31, 0, "RO") }) },
        derive: ({ value }: Record<string, unknown>) => ({ twice: typeof value === "number" ? value * 2 : null }),
      });
      return [
        { offset: 4, table: { flags: register(1, 8, undefined, "none", { flags: bits(7, 0, "RO") }) } },
        ...Array.from({ length: count ?? 0 }, (_, index) => entry(index)),
      ];
    },
    derive: ({ count }) => ({ even: count !== null && count % 2 === 0 }),
    size: () => 0x20,
  });

  function decode(known?: [number, number][]) {
    const view = { space: space({ 0x104: [2, 9], 0x108: [5, 0, 0, 0, 7] }, known), offset: 0x100, version: 1 };
    return decodeCapability({ id: 0x77, offset: 0x100, version: 1 }, definition, { ...view, devicePortType: 0 }, 16);
  }

  it("joins blocks without a name, gathers named ones, and derives", () => {
    const { values, sizeBytes, blocks, name } = decode();
    assert.deepEqual(values, {
      count: 2,
      flags: 9,
      entries: [
        { value: 5, twice: 10 },
        { value: 7, twice: 14 },
      ],
      even: true,
    });
    assert.deepEqual([name, sizeBytes, blocks.length], ["Test", 0x20, 3]);
  });

  it("gives null for what was not read", () => {
    const { values } = decode([[0, 0x10a]]);
    assert.deepEqual(values.entries, [
      { value: null, twice: null },
      { value: null, twice: null },
    ]);
  });

  it("shows the bytes of a capability that it does not know", () => {
    const view = { space: space({ 0x100: [0x99, 0, 1] }), offset: 0x100, version: 1, devicePortType: undefined };
    const decoded = decodeCapability({ id: 0x99, offset: 0x100, version: 1 }, undefined, view, 4);
    assert.deepEqual([decoded.name, decoded.sizeBytes, decoded.values], ["unknown", 4, { bytes: "99 00 01 00" }]);
  });
});
