/** Writes docs/registers.md from the register tables; a test fails while the two differ. */
import { writeFileSync } from "node:fs";
import { at, type Capability } from "../src/pci/capability.ts";
import { CAPABILITIES, EXTENDED_CAPABILITIES } from "../src/pci/catalogue.ts";
import { COMMON_HEADER, TYPE0_HEADER, TYPE1_HEADER, TYPE2_HEADER } from "../src/pci/header.ts";
import { accessMask, type Field, type RegisterTable } from "../src/pci/register.ts";

const HEADER = `# Registers

Every register that vfleet decodes, by the names that \`--json\` and the text output use. Offsets count from the start of
configuration space for headers, from the capability's own header for capabilities. Access is as PCI-SIG writes it: RO,
RW, RW1C (write 1 to clear), HwInit, a trailing S for sticky. Registers that only some instances of a capability have
(ports, virtual channels, table entries) are decoded by the same rules and listed with the others where each has them.

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

function capabilitySection({ id, name, spec, table }: Capability, digits: number): string {
  return section(`${id.toString(16).toUpperCase().padStart(digits, "0")}h ${name}`, spec, table);
}

function section(title: string, spec: string, table: RegisterTable): string {
  const rows = Object.values(table).flatMap((register) => {
    const place = `${at(register.offset)} | ${register.constant ?? ""}`;
    const writable = accessMask(register, ["RW", "RWS", "RW1C", "RW1CS"]);
    const mask = writable === 0 ? "read-only" : `writable ${at(writable)}`;
    const head = `| ${place} | ${register.width} bits, ${mask} | | ${register.spec} |`;
    return [head, ...Object.entries(register.fields).map(([name, field]) => fieldRow(name, field))];
  });
  const head = rows.length === 0 ? [] : ["| offset | register or field | bits | access | meaning |", "|---|---|---|---|---|"];
  return [`## ${title}`, ...(spec === "" ? [] : [`${spec}`, ""]), ...head, ...rows, ""].join("\n");
}

function fieldRow(name: string, { lsb, width, access, doc }: Field): string {
  const bits = width === 1 ? String(lsb) : `${lsb + width - 1}:${lsb}`;
  return `| | \`${name}\` | ${bits} | ${access} | ${(doc ?? "").replaceAll("|", "\\|")} |`;
}

if (import.meta.main) {
  writeFileSync(new URL("../docs/registers.md", import.meta.url), registerDocs());
}
