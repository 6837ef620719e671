import type { Bar } from "../../../src/pci/bar.ts";
import { type Bdf, hex } from "../../../src/pci/bdf.ts";
import { at, type DecodedCapability } from "../../../src/pci/capability.ts";
import { type ConfigSpace, configSpaceOf } from "../../../src/pci/config-space.ts";
import { type DecodedFunction, decodeFunction } from "../../../src/pci/decode.ts";
import { type Field, fieldValue, type Register, type RegisterTable } from "../../../src/pci/register.ts";

/** A field of a register, as this function has it. */
export interface FieldRow {
  readonly name: string;
  /** `15:0`, `3`. */
  readonly bits: string;
  readonly access: string;
  /** In hexadecimal; null: not read. */
  readonly raw: string | null;
  /** What that stands for. */
  readonly value: string;
  /** What the field is for; empty where its name says it. */
  readonly doc: string;
}

export interface RegisterRow {
  /** The same as long as the function is. */
  readonly key: string;
  /** By the name of Linux's pci_regs.h where it has one. */
  readonly name: string;
  /** In configuration space. */
  readonly offset: string;
  /** null: not read. */
  readonly raw: string | null;
  readonly spec: string;
  readonly fields: readonly FieldRow[];
}

/** The header, or one capability. */
export interface RegisterGroup {
  readonly key: string;
  readonly title: string;
  readonly offset: string;
  readonly registers: readonly RegisterRow[];
  /** What follows from several registers, and the bytes of what has no definition. */
  readonly derived: ReadonlyArray<{ readonly name: string; readonly value: string }>;
}

export interface FunctionRegisters {
  readonly groups: readonly RegisterGroup[];
  /** What is not as the standard wants it, or was not read. */
  readonly problems: readonly string[];
}

/**
 * All registers of a function by their names in the standard.
 * @param config its configuration space as the API has it: bytes in hexadecimal, `--` for those that were not read
 */
export function functionRegisters(bdf: string, config: string): FunctionRegisters {
  const fn = decodeFunction(bdf as Bdf, configSpaceOf(config));
  const capabilities = [...fn.capabilities, ...fn.extendedCapabilities];
  return {
    groups: [headerGroup(fn), ...capabilities.map((capability) => capabilityGroup(fn.space, capability))],
    problems: fn.problems.map(({ message }) => message),
  };
}

/** The registers that have a word in their names, fields or meanings; of a group whose title has it all of them. */
export function filterGroups(groups: readonly RegisterGroup[], word: string): readonly RegisterGroup[] {
  const wanted = word.trim().toLowerCase();
  if (wanted === "") return groups;
  const has = (...texts: readonly string[]) => texts.some((text) => text.toLowerCase().includes(wanted));
  return groups.flatMap((group) => {
    if (has(group.title)) return [group];
    const registers = group.registers.flatMap((register) => {
      if (has(register.name, register.offset, register.spec)) return [register];
      const fields = register.fields.filter(({ name, doc, value }) => has(name, doc, value));
      return fields.length === 0 ? [] : [{ ...register, fields }];
    });
    const derived = group.derived.filter(({ name }) => has(name));
    return registers.length + derived.length === 0 ? [] : [{ ...group, registers, derived }];
  });
}

/** The keys of fields that read otherwise than before. One that was not read at one of the times has not changed. */
export function changedFields(before: readonly RegisterGroup[], now: readonly RegisterGroup[]): ReadonlySet<string> {
  const old = new Map(before.flatMap(fieldsIn));
  const changed = now.flatMap(fieldsIn).filter(([key, raw]) => {
    const was = old.get(key);
    return was !== undefined && was !== null && raw !== null && was !== raw;
  });
  return new Set(changed.map(([key]) => key));
}

export function fieldKey(register: RegisterRow, field: FieldRow): string {
  return `${register.key} ${field.name}`;
}

function fieldsIn({ registers }: RegisterGroup): ReadonlyArray<readonly [string, string | null]> {
  return registers.flatMap((register) =>
    register.fields.map((field) => [fieldKey(register, field), field.raw] as const),
  );
}

function headerGroup({ space, headerTables, bars }: DecodedFunction): RegisterGroup {
  return {
    key: "header",
    title: "Header",
    offset: at(0),
    registers: headerTables.flatMap((table) => registerRows(space, 0, table)),
    derived: (bars ?? []).map((bar) => ({ name: `BAR ${bar.index}`, value: barWords(bar) })),
  };
}

function capabilityGroup(space: ConfigSpace, capability: DecodedCapability): RegisterGroup {
  const { definition, id, name, offset, version, blocks, derived } = capability;
  const numbers = new Map<string, number>();
  const inBlocks = blocks.flatMap((block) => {
    const number = numbers.get(block.name ?? "") ?? 0;
    numbers.set(block.name ?? "", number + 1);
    const title = block.name === undefined ? "" : `${block.name} ${number}: `;
    return registerRows(space, offset + block.offset, block.table, title);
  });
  const title = definition === undefined ? `Capability without a definition, ID ${at(id)}` : name;
  return {
    key: `${offset}`,
    title: version === undefined ? title : `${title} v${version}`,
    offset: at(offset),
    registers: [...(definition === undefined ? [] : registerRows(space, offset, definition.table)), ...inBlocks],
    // Those of blocks stand with their registers.
    derived: Object.entries(derived).flatMap(([key, value]) =>
      numbers.has(key) ? [] : [{ name: key, value: valueWords(value) }],
    ),
  };
}

function registerRows(space: ConfigSpace, base: number, table: RegisterTable, title = ""): readonly RegisterRow[] {
  return Object.entries(table).map(([key, register]) => {
    const place = base + register.offset;
    const raw = space.read(place, register.width);
    return {
      key: `${at(place)} ${key}`,
      name: `${title}${register.constant ?? key.replace(/^\d+ /, "")}`,
      offset: at(place),
      raw: raw === undefined ? null : hex(raw, register.width / 4),
      spec: register.spec,
      fields: Object.entries(register.fields).map(([name, field]) => fieldRow(name, field, register, raw)),
    };
  });
}

function fieldRow(name: string, field: Field, register: Register, raw: number | undefined): FieldRow {
  const { lsb, width, access, doc = "" } = field;
  const bits = width === 1 ? String(lsb) : `${lsb + width - 1}:${lsb}`;
  const all = width === register.width ? "all" : bits;
  if (raw === undefined) return { name, bits: all, access, raw: null, value: "unknown: not read", doc };
  const own = Math.floor((raw >>> lsb) % 2 ** width);
  return {
    name,
    bits: all,
    access,
    raw: hex(own, Math.ceil(width / 4)),
    value: valueWords(fieldValue(field, raw)),
    doc,
  };
}

/** A decoded value for a person. */
function valueWords(value: unknown): string {
  if (value === true) return "yes";
  if (value === false) return "no";
  if (value === null) return "unknown: not read";
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(valueWords).join(", ");
  if (typeof value !== "object") return String(value);
  const { kind, id } = value as { readonly kind?: unknown; readonly id?: unknown };
  if (kind === "unknown") return `unknown (${String(id)})`;
  return Object.entries(value)
    .map(([key, item]) => `${key} ${valueWords(item)}`)
    .join(" ");
}

function barWords({ kind, address, is64, prefetchable }: Bar): string {
  if (kind === "io") return `I/O at 0x${address.toString(16)}`;
  return `memory at 0x${address.toString(16)} (${is64 ? "64" : "32"}-bit, ${prefetchable ? "" : "non-"}prefetchable)`;
}
