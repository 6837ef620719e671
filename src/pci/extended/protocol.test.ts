import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigSpace } from "../config-space.ts";
import { PROTOCOL_CAPABILITIES } from "./protocol.ts";
import { decodeAt } from "./testing/capability-bytes.ts";

/** A generator that gives the same bytes in every run (xorshift32). */
function bytesFrom(seed: number, length: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  });
}

test("protocol capabilities are in the order of their IDs, each once", () => {
  const ids = PROTOCOL_CAPABILITIES.map(({ id }) => id);
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((a, b) => a - b),
  );
});

test("protocol capabilities have each field name once, and none that a capability's header uses", () => {
  for (const { name, table } of PROTOCOL_CAPABILITIES) {
    const fields = Object.values(table).flatMap((register) => Object.keys(register.fields));
    assert.deepEqual(fields, [...new Set(fields)], name);
    for (const reserved of ["id", "name", "offset", "version"]) assert.equal(fields.includes(reserved), false, name);
  }
});

test("protocol capabilities have fields within their registers that do not overlap", () => {
  for (const { name, table } of PROTOCOL_CAPABILITIES) {
    for (const [key, register] of Object.entries(table)) {
      let end = 0;
      for (const field of Object.values(register.fields).sort((a, b) => a.lsb - b.lsb)) {
        assert.ok(field.lsb >= end, `${name} ${key}`);
        end = field.lsb + field.width;
      }
      assert.ok(end <= register.width, `${name} ${key}`);
    }
  }
});

test("protocol capabilities decode any bytes, read in whole or in part, to bounded JSON", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const bytes = seed === 1 ? new Uint8Array(4096).fill(0xff) : bytesFrom(seed * 2_654_435_761, 4096);
    for (const definition of PROTOCOL_CAPABILITIES) {
      for (const offset of [0x100, 0xfb4, 0xffc]) {
        const space = new ConfigSpace(bytes, seed % 3 === 0 ? [[0, offset + (seed % 29)]] : [[0, 4096]]);
        for (const devicePortType of [undefined, 0, 4]) {
          const { values, sizeBytes } = decodeAt(definition, { space, offset, version: seed & 0xf, devicePortType });
          const json = JSON.stringify(values, (_key, value) => (typeof value === "bigint" ? value.toString() : value));
          assert.ok(json.length < 200_000, definition.name);
          assert.ok(sizeBytes >= 4 && sizeBytes <= 8192, `${definition.name}: ${sizeBytes}`);
          assert.doesNotMatch(json, /[:,[]"?-\d/, `${definition.name} has a negative number`);
        }
      }
    }
  }
});

test("protocol capabilities give null for every field of a register that was not read", () => {
  const nothing = new ConfigSpace(new Uint8Array(4096), [[0, 0x104]]);
  for (const definition of PROTOCOL_CAPABILITIES) {
    const { values } = decodeAt(definition, { space: nothing, offset: 0x100, version: 2, devicePortType: 4 });
    for (const register of Object.values(definition.table)) {
      for (const field of Object.keys(register.fields))
        assert.equal(values[field], null, `${definition.name} ${field}`);
    }
  }
});
