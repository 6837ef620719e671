import { hex } from "../pci/bdf.ts";
import { at, type DecodedCapability } from "../pci/capability.ts";
import type { Register, RegisterTable } from "../pci/register.ts";
import { paint } from "./terminal.ts";
import type { TextWriter } from "./text-writer.ts";

const INDENT = "      ";
/** A register with more flags than these shows only those that are set. */
const FEW_FLAGS = 8;

type Values = Readonly<Record<string, unknown>>;

/** What of a register's text is the same for every function. */
interface RegisterPlan {
  readonly offset: number;
  readonly title: string;
  readonly keys: readonly string[];
}

const plans = new WeakMap<RegisterTable, readonly RegisterPlan[]>();

/** A capability with each of its registers, by name, and what was computed from them. */
export function writeCapability(
  out: TextWriter,
  capability: DecodedCapability,
  digits: number,
  verbose: boolean,
): void {
  const { definition, values, blocks, derived } = capability;
  const version = capability.version === undefined ? "" : ` v${capability.version}`;
  const unknownId = definition ? "" : ` id ${at(capability.id)}`;
  out.line(`  [${hex(capability.offset, digits)}] ${paint("strong", capability.name)}${unknownId}${version}`);
  if (definition) writeTable(out, 0, definition.table, values, verbose);
  for (const { name, offset, table } of blocks) {
    if (name === undefined) writeTable(out, offset, table, values, verbose);
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

/**
 * A line for each register with its offset and name. Registers of one field, whose names are their registers', share
 * lines.
 */
function writeTable(out: TextWriter, base: number, table: RegisterTable, values: Values, verbose: boolean): void {
  let sharing = false;
  for (const { offset, title, keys } of planOf(table)) {
    const only = keys[0];
    if (only === undefined) continue;
    if (keys.length === 1) {
      if (!sharing) out.begin(INDENT + place(base + offset));
      sharing = true;
      out.part(fieldText(only, values[only]));
      continue;
    }
    if (sharing) out.end();
    sharing = false;
    out.begin(`${INDENT}${place(base + offset)}${title}: `);
    writeFields(out, keys, values, verbose);
    out.end();
  }
  if (sharing) out.end();
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

function planOf(table: RegisterTable): readonly RegisterPlan[] {
  let plan = plans.get(table);
  if (!plan) {
    plan = Object.entries(table).map(([name, register]: [string, Register]) => {
      return { offset: register.offset, title: titleOf(name), keys: Object.keys(register.fields) };
    });
    plans.set(table, plan);
  }
  return plan;
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

/** An offset in a column of its own: `a0h   `. */
function place(offset: number): string {
  return at(offset).padEnd(6);
}

function isListOfObjects(value: unknown): value is readonly object[] {
  return Array.isArray(value) && typeof value[0] === "object" && value[0] !== null;
}
