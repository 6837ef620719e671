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
function decodeInto(values: Record<string, unknown>, space: ConfigSpace, base: number, table: RegisterTable): void {
  for (const { offset, width, fields } of planOf(table).registers) {
    const raw = space.read(base + offset, width);
    if (raw === undefined) {
      for (const { key } of fields) values[key] = null;
    } else {
      for (const field of fields) values[field.key] = valueIn(raw, field);
    }
  }
}

/**
 * The values of {@link decodeTable}, each decoded when it is looked at, for those who want a few of many. They can be
 * read by their names, and not listed.
 */
export function fieldsOnDemand<T extends RegisterTable>(space: ConfigSpace, base: number, table: T): Values<T> {
  const plan = planOf(table);
  plan.onDemand ??= onDemandClass(plan.registers);
  return new plan.onDemand(space, base) as Values<T>;
}

/** A register with its fields in a row, all of one shape: decoding looks nothing up by name. */
interface RegisterPlan {
  readonly offset: number;
  readonly width: 8 | 16 | 32;
  readonly fields: readonly FieldPlan[];
}

interface FieldPlan {
  readonly key: string;
  readonly lsb: number;
  readonly mask: number;
  readonly value: (raw: number) => unknown;
}

interface TablePlan {
  readonly registers: readonly RegisterPlan[];
  onDemand: (new (space: ConfigSpace, base: number) => unknown) | undefined;
}

function valueIn(raw: number, { lsb, mask, value }: FieldPlan): unknown {
  return value(((raw >>> lsb) & mask) >>> 0);
}

const PLANS = new WeakMap<RegisterTable, TablePlan>();

function planOf(table: RegisterTable): TablePlan {
  let plan = PLANS.get(table);
  if (!plan) {
    const registers = Object.values(table).map(({ offset, width, fields }) => ({
      offset,
      width,
      fields: Object.entries(fields).map(([key, field]) => {
        return { key, lsb: field.lsb, mask: lowMask(field.width), value: field.value };
      }),
    }));
    plan = { registers, onDemand: undefined };
    PLANS.set(table, plan);
  }
  return plan;
}

function onDemandClass(registers: readonly RegisterPlan[]): new (space: ConfigSpace, base: number) => unknown {
  return class FieldsOnDemand {
    readonly #space: ConfigSpace;
    readonly #base: number;

    constructor(space: ConfigSpace, base: number) {
      this.#space = space;
      this.#base = base;
    }

    static {
      for (const { offset, width, fields } of registers) {
        for (const field of fields) {
          Object.defineProperty(FieldsOnDemand.prototype, field.key, {
            configurable: true,
            get(this: FieldsOnDemand): unknown {
              const raw = this.#space.read(this.#base + offset, width);
              return raw === undefined ? null : valueIn(raw, field);
            },
          });
        }
      }
    }
  };
}

/** Tables at their offsets, as one: what two of them have under one name, the later has. */
export function joinTables(
  first: RegisterTable,
  others: ReadonlyArray<{ readonly offset: number; readonly table: RegisterTable }>,
): RegisterTable {
  let joined: Joined = joinedFrom(FIRST, first, 0, {});
  for (const { offset, table } of others) joined = joinedFrom(joined.others, table, offset, joined.table);
  return joined.table;
}

/** What was joined before; tables are few, and the same ones are joined for each function. */
interface Joined {
  readonly table: RegisterTable;
  readonly others: WeakMap<RegisterTable, Map<number, Joined>>;
}

const FIRST: Joined["others"] = new WeakMap();

function joinedFrom(kept: Joined["others"], table: RegisterTable, offset: number, before: RegisterTable): Joined {
  let byOffset = kept.get(table);
  if (!byOffset) {
    byOffset = new Map();
    kept.set(table, byOffset);
  }
  let joined = byOffset.get(offset);
  if (!joined) {
    const registers: Record<string, Register> = { ...before };
    for (const [name, reg] of Object.entries(table)) {
      registers[`${Object.keys(registers).length} ${name}`] = { ...reg, offset: offset + reg.offset };
    }
    joined = { table: Object.keys(before).length === 0 && offset === 0 ? table : registers, others: new WeakMap() };
    byOffset.set(offset, joined);
  }
  return joined;
}

/** The decoded value of one field in its register's raw value. */
export function fieldValue<V>(field: Field<V>, raw: number): V {
  return field.value(((raw >>> field.lsb) & lowMask(field.width)) >>> 0);
}

/** One past the table's last byte, counted from its start. */
export function tableSize(table: RegisterTable): number {
  let end = 0;
  for (const { offset, width } of planOf(table).registers) end = Math.max(end, offset + width / 8);
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
