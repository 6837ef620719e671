import { isDeepStrictEqual } from "node:util";
import type { Block, DecodedCapability } from "../src/pci/capability.ts";
import type { ConfigSpace } from "../src/pci/config-space.ts";
import type { DecodedFunction } from "../src/pci/decode.ts";
import { decodeTable, fieldValue, type RegisterTable } from "../src/pci/register.ts";

/**
 * What a decoded function shows of registers that were not read, or otherwise than the bytes have it. Checks each field
 * of each register table against the bytes: null where one of the register's bytes is unknown, else what the field's own
 * decoder makes of them.
 */
export function inventedFields(fn: DecodedFunction): string[] {
  const invented: string[] = [];
  for (const table of fn.headerTables) {
    invented.push(...wrongFields(fn.space, 0, table, fn.header).map((field) => `header ${field}`));
  }
  const type = fn.capabilities.find(({ id }) => id === 0x10)?.values.devicePortType;
  for (const list of [fn.capabilities, fn.extendedCapabilities]) {
    const devicePortType = list === fn.extendedCapabilities && typeof type === "number" ? type : undefined;
    for (const capability of list) {
      const where = `${capability.name} at ${capability.offset.toString(16)}h`;
      invented.push(...wrongInCapability(fn.space, capability, devicePortType).map((field) => `${where}: ${field}`));
    }
  }
  return invented;
}

function wrongInCapability(
  space: ConfigSpace,
  { definition, offset, version, values }: DecodedCapability,
  devicePortType: number | undefined,
): string[] {
  if (!definition) return [];
  const overwritten = new Set<string>();
  const wrong: string[] = [];
  const view = { space, offset, version, devicePortType };
  const blocks = definition.blocks?.(decodeTable(space, offset, definition.table), view) ?? [];
  const counts = new Map<string, number>();
  for (const block of blocks) {
    const own = valuesOf(block, values, counts);
    wrong.push(
      ...wrongFields(space, offset + block.offset, block.table, own).map((field) => `${block.name ?? ""} ${field}`),
    );
    if (block.name === undefined)
      for (const { fields } of Object.values(block.table)) for (const key in fields) overwritten.add(key);
  }
  return [...wrong, ...wrongFields(space, offset, definition.table, values, overwritten)];
}

/** A block's own values: under its name, the next of the array, or among the capability's. */
function valuesOf(block: Block, values: Readonly<Record<string, unknown>>, counts: Map<string, number>) {
  if (block.name === undefined) return values;
  const index = counts.get(block.name) ?? 0;
  counts.set(block.name, index + 1);
  return ((values[block.name] as readonly unknown[] | undefined)?.[index] ?? {}) as Readonly<Record<string, unknown>>;
}

function wrongFields(
  space: ConfigSpace,
  base: number,
  table: RegisterTable,
  values: Readonly<Record<string, unknown>>,
  except: ReadonlySet<string> = new Set(),
): string[] {
  const wrong: string[] = [];
  for (const { offset, width, fields } of Object.values(table)) {
    const raw = byteWise(space, base + offset, width / 8);
    for (const [key, field] of Object.entries(fields)) {
      if (except.has(key)) continue;
      const wanted = raw === undefined ? null : fieldValue(field, raw);
      if (!isDeepStrictEqual(values[key], wanted))
        wrong.push(`${key} is ${String(values[key])}, not ${String(wanted)}`);
    }
  }
  return wrong;
}

/** A little-endian register, read byte by byte from the list of known ranges alone. */
function byteWise({ bytes, known }: ConfigSpace, offset: number, size: number): number | undefined {
  let value = 0;
  for (let at = offset + size - 1; at >= offset; at--) {
    if (!known.some(([from, to]) => at >= from && at < to)) return undefined;
    value = value * 256 + (bytes[at] as number);
  }
  return value;
}

/**
 * Where `part`, decoded from a space of which less was read, says something else than `whole`. It may have null, leave
 * out entries of lists and fields of registers that it cannot tell to be there, and write `--` for a byte.
 */
export function contradictions(part: unknown, whole: unknown, path = ""): string[] {
  if (part === null || part === undefined || isDeepStrictEqual(part, whole)) return [];
  if (Array.isArray(part) && Array.isArray(whole)) {
    return part.flatMap((item, index) => contradictions(item, whole[index], `${path}[${index}]`));
  }
  if (typeof part === "string" && typeof whole === "string" && HEX_DUMP.test(part)) {
    // Where the next capability is not known, an unknown one shows what may be the next one's bytes.
    const read = whole.split(" ");
    if (part.split(" ").every((byte, index) => byte === "--" || byte === (read[index] ?? byte))) return [];
  }
  if (isRecord(part) && isRecord(whole)) {
    return Object.keys(part).flatMap((key) => contradictions(part[key], whole[key], `${path}.${key}`));
  }
  return [`${path}: ${String(part)} of what was read, ${String(whole)} of all`];
}

/** As `ConfigSpace.hexDump` writes bytes. */
const HEX_DUMP = /^(?:[0-9a-f]{2}|--)(?: (?:[0-9a-f]{2}|--))*$/;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
