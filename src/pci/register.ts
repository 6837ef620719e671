import type { ConfigSpace } from "./config-space.ts";

/**
 * How a field may be accessed (PCIe 6.0 §7.4, Table 7-2). A trailing S is "sticky": neither a conventional reset nor FLR
 * changes it.
 */
export type Access = "RO" | "ROS" | "HwInit" | "RW" | "RWS" | "RW1C" | "RW1CS" | "RsvdP" | "RsvdZ";

/** A code that the tables do not know. Nothing is guessed for it. */
export interface Unknown {
  readonly kind: "unknown";
  readonly id: number;
}

/** One field of a register; `V` is the type of its decoded value. */
export interface Field<V = unknown> {
  readonly lsb: number;
  readonly width: number;
  readonly access: Access;
  /** The value after reset as the specification gives it; 0 for HwInit fields, whose value the device decides. */
  readonly reset: number;
  /** From the field's bits, shifted down, to the value that is shown. */
  readonly value: (raw: number) => V;
  /** What the field means, for the register documentation. */
  readonly doc?: string;
}

/** One register, declared once: decoding, write masks, reset values and documentation derive from it. */
export interface Register<F extends Record<string, Field> = Record<string, Field>> {
  /** From the start of its table (a capability's header, or configuration space). */
  readonly offset: number;
  /** In bits. */
  readonly width: 8 | 16 | 32;
  /** The constant of `include/uapi/linux/pci_regs.h`, or undefined where Linux names none. */
  readonly constant: string | undefined;
  /** Where the specification describes it. */
  readonly spec: string;
  readonly fields: F;
}

export type RegisterTable = { readonly [name: string]: Register };

type FieldsOf<R> = R extends Register<infer F> ? F : never;
type ValueOf<F> = F extends Field<infer V> ? V : never;
type UnionToIntersection<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void ? I : never;

/** The decoded fields of all registers of a table, side by side; null where the register was not read. */
export type Values<T extends RegisterTable> = UnionToIntersection<
  { [R in keyof T]: { [F in keyof FieldsOf<T[R]>]: ValueOf<FieldsOf<T[R]>[F]> | null } }[keyof T]
>;

export interface FieldOptions<V> {
  readonly reset?: number;
  readonly value?: (raw: number) => V;
  readonly doc?: string;
}

/** A field of one bit, decoded as a boolean. */
export function bit(position: number, access: Access, doc?: string, reset: 0 | 1 = 0): Field<boolean> {
  return { lsb: position, width: 1, access, reset, value: isSet, ...(doc === undefined ? {} : { doc }) };
}

/** A field of the bits `msb:lsb`, decoded as a number. */
export function bits(msb: number, lsb: number, access: Access, options?: FieldOptions<number> | string): Field<number>;
/** A field of the bits `msb:lsb`, decoded by `options.value`. */
export function bits<V>(
  msb: number,
  lsb: number,
  access: Access,
  options: FieldOptions<V> & { readonly value: (raw: number) => V },
): Field<V>;
export function bits(msb: number, lsb: number, access: Access, options: FieldOptions<unknown> | string = {}): Field {
  const { reset = 0, value = itself, doc } = typeof options === "string" ? { doc: options } : options;
  return { lsb, width: msb - lsb + 1, access, reset, value, ...(doc === undefined ? {} : { doc }) };
}

/** A decoder for a field of codes; a code that `names` lacks stays `{kind: "unknown", id}`. */
export function oneOf<V>(names: Readonly<Record<number, V>>): (raw: number) => V | Unknown {
  return (raw) => names[raw] ?? { kind: "unknown", id: raw };
}

/** Declares a register. */
export function register<const F extends Record<string, Field>>(
  offset: number,
  width: 8 | 16 | 32,
  constant: string | undefined,
  spec: string,
  fields: F,
): Register<F> {
  return { offset, width, constant, spec, fields };
}

/**
 * Decodes every field of `table`, whose offsets count from `base`.
 * A register that was not read gives null for each of its fields. O(fields).
 */
export function decodeTable<T extends RegisterTable>(space: ConfigSpace, base: number, table: T): Values<T> {
  const values: Record<string, unknown> = {};
  decodeInto(values, space, base, table);
  return values as Values<T>;
}

/** As {@link decodeTable}, into a record that may have other fields. */
export function decodeInto(
  values: Record<string, unknown>,
  space: ConfigSpace,
  base: number,
  table: RegisterTable,
): void {
  for (const { offset, width, fields } of planOf(table)) {
    const raw = space.read(base + offset, width);
    if (raw === undefined) {
      for (const { key } of fields) values[key] = null;
    } else {
      for (const { key, lsb, mask, value } of fields) values[key] = value(((raw >>> lsb) & mask) >>> 0);
    }
  }
}

/** A register with its fields in a row, all of one shape: decoding looks nothing up by name. */
interface RegisterPlan {
  readonly offset: number;
  readonly width: 8 | 16 | 32;
  readonly fields: ReadonlyArray<{
    readonly key: string;
    readonly lsb: number;
    readonly mask: number;
    readonly value: (raw: number) => unknown;
  }>;
}

const PLANS = new WeakMap<RegisterTable, readonly RegisterPlan[]>();

function planOf(table: RegisterTable): readonly RegisterPlan[] {
  let plan = PLANS.get(table);
  if (!plan) {
    plan = Object.values(table).map(({ offset, width, fields }) => ({
      offset,
      width,
      fields: Object.entries(fields).map(([key, field]) => {
        return { key, lsb: field.lsb, mask: lowMask(field.width), value: field.value };
      }),
    }));
    PLANS.set(table, plan);
  }
  return plan;
}

/** The decoded value of one field in its register's raw value. */
export function fieldValue<V>(field: Field<V>, raw: number): V {
  return field.value(((raw >>> field.lsb) & lowMask(field.width)) >>> 0);
}

/** One past the table's last byte, counted from its start. */
export function tableSize(table: RegisterTable): number {
  let end = 0;
  for (const { offset, width } of Object.values(table)) end = Math.max(end, offset + width / 8);
  return end;
}

/** The bits of a register whose fields have one of the access kinds. */
export function accessMask(reg: Register, kinds: readonly Access[]): number {
  let mask = 0;
  for (const field of Object.values(reg.fields)) {
    if (kinds.includes(field.access)) mask |= lowMask(field.width) << field.lsb;
  }
  return mask >>> 0;
}

/**
 * What a register holds after software writes `written` to it: RW bits are taken over, RW1C bits cleared where a one is
 * written, all others kept (PCIe 6.0 §7.4).
 */
export function writeRegister(reg: Register, current: number, written: number): number {
  const writable = accessMask(reg, ["RW", "RWS"]);
  const cleared = accessMask(reg, ["RW1C", "RW1CS"]) & written;
  return (((current & ~writable) | (written & writable)) & ~cleared) >>> 0;
}

/**
 * What a register holds after a reset: sticky and HwInit bits are kept, others take the specification's value.
 * @param current what it held before.
 */
export function resetRegister(reg: Register, current: number): number {
  const kept = accessMask(reg, ["ROS", "RWS", "RW1CS", "HwInit", "RO"]);
  let value = current & kept;
  for (const field of Object.values(reg.fields)) {
    const mask = (lowMask(field.width) << field.lsb) >>> 0;
    if ((mask & kept) === 0) value |= field.reset << field.lsb;
  }
  return value >>> 0;
}

function lowMask(width: number): number {
  return width === 32 ? 0xffff_ffff : (1 << width) - 1;
}

function isSet(raw: number): boolean {
  return raw !== 0;
}

function itself(raw: number): number {
  return raw;
}
