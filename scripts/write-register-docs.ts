/** Writes docs/registers.md from the register tables; a test fails while the two differ. */
import { writeFileSync } from "node:fs";
import { at, type Capability } from "../src/pci/capability.ts";
import { CAPABILITIES, EXTENDED_CAPABILITIES } from "../src/pci/catalogue.ts";
import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE } from "../src/pci/config-space.ts";
import { COMMON_HEADER, TYPE0_HEADER, TYPE1_HEADER, TYPE2_HEADER } from "../src/pci/header.ts";
import { accessMask, decodeTable, type Field, type RegisterTable } from "../src/pci/register.ts";

const SAMPLE_OFFSET = 0x100;
const RANDOM_SAMPLES = 64;
const LAST_PORT_TYPE = 10;
const PCI_HEADER_TYPE = 0x0e;

const HEADER = `# Registers

Every register that vfleet decodes, by the names that \`--json\` and the text output use. Offsets count from the start of
configuration space for headers, from the capability's own header for capabilities. Access is as PCI-SIG writes it: RO,
RW, RW1C (write 1 to clear), HwInit, a trailing S for sticky. Registers that only some instances of a capability have are
listed under it: those of a table's entries with offsets from the entry, the others from the capability's header.

<!-- Written from src/pci by \`npm run docs\`: change it there. -->
`;

/** The page that documents all registers. */
export function registerDocs(): string {
  const sections = [
    section("Header, all layouts", "", COMMON_HEADER),
    section("Header type 0", "", TYPE0_HEADER),
    section("Header type 1", "", TYPE1_HEADER),
    section("Header type 2", "", TYPE2_HEADER),
    ...[...CAPABILITIES.values()].map((capability) => capabilitySection(capability, 2)),
    ...[...EXTENDED_CAPABILITIES.values()].map((capability) => capabilitySection(capability, 4)),
  ];
  return [HEADER, ...sections].join("\n");
}

function capabilitySection(capability: Capability, digits: number): string {
  const { id, name, spec, table } = capability;
  const parts = optionalTables(capability).map(([title, part]) => registerTable(`### ${title}`, part));
  return [section(`${id.toString(16).toUpperCase().padStart(digits, "0")}h ${name}`, spec, table), ...parts].join("\n");
}

/**
 * The registers that only some instances have. Which they are is for the instance's registers to say, so instances of
 * many kinds are made, the same ones at each run, and what they have is gathered.
 */
function optionalTables({ table, blocks }: Capability): (readonly [title: string, table: RegisterTable])[] {
  if (!blocks) return [];
  const found = new Map<string, readonly [string, RegisterTable]>();
  for (const space of sampleSpaces()) {
    const values: Record<string, unknown> = decodeTable(space, SAMPLE_OFFSET, table);
    for (let devicePortType = 0; devicePortType <= LAST_PORT_TYPE; devicePortType++) {
      for (const version of [1, 2]) {
        const view = { space, offset: SAMPLE_OFFSET, version, devicePortType };
        for (const block of blocks({ ...values, devicePortType }, view)) {
          const fields = Object.values(block.table).flatMap((register) => Object.keys(register.fields));
          const key = `${block.name}: ${fields.join()}`;
          const title = block.name === undefined ? "in some instances" : `each of \`${block.name}\``;
          // Registers that join the capability's own count from its header, wherever their table was laid.
          const shown = block.name === undefined ? shifted(block.table, block.offset) : block.table;
          if (fields.length > 0 && !found.has(key)) found.set(key, [title, shown]);
        }
      }
    }
  }
  return [...found.values()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function shifted(table: RegisterTable, by: number): RegisterTable {
  return Object.fromEntries(
    Object.entries(table).map(([name, register]) => [name, { ...register, offset: register.offset + by }]),
  );
}

/** Zeros, ones, and bytes from a generator with a fixed seed (xorshift32). */
function* sampleSpaces(): Generator<ConfigSpace> {
  yield new ConfigSpace(new Uint8Array(PCI_CFG_SPACE_EXP_SIZE));
  yield new ConfigSpace(new Uint8Array(PCI_CFG_SPACE_EXP_SIZE).fill(0xff));
  let state = 0x2545_f491;
  for (let sample = 0; sample < RANDOM_SAMPLES; sample++) {
    const bytes = new Uint8Array(PCI_CFG_SPACE_EXP_SIZE);
    for (let at = 0; at < bytes.length; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[at] = state;
    }
    // Every other sample has the header of a bridge or an endpoint, as some capabilities look at it.
    bytes[PCI_HEADER_TYPE] = sample % 2;
    yield new ConfigSpace(bytes);
  }
}

function section(title: string, spec: string, table: RegisterTable): string {
  return registerTable(`## ${title}${spec === "" ? "" : `\n${spec}\n`}`, table);
}

function registerTable(heading: string, table: RegisterTable): string {
  const rows = Object.values(table).flatMap((register) => {
    const place = `${at(register.offset)} | ${register.constant ?? ""}`;
    const writable = accessMask(register, ["RW", "RWS", "RW1C", "RW1CS"]);
    const mask = writable === 0 ? "read-only" : `writable ${at(writable)}`;
    const head = `| ${place} | ${register.width} bits, ${mask} | | ${register.spec} |`;
    return [head, ...Object.entries(register.fields).map(([name, field]) => fieldRow(name, field))];
  });
  const head = ["| offset | register or field | bits | access | meaning |", "|---|---|---|---|---|"];
  return [heading, ...(rows.length === 0 ? [] : head), ...rows, ""].join("\n");
}

function fieldRow(name: string, { lsb, width, access, doc }: Field): string {
  const bits = width === 1 ? String(lsb) : `${lsb + width - 1}:${lsb}`;
  return `| | \`${name}\` | ${bits} | ${access} | ${(doc ?? "").replaceAll("|", "\\|")} |`;
}

if (import.meta.main) {
  writeFileSync(new URL("../docs/registers.md", import.meta.url), registerDocs());
}
