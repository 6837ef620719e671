import { type ConfigSpace, PCI_CFG_SPACE_SIZE } from "./config-space.ts";
import { decodeTable, fieldsOnDemand, joinTables, type RegisterTable, tableSize, type Values } from "./register.ts";

/** A further group of registers of one capability, as this instance has it: an entry of a table, a port, a VC. */
export interface Block {
  /** The key in the capability's values; blocks of one name make an array under it. Without one, the fields join them. */
  readonly name?: string;
  /** From the capability's header. */
  readonly offset: number;
  readonly table: RegisterTable;
  /** Values computed from several of the block's fields. */
  readonly derive?: (values: Record<string, unknown>) => Record<string, unknown>;
}

/** Where a capability lies, for the parts of a definition that depend on the instance. */
export interface CapabilityView {
  readonly space: ConfigSpace;
  /** Of the capability's header, in configuration space. */
  readonly offset: number;
  /** Extended capabilities only. */
  readonly version: number | undefined;
  /** The function's Device/Port Type (PCIe 6.0 §7.5.3.2), where a PCI Express capability says so. */
  readonly devicePortType: number | undefined;
}

/** A capability as the specification lays it out. */
export interface Capability {
  readonly id: number;
  /** The specification's name, with its abbreviation. */
  readonly name: string;
  readonly spec: string;
  /** Registers that every instance has. No field is called id, name, offset or version. */
  readonly table: RegisterTable;
  /** Registers that only some instances have. */
  readonly blocks?: (values: Record<string, unknown>, view: CapabilityView) => Block[];
  /** Values computed from several fields. */
  readonly derive?: (values: Record<string, unknown>, view: CapabilityView) => Record<string, unknown>;
  /** Bytes that the instance says it has, where the registers alone do not show it. */
  readonly size?: (values: Record<string, unknown>) => number | null;
}

/** Declares a capability; the callbacks see the values of `table` by type. */
export function capability<T extends RegisterTable>(definition: {
  readonly id: number;
  readonly name: string;
  readonly spec: string;
  readonly table: T;
  readonly blocks?: (values: Values<T>, view: CapabilityView) => Block[];
  readonly derive?: (values: Values<T>, view: CapabilityView) => Record<string, unknown>;
  readonly size?: (values: Values<T>) => number | null;
}): Omit<Capability, "table"> & { readonly table: T } {
  return definition as unknown as Omit<Capability, "table"> & { readonly table: T };
}

/** One capability as found in a function. */
export interface DecodedCapability {
  readonly definition: Capability | undefined;
  readonly id: number;
  readonly name: string;
  readonly offset: number;
  /** Extended capabilities only. */
  readonly version?: number;
  /** From the header to one past the last register; what is known of it for an unknown capability. */
  readonly sizeBytes: number;
  /** Field values; null where a register was not read. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The registers of this instance beyond the definition's table. */
  readonly blocks: readonly Block[];
  /** Those of the values that no register shows by itself, and the arrays of blocks. */
  readonly derived: Readonly<Record<string, unknown>>;
}

/** Something in a configuration space that is not as the specification wants it, or could not be read. */
export interface Problem {
  readonly kind: "unread" | "loop" | "broken" | "reserved-pointer" | "overlap" | "all-ones" | "reserved-value";
  /** Where in configuration space. */
  readonly offset: number;
  readonly message: string;
}

export interface CapabilityHeader {
  readonly id: number;
  readonly offset: number;
  readonly version?: number;
}

/**
 * Walks the list of capabilities that starts at the pointer at `pointerOffset`. Ends at a loop, at an ID of FFh and where
 * the next header was not read, each told as a problem. A list has 256 / 4 entries at the most, so it always ends.
 * (PCIe 6.0 §7.5.1.1.11; the order of Linux's `__pci_find_next_cap_ttl` and lspci's `show_caps`.)
 */
export function walkCapabilities(
  space: ConfigSpace,
  pointerOffset: number,
  problems: Problem[],
): readonly CapabilityHeader[] {
  const found: CapabilityHeader[] = [];
  const seen = new Set<number>();
  let from = pointerOffset;
  let pointer = space.u8(pointerOffset);
  while (true) {
    if (pointer === undefined) {
      problems.push(unread(from, 1, "the pointer to the next capability"));
      return found;
    }
    const offset = pointer & ~3;
    if (offset === 0) return found;
    if (seen.has(offset)) {
      problems.push({ kind: "loop", offset: from, message: `the capability list loops back to ${at(offset)}` });
      return found;
    }
    seen.add(offset);
    const header = space.u16(offset);
    if (header === undefined) {
      problems.push(unread(offset, 2, "a capability's header"));
      return found;
    }
    if ((header & 0xff) === 0xff) {
      problems.push({ kind: "broken", offset, message: `the capability list is broken: ID FFh at ${at(offset)}` });
      return found;
    }
    if (offset < 0x40) {
      problems.push({
        kind: "reserved-pointer",
        offset: from,
        message: `the capability list points into the header, to ${at(offset)}`,
      });
    }
    found.push({ id: header & 0xff, offset });
    from = offset + 1;
    pointer = header >>> 8;
  }
}

/**
 * Walks the list of extended capabilities at 100h. Ends as {@link walkCapabilities} does; a first header of zero means
 * that there are none (PCIe 6.0 §7.6.1).
 */
