import type { Bar } from "../pci/bar.ts";
import { hex } from "../pci/bdf.ts";
import type { Bridge, Window } from "../pci/bridge.ts";
import type { DecodedCapability } from "../pci/capability.ts";
import { at } from "../pci/capability.ts";
import type { DecodedFunction } from "../pci/decode.ts";
import { COMMON_HEADER } from "../pci/header.ts";
import type { Register, RegisterTable } from "../pci/register.ts";
import { pciIds } from "./names.ts";
import { paint } from "./terminal.ts";

const WIDTH = 118;
const INDENT = "      ";
/** A register with more flags than these shows only those that are set. */
const FEW_FLAGS = 8;

/** Names that a host knows better than the registers of the function, as those of a VF. */
export interface Identity {
  readonly vendorId: number | undefined;
  readonly deviceId: number | undefined;
  /** What to say of the function besides, after its name. */
  readonly remark?: string;
}

/** One function for a person: what it is, then each capability with its registers by name. */
export function renderFunction(fn: DecodedFunction, identity: Identity, verbose = false): string[] {
  const lines = [headline(fn, identity)];
  const subsystem = subsystemLine(fn, identity);
  if (subsystem) lines.push(subsystem);
  for (const register of ["command", "status"] as const) {
    lines.push(...wrap(`  ${register.padEnd(9)} `, registerFields(COMMON_HEADER[register], fn.header, verbose)));
  }
  if (fn.bridge) lines.push(...bridgeLines(fn.bridge));
  for (const bar of fn.bars ?? []) lines.push(`  BAR ${bar.index}     ${barText(bar)}`);
  const rom = fn.header.expansionRomAddress;
  if (typeof rom === "number" && rom !== 0) {
    lines.push(`  ROM       ${hex(rom, 8)}${fn.header.expansionRomEnable === true ? "" : " (disabled)"}`);
  }
  const pin = fn.header.interruptPin;
  if (typeof pin === "number" && pin >= 1 && pin <= 4) {
    lines.push(`  interrupt INT${"ABCD"[pin - 1]}, line ${fn.header.interruptLine}`);
  }
  for (const capability of fn.capabilities) lines.push(...capabilityLines(capability, 2, verbose));
  for (const capability of fn.extendedCapabilities) lines.push(...capabilityLines(capability, 3, verbose));
  for (const { kind, message } of fn.problems) lines.push(`  ${paint("bad", `! ${kind}`)} ${message}`);
  return lines;
}

function headline(fn: DecodedFunction, { vendorId, deviceId, remark }: Identity): string {
  const ids = pciIds();
  const kind = fn.classCode === null ? "unknown class" : (ids.deviceClass(fn.classCode) ?? "unknown class");
  const classDigits = fn.classCode === null ? "----" : hex(fn.classCode >>> 8, 4);
  const vendor = vendorId === undefined ? undefined : ids.vendor(vendorId);
  const device = vendorId === undefined || deviceId === undefined ? undefined : ids.device(vendorId, deviceId);
  const idText = `${vendorId === undefined ? "----" : hex(vendorId, 4)}:${deviceId === undefined ? "----" : hex(deviceId, 4)}`;
  const revision = fn.revisionId === null ? "" : ` (rev ${hex(fn.revisionId, 2)})`;
  const programming = fn.classCode === null ? undefined : ids.programmingInterface(fn.classCode);
  const name = [vendor, device].filter((part) => part !== undefined).join(" ") || "unknown device";
  return `${paint("strong", fn.bdf)} ${kind} [${classDigits}]: ${name} [${idText}]${revision}${programming ? ` (${programming})` : ""}${remark ? `, ${remark}` : ""}`;
}

function subsystemLine(
  { subsystemVendorId, subsystemId }: DecodedFunction,
  { vendorId, deviceId }: Identity,
): string | undefined {
  if (subsystemVendorId === null || subsystemId === null || (subsystemVendorId === 0 && subsystemId === 0))
    return undefined;
  const ids = pciIds();
  const name =
    vendorId === undefined || deviceId === undefined
      ? undefined
      : ids.subsystem(vendorId, deviceId, subsystemVendorId, subsystemId);
  const vendor = ids.vendor(subsystemVendorId) ?? "unknown vendor";
  return `  subsystem ${vendor}${name ? ` ${name}` : ""} [${hex(subsystemVendorId, 4)}:${hex(subsystemId, 4)}]`;
}

function bridgeLines({ primaryBus, secondaryBus, subordinateBus, windows }: Bridge): string[] {
  const lines = [
    `  buses     primary ${hex(primaryBus, 2)}, secondary ${hex(secondaryBus, 2)}, subordinate ${hex(subordinateBus, 2)}`,
  ];
  const names = { io: "I/O", memory: "memory", prefetchable: "prefetchable memory" };
  for (const kind of ["io", "memory", "prefetchable"] as const) {
    lines.push(`  window    ${names[kind]} ${windowText(windows[kind], kind === "io" ? 4 : 8)}`);
  }
  return lines;
}

function windowText(window: Window | null, digits: number): string {
  if (window === null) return paint("unsure", "not read");
  if (!window.open) return "closed";
  return `${hex(window.base, digits)}-${hex(window.limit, digits)}`;
}

