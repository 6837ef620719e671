import { hex } from "../pci/bdf.ts";
import { at, type Block, type DecodedCapability } from "../pci/capability.ts";
import type { ConfigSpace } from "../pci/config-space.ts";
import type { RegisterTable } from "../pci/register.ts";
import { paint } from "./terminal.ts";
import { TextWriter } from "./text-writer.ts";

const INDENT = "      ";
/** A register with more flags than these shows only those that are set. */
const FEW_FLAGS = 8;

type Values = Readonly<Record<string, unknown>>;

/**
 * One line of a table's text: a register with its fields, or several registers of one field each, whose names are their
 * registers'.
 */
interface Line {
  readonly title: string | undefined;
  readonly offset: number;
  readonly registers: ReadonlyArray<{ readonly offset: number; readonly width: 8 | 16 | 32 }>;
  readonly keys: readonly string[];
  /** Texts by what the registers read: of a thousand VFs nearly all registers read the same. */
  readonly texts: Map<number | string | undefined, string>;
}

/** Texts that are kept of one line; one with more values than these is worked out each time. */
const MOST_TEXTS = 64;
const linesOfTables = new WeakMap<RegisterTable, Map<string, readonly Line[]>>();

/** A capability with each of its registers, by name, and what was computed from them. */
export function writeCapability(
  out: TextWriter,
  space: ConfigSpace,
  capability: DecodedCapability,
  digits: number,
  verbose: boolean,
): void {
  const { definition, offset, blocks, derived } = capability;
  const version = capability.version === undefined ? "" : ` v${capability.version}`;
  const unknownId = definition ? "" : ` id ${at(capability.id)}`;
  out.line(`  [${hex(offset, digits)}] ${paint("strong", capability.name)}${unknownId}${version}`);
  if (definition) writeTable(out, space, capability, { offset: 0, table: definition.table }, verbose);
  for (const block of blocks) {
    if (block.name === undefined) writeTable(out, space, capability, block, verbose);
  }
  writeDerived(out, derived, verbose);
}

/**
 * All fields of a register as parts. Flags are `name+` and `name-`, as lspci has them; of a register with many, only
 * those that are set are named, unless `verbose`.
 */
export function writeFields(out: TextWriter, keys: readonly string[], values: Values, verbose: boolean): void {
  let flags = 0;
  let read = false;
  for (const key of keys) {
    const value = values[key];
    if (typeof value === "boolean") flags++;
    if (value !== null) read = true;
  }
  if (!read) {
    out.part(paint("unsure", "not read"));
    return;
  }
  const all = verbose || flags <= FEW_FLAGS;
  let any = false;
  for (const key of keys) {
    const value = values[key];
    if (value === false && !all) continue;
    out.part(fieldText(key, value));
    any = true;
  }
  if (!any) out.part("no flag set");
}

/** A line for each register with its offset and name; registers of one field share lines. */
function writeTable(
  out: TextWriter,
  space: ConfigSpace,
  capability: DecodedCapability,
  { offset, table }: Pick<Block, "offset" | "table">,
  verbose: boolean,
): void {
  for (const line of linesOf(table, offset, verbose)) {
    const read = whatReads(line, space, capability.offset);
    let text = line.texts.get(read);
    if (text === undefined) {
      text = lineText(line, capability.values, verbose);
      if (line.texts.size < MOST_TEXTS) line.texts.set(read, text);
    }
    out.text(text);
  }
}

/** What a line's registers read, as a key. */
function whatReads({ registers }: Line, space: ConfigSpace, base: number): number | string | undefined {
  const [first] = registers;
  if (first && registers.length === 1) return space.read(base + first.offset, first.width);
  let all = "";
  for (const { offset, width } of registers) all += `${space.read(base + offset, width)} `;
  return all;
}

function lineText({ title, offset, keys }: Line, values: Values, verbose: boolean): string {
  const out = new TextWriter();
  out.begin(`${INDENT}${at(offset).padEnd(6)}${title === undefined ? "" : `${title}: `}`);
  if (title === undefined) for (const key of keys) out.part(fieldText(key, values[key]));
  else writeFields(out, keys, values, verbose);
  out.end();
  return out.all;
}

/** The lines of a table that begins at `base` in its capability. */
function linesOf(table: RegisterTable, base: number, verbose: boolean): readonly Line[] {
  let kept = linesOfTables.get(table);
  if (!kept) {
    kept = new Map();
    linesOfTables.set(table, kept);
  }
  const key = `${base} ${verbose}`;
  let lines = kept.get(key);
  if (!lines) {
    lines = planLines(table, base);
    kept.set(key, lines);
  }
  return lines;
}

function planLines(table: RegisterTable, base: number): Line[] {
  const lines: Line[] = [];
  for (const [name, { offset, width, fields }] of Object.entries(table)) {
    const keys = Object.keys(fields);
    const register = { offset: base + offset, width };
    const last = lines.at(-1);
    if (keys.length === 1 && last && last.title === undefined) {
      lines[lines.length - 1] = {
        ...last,
        registers: [...last.registers, register],
        keys: [...last.keys, ...keys],
      };
    } else if (keys.length > 0) {
      const title = keys.length === 1 ? undefined : titleOf(name);
      lines.push({ title, offset: base + offset, registers: [register], keys, texts: new Map() });
    }
  }
  return lines;
}

/** Values that no register shows by itself, then the entries of tables, a line each. */
function writeDerived(out: TextWriter, derived: Values, verbose: boolean): void {
  const fields = Object.entries(derived);
  const single = fields.filter(([, value]) => !isListOfObjects(value));
  if (single.length > 0) {
    out.begin(INDENT);
    for (const [key, value] of single) out.part(fieldText(key, value));
    out.end();
  }
  for (const [key, list] of fields) {
    if (!isListOfObjects(list)) continue;
    for (const [index, item] of list.entries()) {
      out.begin(`${INDENT}${titleOf(key)} ${index}: `);
      writeFields(out, Object.keys(item), item as Values, verbose);
      out.end();
    }
  }
}

/** `name+` and `name-` for flags; `name value` for the others. */
function fieldText(key: string, value: unknown): string {
  if (value === true) return `${key}+`;
  if (value === false) return `${key}-`;
  return `${key} ${valueText(value)}`;
}

function valueText(value: unknown): string {
  if (typeof value === "number") return value > 0xffff ? `0x${value.toString(16)}` : String(value);
  if (typeof value === "string") return value;
  if (value === null) return "not read";
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(valueText).join(" ");
  if (typeof value === "object") {
    const { kind, id } = value as { kind?: unknown; id?: unknown };
    if (kind === "unknown") return `unknown (${String(id)})`;
    const fields = Object.entries(value).map(([key, item]) => fieldText(key, item));
    return `{${fields.join(", ")}}`;
  }
  return String(value);
}

/** `firstVfOffset` as `first vf offset`, for headings. */
function titleOf(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
}

function isListOfObjects(value: unknown): value is readonly object[] {
  return Array.isArray(value) && typeof value[0] === "object" && value[0] !== null;
}
