import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { walkCapabilities } from "../capability.ts";
import { ConfigSpace, PCI_CFG_SPACE_SIZE } from "../config-space.ts";
import type { Register, RegisterTable } from "../register.ts";
import { dumpFiles, dumpsAreMissing, functionsOf } from "../testing/dumps.ts";
import { EXPRESS } from "./express.ts";
import { STANDARD_CAPABILITIES } from "./index.ts";
import { MSIX } from "./msix.ts";
import { AT, decodeAt } from "./testing/capability-bytes.ts";

const RESERVED_NAMES = ["id", "name", "offset", "version"];

/** A configuration space of random bytes, read up to a random place, with a random header. */
const spaces = fc
  .record({
    bytes: fc.uint8Array({ minLength: PCI_CFG_SPACE_SIZE, maxLength: PCI_CFG_SPACE_SIZE }),
    headerType: fc.constantFrom(0, 1, 2),
    virtio: fc.boolean(),
    readBytes: fc.oneof(fc.constant(PCI_CFG_SPACE_SIZE), fc.integer({ min: 0, max: PCI_CFG_SPACE_SIZE })),
  })
  .map(({ bytes, headerType, virtio, readBytes }) => {
    bytes[0x0e] = headerType;
    if (virtio) bytes.set([0xf4, 0x1a, 0x41, 0x10]);
    return new ConfigSpace(bytes, [[0, readBytes]]);
  });

test("the IDs go from 00h to 15h, each once", () => {
  assert.deepEqual(
    STANDARD_CAPABILITIES.map(({ id }) => id),
    Array.from({ length: 0x16 }, (_, id) => id),
  );
});

for (const definition of STANDARD_CAPABILITIES) {
  test(`${definition.name}: whatever the bytes are, the fields lie in their registers and have names of their own`, () => {
    fc.assert(
      fc.property(spaces, fc.integer({ min: AT, max: PCI_CFG_SPACE_SIZE - 4 }).map(aligned), (space, offset) => {
        const { values, blocks, sizeBytes } = decodeAt(definition, space, offset);
        assert.ok(sizeBytes <= 0x100, `${sizeBytes} bytes`);
        assert.ok(JSON.stringify(values, (_key, value) => (typeof value === "bigint" ? `${value}` : value)));
        const flat = [definition.table, ...blocks.filter(({ name }) => name === undefined).map(({ table }) => table)];
        checkTable(flat);
        for (const { name, table } of blocks) if (name !== undefined) checkTable([table]);
      }),
    );
  });
}

test("link and MSI-X of every dump read as the lspci of its time printed them", { skip: dumpsAreMissing }, () => {
  let compared = 0;
  for (const file of dumpFiles()) {
    for (const { slot, space, text } of functionsOf(file)) {
      if (space.u8(0x34) === undefined || (space.u8(0x0e) ?? 0) & 2) continue;
      for (const { id, offset } of walkCapabilities(space, 0x34, [])) {
        const where = `${file} ${slot}`;
        const section = text.split(`Capabilities: [${offset.toString(16)}]`)[1];
        if (id === EXPRESS.id) {
          const { values } = decodeAt(EXPRESS, space, offset);
          compared += compare(section, /LnkCap:\tPort #(\d+), Speed ([\d.]+)GT\/s, Width x(\d+)/, where, [
            values.portNumber,
            values.maxLinkSpeedGtps,
            values.maxLinkWidth,
          ]);
          compared += compare(section, /LnkSta:\tSpeed ([\d.]+)GT\/s[^,]*, Width x(\d+)/, where, [
            values.currentLinkSpeedGtps,
            values.negotiatedLinkWidth,
          ]);
        } else if (id === MSIX.id) {
          const { values } = decodeAt(MSIX, space, offset);
          compared += compare(section, /^ MSI-X: .*(?:Count|TabSize)=(\d+)/, where, [values.tableSize]);
          const { tableBir, tableOffset } = values;
          compared += compare(section, /^.*\n\t\tVector table: BAR=(\d) offset=([0-9a-f]{8})/, where, [
            tableBir,
            (tableOffset as number).toString(16).padStart(8, "0"),
          ]);
        }
      }
    }
  }
  assert.ok(compared >= 30, `only ${compared} lines were there to compare`);
});

/** @returns how many lines were compared: none where lspci printed none. */
function compare(section: string | undefined, line: RegExp, where: string, values: readonly unknown[]): number {
  const match = line.exec(section ?? "");
  if (match === null) return 0;
  assert.deepEqual(values.map(String), match.slice(1), `${where}: ${match[0]}`);
  return 1;
}

function aligned(offset: number): number {
  return offset & ~3;
}

/** No field outside its register or over another one, none named as the result's own keys are, each name once. */
function checkTable(tables: readonly RegisterTable[]): void {
  const names = tables.flatMap((table) => Object.values(table).flatMap(({ fields }) => Object.keys(fields)));
  assert.equal(new Set(names).size, names.length, `a name twice in ${names.join(", ")}`);
  assert.ok(!names.some((name) => RESERVED_NAMES.includes(name)));
  for (const table of tables) for (const register of Object.values(table)) checkFields(register);
}

function checkFields({ offset, width, fields }: Register): void {
  assert.equal(offset % (width / 8), 0);
  let taken = 0n;
  for (const [name, field] of Object.entries(fields)) {
    assert.ok(field.lsb + field.width <= width, `${name} runs out of its register`);
    const mask = ((1n << BigInt(field.width)) - 1n) << BigInt(field.lsb);
    assert.equal(taken & mask, 0n, `${name} lies over another field`);
    taken |= mask;
  }
}