function barText({ kind, address, is64, prefetchable }: Bar): string {
  if (kind === "io") return `I/O at ${hex(address, 4)}`;
  return `memory at ${hex(address, 8)} (${is64 ? "64" : "32"}-bit, ${prefetchable ? "" : "non-"}prefetchable)`;
}

function capabilityLines(capability: DecodedCapability, digits: number, verbose: boolean): string[] {
  const { definition, values, blocks } = capability;
  const version = capability.version === undefined ? "" : ` v${capability.version}`;
  const unknownId = definition ? "" : ` id ${at(capability.id)}`;
  const lines = [`  [${hex(capability.offset, digits)}] ${paint("strong", capability.name)}${unknownId}${version}`];
  const shown = new Set<string>();
  const flat = blocks.filter(({ name }) => name === undefined);
  for (const { offset, table } of [{ offset: 0, table: definition?.table ?? {} }, ...flat]) {
    lines.push(...registerLines(offset, table, values, shown, verbose));
  }
  const derived = Object.entries(values).filter(([key, value]) => !shown.has(key) && !isListOfObjects(value));
  if (derived.length > 0)
    lines.push(
      ...wrap(
        INDENT,
        derived.map(([key, value]) => fieldText(key, value)),
      ),
    );
  for (const [key, value] of Object.entries(values)) {
    if (!isListOfObjects(value)) continue;
    for (const [index, item] of value.entries()) {
      const entries = Object.entries(item);
      const all = verbose || entries.filter(([, field]) => typeof field === "boolean").length <= FEW_FLAGS;
      const fields = entries.filter(([, field]) => all || field !== false);
      lines.push(
        ...wrap(
          `${INDENT}${title(key)} ${index}: `,
          fields.map(([name, field]) => fieldText(name, field)),
        ),
      );
    }
  }
  return lines;
}

/**
 * A line for each register with its offset and name. Registers of one field, whose names are their registers', share
 * lines.
 */
function registerLines(
  base: number,
  table: RegisterTable,
  values: Readonly<Record<string, unknown>>,
  shown: Set<string>,
  verbose: boolean,
): string[] {
  const lines: string[] = [];
  let singles: string[] = [];
  let firstSingle = 0;
  const flush = () => {
    if (singles.length > 0) lines.push(...wrap(`${INDENT}${place(firstSingle)}`, singles));
    singles = [];
  };
  for (const [name, register] of Object.entries(table)) {
    const keys = Object.keys(register.fields);
    for (const key of keys) shown.add(key);
    const only = keys[0];
    if (only === undefined) continue;
    if (keys.length === 1) {
      if (singles.length === 0) firstSingle = base + register.offset;
      singles.push(fieldText(only, values[only]));
      continue;
    }
    flush();
    lines.push(
      ...wrap(`${INDENT}${place(base + register.offset)}${title(name)}: `, registerFields(register, values, verbose)),
    );
  }
  flush();
  return lines;
}

/**
 * All fields of a register as text. Flags are `name+` and `name-`, as lspci has them; of a register with many, only those
 * that are set are named, unless `verbose`.
 */
function registerFields(register: Register, values: Readonly<Record<string, unknown>>, verbose: boolean): string[] {
  const keys = Object.keys(register.fields);
  if (keys.every((key) => values[key] === null)) return [paint("unsure", "not read")];
  const flags = keys.filter((key) => typeof values[key] === "boolean").length;
  const all = verbose || flags <= FEW_FLAGS;
  const named = keys.filter((key) => all || values[key] !== false);
  return named.length === 0 ? ["no flag set"] : named.map((key) => fieldText(key, values[key]));
}

/** `name+` and `name-` for flags; `name value` for the others. */
function fieldText(key: string, value: unknown): string {
  if (typeof value === "boolean") return `${key}${value ? "+" : "-"}`;
  return `${key} ${valueText(value)}`;
}

function valueText(value: unknown): string {
  if (value === null) return "not read";
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  if (typeof value === "number") return value > 0xffff ? `0x${value.toString(16)}` : String(value);
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(valueText).join(" ");
  if (typeof value === "object") {
    const { kind, id } = value as { kind?: unknown; id?: unknown };
    if (kind === "unknown") return `unknown (${String(id)})`;
    return `{${Object.entries(value)
      .map(([key, item]) => fieldText(key, item))
      .join(", ")}}`;
  }
  return String(value);
}

/** `firstVfOffset` as `first vf offset`, for headings. */
function title(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
}

/** An offset in a column of its own: `a0h   `. */
function place(offset: number): string {
  return at(offset).padEnd(6);
}

function isListOfObjects(value: unknown): value is readonly object[] {
  return Array.isArray(value) && value.some((item) => typeof item === "object");
}

/** Joins parts with commas into lines that stay readable; lines after the first are indented under it. */
function wrap(prefix: string, parts: readonly string[]): string[] {
  const indent = " ".repeat(12);
  const lines: string[] = [];
  let line = prefix;
  let empty = true;
  for (const part of parts) {
    if (!empty && line.length + part.length + 2 > WIDTH) {
      lines.push(`${line},`);
      line = indent;
      empty = true;
    }
    line += empty ? part : `, ${part}`;
    empty = false;
  }
  lines.push(line);
  return lines;
}
