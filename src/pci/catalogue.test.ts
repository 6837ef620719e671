import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Capability, decodeCapability } from "./capability.ts";
import { CAPABILITIES, EXTENDED_CAPABILITIES } from "./catalogue.ts";
import { ConfigSpace } from "./config-space.ts";
import { COMMON_HEADER, TYPE0_HEADER, TYPE1_HEADER, TYPE2_HEADER } from "./header.ts";
import { type RegisterTable, tableSize } from "./register.ts";

const RESERVED_NAMES = ["id", "name", "offset", "version"];

interface Placed {
  readonly name: string;
  readonly table: RegisterTable;
}

const HEADERS: readonly Placed[] = [
  { name: "header", table: COMMON_HEADER },
  { name: "type 0 header", table: TYPE0_HEADER },
  { name: "type 1 header", table: TYPE1_HEADER },
  { name: "type 2 header", table: TYPE2_HEADER },
];

const DEFINITIONS: readonly { readonly definition: Capability; readonly extended: boolean }[] = [
  ...[...CAPABILITIES.values()].map((definition) => ({ definition, extended: false })),
  ...[...EXTENDED_CAPABILITIES.values()].map((definition) => ({ definition, extended: true })),
];

/** What is wrong with a table by itself: fields outside their register or over each other, names twice. */
function faultsOf(where: string, table: RegisterTable): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  for (const [registerName, { offset, width, fields, spec }] of Object.entries(table)) {
    const place = `${where} ${registerName}`;
    if (offset < 0 || !Number.isInteger(offset) || offset % (width / 8) !== 0)
      faults.push(`${place}: offset ${offset}`);
    if (spec === "") faults.push(`${place}: no specification`);
    const taken = new Map<number, string>();
    for (const [name, { lsb, width: size, reset, access }] of Object.entries(fields)) {
      if (size < 1 || lsb < 0 || lsb + size > width)
        faults.push(`${place}.${name}: bits ${lsb + size - 1}:${lsb} of ${width}`);
      for (let at = lsb; at < lsb + size; at++) {
        // A register's whole may stand beside its parts where nobody can write either.
        if ((taken.get(at) ?? access) !== access || (taken.has(at) && !["RO", "HwInit"].includes(access))) {
          faults.push(`${place}.${name}: overlaps another field at bit ${at}`);
          break;
        }
        taken.set(at, access);
      }
      if (reset < 0 || BigInt(reset) >= 2n ** BigInt(size)) faults.push(`${place}.${name}: resets to ${reset}`);
      if (access === "HwInit" && reset !== 0) faults.push(`${place}.${name}: HwInit with a reset value`);
      if (RESERVED_NAMES.includes(name)) faults.push(`${place}.${name}: reserved name`);
      if (names.has(name)) faults.push(`${place}.${name}: name twice`);
      if (!/^[a-z][A-Za-z0-9]*$/.test(name)) faults.push(`${place}.${name}: not camelCase`);
      names.add(name);
    }
  }
  return faults;
}

/** The same, for one instance with all its blocks: those without a name share the names of the table. */
function instanceFaults(
  definition: Capability,
  extended: boolean,
  bytes: Uint8Array,
  type: number | undefined,
  version: number,
): string[] {
  const start = extended ? 0x100 : 0x40;
  const space = new ConfigSpace(bytes);
  const header = { id: definition.id, offset: start, ...(extended ? { version } : {}) };
  const view = { space, offset: start, version: extended ? version : undefined, devicePortType: type };
  const { blocks, values, sizeBytes } = decodeCapability(header, definition, view, 0);
  const faults: string[] = [];
  const shared = new Set(Object.values(definition.table).flatMap(({ fields }) => Object.keys(fields)));
  const blockNames = new Set<string>();
  for (const { name, offset, table } of blocks) {
    faults.push(...faultsOf(`${definition.name} block ${name ?? ""}`, table));
    if (offset < 0) faults.push(`${definition.name}: a block at ${offset}`);
    if (offset + tableSize(table) > sizeBytes) faults.push(`${definition.name}: a block beyond its size`);
    if (name !== undefined) {
      blockNames.add(name);
      continue;
    }
    for (const field of Object.values(table).flatMap(({ fields }) => Object.keys(fields))) {
      if (shared.has(field)) faults.push(`${definition.name}: field ${field} twice`);
      shared.add(field);
    }
  }
  for (const name of [...blockNames, ...Object.keys(values)]) {
    if (RESERVED_NAMES.includes(name)) faults.push(`${definition.name}: reserved name ${name}`);
  }
  for (const name of blockNames) if (shared.has(name)) faults.push(`${definition.name}: block and field ${name}`);
  return faults;
}

describe("the headers' tables", () => {
  it("hold their fields within their registers, each name once", () => {
    assert.deepEqual(
      HEADERS.flatMap(({ name, table }) => faultsOf(name, table)),
      [],
    );
    for (const { table } of HEADERS.slice(1)) assert.deepEqual(faultsOf("header", { ...COMMON_HEADER, ...table }), []);
  });

  it("have no two registers over each other", () => {
    for (const { name, table } of HEADERS) assert.deepEqual(overlaps(name, table), []);
  });
});

describe("the catalogue's tables", () => {
  it("hold their fields within their registers, each name once, no reserved names", () => {
    assert.deepEqual(
      DEFINITIONS.flatMap(({ definition }) => faultsOf(definition.name, definition.table)),
      [],
    );
  });

  it("have no two registers over each other, nor over the header", () => {
    const faults = DEFINITIONS.flatMap(({ definition, extended }) => {
      const header = Object.values(definition.table).filter(({ offset }) => offset < (extended ? 4 : 2));
      return [
        ...overlaps(definition.name, definition.table),
        ...header.map(() => `${definition.name}: over its header`),
      ];
    });
    assert.deepEqual(faults, []);
  });

  it("have the ID of their key, and a name", () => {
    for (const [id, { id: own, name }] of [...CAPABILITIES, ...EXTENDED_CAPABILITIES]) {
      assert.equal(own, id);
      assert.notEqual(name, "");
    }
  });
});

describe("the catalogue's blocks", () => {
  for (const { definition, extended } of DEFINITIONS) {
    it(`of ${definition.name} keep the same rules, whatever the registers hold`, () => {
      const bytes = fc.oneof(
        fc.uint8Array({ minLength: 4096, maxLength: 4096 }),
        // Small numbers make the shorter forms that any byte seldom does.
        fc
          .array(fc.constantFrom(0, 0, 0, 1, 2, 3, 0x10, 0x42, 0x80, 0xff), { minLength: 128, maxLength: 128 })
          .map((some) => {
            const all = new Uint8Array(4096);
            all.set(some, 0x40);
            all.set(some, 0x100);
            return all;
          }),
      );
      const type = fc.option(fc.nat(15), { nil: undefined });
      fc.assert(
        fc.property(bytes, type, fc.nat(15), (all, devicePortType, version) => {
          assert.deepEqual(instanceFaults(definition, extended, all, devicePortType, version), []);
        }),
        { numRuns: 60 },
      );
    });
  }
});

function overlaps(where: string, table: RegisterTable): string[] {
  const faults: string[] = [];
  const taken = new Map<number, string>();
  for (const [name, { offset, width }] of Object.entries(table)) {
    for (let at = offset; at < offset + width / 8; at++) {
      const other = taken.get(at);
      if (other !== undefined) faults.push(`${where}: ${name} over ${other} at ${at}`);
      taken.set(at, name);
    }
  }
  return faults;
}