export function walkExtendedCapabilities(space: ConfigSpace, problems: Problem[]): readonly CapabilityHeader[] {
  const found: CapabilityHeader[] = [];
  const seen = new Set<number>();
  let from = PCI_CFG_SPACE_SIZE;
  let offset = PCI_CFG_SPACE_SIZE;
  while (true) {
    const header = space.u32(offset);
    if (header === undefined) {
      problems.push(unread(offset, 4, "an extended capability's header"));
      return found;
    }
    if (header === 0) return found;
    if (header === 0xffff_ffff) {
      problems.push({
        kind: "all-ones",
        offset,
        message: `the extended capability header at ${at(offset)} is all ones`,
      });
      return found;
    }
    seen.add(offset);
    found.push({ id: header & 0xffff, offset, version: (header >>> 16) & 0xf });
    const next = (header >>> 20) & ~3;
    if (next === 0) return found;
    from = offset;
    if (seen.has(next)) {
      problems.push({ kind: "loop", offset: from, message: `the extended capability list loops back to ${at(next)}` });
      return found;
    }
    if (next < PCI_CFG_SPACE_SIZE) {
      problems.push({
        kind: "reserved-pointer",
        offset: from,
        message: `the extended capability list points below 100h, to ${at(next)}`,
      });
    }
    offset = next;
  }
}

/**
 * Decodes the capability at `header` by its definition; without one, shows `unknownSize` of its bytes. Each part is
 * worked out when it is first asked for: of thousands of VFs hardly anyone looks at all.
 */
export function decodeCapability(
  header: CapabilityHeader,
  definition: Capability | undefined,
  view: CapabilityView,
  unknownSize: number,
): DecodedCapability {
  if (definition === undefined) {
    const bytes = view.space.hexDump(header.offset, unknownSize);
    const values = { bytes };
    return { definition, ...header, name: "unknown", sizeBytes: unknownSize, values, blocks: [], derived: values };
  }
  const registers = new CapabilityRegisters(definition, view);
  return {
    definition,
    ...header,
    name: definition.name,
    get sizeBytes() {
      return registers.sizeBytes;
    },
    get values() {
      return registers.all.values;
    },
    get blocks() {
      return registers.blocks;
    },
    get derived() {
      return registers.derived;
    },
  };
}

interface AllValues {
  readonly values: Record<string, unknown>;
  readonly derived: Record<string, unknown>;
}

/** The registers of one capability, decoded as far as someone has asked for them. */
class CapabilityRegisters {
  readonly #definition: Capability;
  readonly #view: CapabilityView;
  #blocks: readonly Block[] | undefined;
  #all: AllValues | undefined;

  constructor(definition: Capability, view: CapabilityView) {
    this.#definition = definition;
    this.#view = view;
  }

  get blocks(): readonly Block[] {
    const { blocks, table } = this.#definition;
    const { space, offset } = this.#view;
    this.#blocks ??= blocks?.(fieldsOnDemand(space, offset, table), this.#view) ?? [];
    return this.#blocks;
  }

  get sizeBytes(): number {
    const { table, size } = this.#definition;
    let end = tableSize(table);
    for (const block of this.blocks) end = Math.max(end, block.offset + tableSize(block.table));
    return size ? Math.max(end, size(this.#asked()) ?? 0) : end;
  }

  get derived(): Readonly<Record<string, unknown>> {
    if (this.#all || this.blocks.some(computesValues)) return this.all.derived;
    return this.#definition.derive?.(this.#asked(), this.#view) ?? {};
  }

  get all(): AllValues {
    this.#all ??= this.#decodeAll();
    return this.#all;
  }

  /** What callbacks see: fields that are decoded when they ask, where there is no more to see than fields. */
  #asked(): Record<string, unknown> {
    if (this.#all || this.blocks.some(computesValues)) return this.all.values;
    return fieldsOnDemand(this.#view.space, this.#view.offset, this.#table());
  }

  /** The definition's table with those of the blocks that join it. */
  #table(): RegisterTable {
    const { table } = this.#definition;
    const { blocks } = this;
    return blocks.length === 0
      ? table
      : joinTables(
          table,
          blocks.filter(({ name }) => name === undefined),
        );
  }

  #decodeAll(): AllValues {
    const { space, offset } = this.#view;
    const values: Record<string, unknown> = decodeTable(space, offset, this.#table());
    const derived: Record<string, unknown> = {};
    for (const block of this.blocks) {
      if (block.name === undefined) {
        if (block.derive) Object.assign(derived, block.derive(values));
        continue;
      }
      const decoded: Record<string, unknown> = decodeTable(space, offset + block.offset, block.table);
      if (block.derive) Object.assign(decoded, block.derive(decoded));
      const list = derived[block.name];
      if (Array.isArray(list)) list.push(decoded);
      else derived[block.name] = [decoded];
    }
    Object.assign(values, derived);
    const last = this.#definition.derive?.(values, this.#view);
    Object.assign(derived, last);
    return { values: Object.assign(values, last), derived };
  }
}

/** True of a block that makes values which no register shows by itself. */
function computesValues({ name, derive }: Block): boolean {
  return name !== undefined || derive !== undefined;
}

/** An offset as the specification writes it: 160h. */
export function at(offset: number): string {
  return `${offset.toString(16)}h`;
}

function unread(offset: number, size: number, what: string): Problem {
  const range = size === 1 ? at(offset) : `${at(offset)}-${at(offset + size - 1)}`;
  return { kind: "unread", offset, message: `${what} at ${range} was not read` };
}
