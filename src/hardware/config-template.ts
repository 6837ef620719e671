import type { Block, Capability } from "../pci/capability.ts";
import { PCI_CAP_ID_EXP } from "../pci/capability-ids.ts";
import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE } from "../pci/config-space.ts";
import { COMMON_HEADER, TYPE0_HEADER, TYPE1_HEADER } from "../pci/header.ts";
import { accessMask, type Register, type RegisterTable } from "../pci/register.ts";
import type {
  BarDescription,
  CapabilityDescription,
  FunctionDescription,
  RegisterValues,
} from "./function-description.ts";

/** Where one capability is. */
export interface PlacedCapability {
  readonly definition: Capability;
  readonly extended: boolean;
  readonly offset: number;
}

const PCI_BASE_ADDRESS_0 = 0x10;
const PCI_CAPABILITY_LIST = 0x34;
const STATUS_CAPABILITIES_LIST = 0x0010;
const PCI_BASE_ADDRESS_SPACE_IO = 0x1;
const PCI_BASE_ADDRESS_MEM_TYPE_64 = 0x4;
const PCI_BASE_ADDRESS_MEM_PREFETCH = 0x8;

/**
 * Fields that FLR leaves alone although they are not sticky: what belongs to the link, which FLR does not reset
 * (PCIe 6.0 §6.6.2).
 */
const KEPT_BY_FLR: Readonly<Record<string, readonly string[]>> = {
  deviceControl: ["maxPayloadSizeBytes"],
  linkControl: [
    "aspmControl",
    "readCompletionBoundaryBytes",
    "commonClockConfiguration",
    "extendedSynch",
    "clockPowerManagementEnable",
    "hardwareAutonomousWidthDisable",
  ],
};

/**
 * The configuration space of all functions of one kind: what each byte holds after power on, and what may be done to it.
 * Made once from a description by way of the register tables; the functions themselves keep only what differs.
 */
export class ConfigTemplate {
  /** As far as there are registers; what follows reads zero. */
  readonly bytes: Uint8Array;
  /** RW and RWS bits. */
  readonly writable: Uint8Array;
  /** RW1C and RW1CS bits. */
  readonly clearable: Uint8Array;
  /** Bits that no reset but a loss of power changes: sticky ones, and HwInit. */
  readonly sticky: Uint8Array;
  readonly keptByFlr: Uint8Array;
  readonly capabilities: readonly PlacedCapability[];
  readonly bridge: boolean;

  constructor(description: FunctionDescription) {
    const draft = new Draft();
    draft.header(description);
    const capabilities: PlacedCapability[] = [];
    const { capabilities: standard = [], extendedCapabilities: extended = [] } = description;
    for (const [index, each] of standard.entries()) {
      draft.standardHeader(each, standard[index + 1]?.offset ?? 0);
      capabilities.push({ definition: each.definition, extended: false, offset: each.offset });
    }
    for (const [index, each] of extended.entries()) {
      draft.extendedHeader(each, extended[index + 1]?.offset ?? 0);
      capabilities.push({ definition: each.definition, extended: true, offset: each.offset });
    }
    const portType = devicePortType(draft, standard);
    for (const each of [...standard, ...extended]) draft.capability(each, portType);
    const end = draft.end;
    this.bytes = draft.bytes.slice(0, end);
    this.writable = draft.writable.slice(0, end);
    this.clearable = draft.clearable.slice(0, end);
    this.sticky = draft.sticky.slice(0, end);
    this.keptByFlr = draft.keptByFlr.slice(0, end);
    this.capabilities = capabilities;
    this.bridge = description.bridge === true;
  }

  /** Where the capability is; undefined where the function has none. Extended capabilities have IDs of their own. */
  offsetOf({ id }: { readonly id: number }, extended: boolean): number | undefined {
    return this.capabilities.find((each) => each.extended === extended && each.definition.id === id)?.offset;
  }
}

function devicePortType(draft: Draft, standard: readonly CapabilityDescription[]): number | undefined {
  const express = standard.find(({ definition }) => definition.id === PCI_CAP_ID_EXP);
  const flags = express?.registers?.capabilities;
  if (express === undefined || typeof flags !== "number") return undefined;
  draft.value(express.offset + 2, 2, flags);
  return (flags >>> 4) & 0xf;
}

class Draft {
  readonly bytes = new Uint8Array(PCI_CFG_SPACE_EXP_SIZE);
  readonly writable = new Uint8Array(PCI_CFG_SPACE_EXP_SIZE);
  readonly clearable = new Uint8Array(PCI_CFG_SPACE_EXP_SIZE);
  readonly sticky = new Uint8Array(PCI_CFG_SPACE_EXP_SIZE);
  readonly keptByFlr = new Uint8Array(PCI_CFG_SPACE_EXP_SIZE);
  end = 0x40;

  header(description: FunctionDescription): void {
    const { bridge = false, capabilities = [], bars = [], hardwired = {}, classCode } = description;
    const tables: Block[] = [
      { offset: 0, table: COMMON_HEADER },
      { offset: 0, table: bridge ? TYPE1_HEADER : TYPE0_HEADER },
    ];
    const first = capabilities[0]?.offset ?? 0;
    const values: RegisterValues = {
      vendorId: description.vendorId,
      deviceId: description.deviceId,
      revisionId: description.revisionId ?? 0,
      progIf: classCode & 0xff,
      classDevice: classCode >>> 8,
      headerType: bridge ? 1 : 0,
      status: first === 0 ? 0 : STATUS_CAPABILITIES_LIST,
      interruptPin: description.interruptPin ?? 0,
      capabilitiesPointer: first,
      // A device without an expansion ROM has no such register (PCIe 6.0 §7.5.1.2.4).
      expansionRom: 0,
      ...(bridge
        ? {}
        : { subsystemVendorId: description.subsystemVendorId ?? 0, subsystemId: description.subsystemId ?? 0 }),
      ...description.header,
    };
    this.#registers(0, tables, values, { expansionRom: 0xffff_ffff, ...hardwired });
    for (const bar of bars) this.bar(PCI_BASE_ADDRESS_0 + bar.index * 4, bar);
    this.value(PCI_CAPABILITY_LIST, 1, first);
  }

  bar(offset: number, { sizeBytes, kind = "memory", is64 = false, prefetchable = false }: BarDescription): void {
    const type =
      kind === "io"
        ? PCI_BASE_ADDRESS_SPACE_IO
        : (is64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) | (prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
    this.value(offset, 4, type);
    const [low, high] = barMask(sizeBytes, is64);
    put(this.writable, offset, 4, low);
    if (is64) put(this.writable, offset + 4, 4, high);
  }

  standardHeader({ definition, offset }: CapabilityDescription, next: number): void {
    this.value(offset, 1, definition.id);
    this.value(offset + 1, 1, next);
  }

  extendedHeader({ definition, offset, version = 1 }: CapabilityDescription, next: number): void {
    this.value(offset, 4, (definition.id | (version << 16) | (next << 20)) >>> 0);
  }

  capability(description: CapabilityDescription, devicePortType: number | undefined): void {
    const { definition, offset, version = 1, registers = {}, hardwired = {} } = description;
    const own: Block = { offset: 0, table: definition.table };
    this.#registers(offset, [own], registers, hardwired, false);
    const view = { space: new ConfigSpace(this.bytes), offset, version, devicePortType };
    // Which registers follow depends on what the first ones say; the entry counts of some are in their own first entry.
    const values = namedValues(view.space, offset, definition.table);
    const first = definition.blocks?.(values, view) ?? [];
    this.#registers(offset, [own, ...first], registers, hardwired, false);
    const blocks = definition.blocks?.(values, view) ?? [];
    this.#registers(offset, [own, ...blocks], registers, hardwired);
    const size = definition.size?.(values) ?? 0;
    this.end = Math.max(this.end, offset + size);
  }

  #registers(
    base: number,
    blocks: readonly Block[],
    values: RegisterValues,
    hardwired: RegisterValues,
    all: boolean = true,
  ): void {
    const seen = new Map<string, number>();
    for (const { offset, table } of blocks) {
      for (const [name, reg] of Object.entries(table)) {
        const nth = seen.get(name) ?? 0;
        seen.set(name, nth + 1);
        const value = nthValue(values[name], nth) ?? resetValue(reg);
        this.#register(base + offset, name, reg, value, nthValue(hardwired[name], nth) ?? 0);
      }
    }
    if (!all) return;
    for (const name of [...Object.keys(values), ...Object.keys(hardwired)]) {
      if (!seen.has(name)) throw new RangeError(`there is no register ${name} at ${base.toString(16)}h`);
    }
  }

  #register(base: number, name: string, reg: Register, value: number, hardwired: number): void {
    const offset = base + reg.offset;
    const size = reg.width / 8;
    this.value(offset, size, value);
    const free = ~hardwired;
    put(this.writable, offset, size, accessMask(reg, ["RW", "RWS"]) & free);
    put(this.clearable, offset, size, accessMask(reg, ["RW1C", "RW1CS"]) & free);
    put(this.sticky, offset, size, accessMask(reg, ["ROS", "RWS", "RW1CS", "HwInit"]));
    for (const field of KEPT_BY_FLR[name] ?? []) {
      const { lsb, width } = reg.fields[field] as { lsb: number; width: number };
      put(this.keptByFlr, offset, size, read(this.keptByFlr, offset, size) | (((1 << width) - 1) << lsb));
    }
  }

  value(offset: number, size: number, value: number): void {
    put(this.bytes, offset, size, value);
    this.end = Math.max(this.end, offset + size);
  }
}

/** What software can write to a BAR, by halves: the bits above its size (PCIe 6.0 §7.5.1.2.1). */
export function barMask(sizeBytes: number, is64: boolean): readonly [low: number, high: number] {
  if (sizeBytes === 0) return [0, 0];
  const high = is64 ? Math.max(0, 2 ** 32 - Math.max(1, sizeBytes / 2 ** 32)) : 0;
  return sizeBytes >= 2 ** 32 ? [0, high] : [(2 ** 32 - sizeBytes) >>> 0, high];
}

function nthValue(value: number | readonly number[] | undefined, nth: number): number | undefined {
  return typeof value === "object" ? value[nth] : nth === 0 ? value : undefined;
}

function resetValue({ fields }: Register): number {
  let value = 0;
  for (const { lsb, reset } of Object.values(fields)) value = (value | (reset << lsb)) >>> 0;
  return value;
}

/** The decoded fields of a table, as the callbacks of its definition want them. */
function namedValues(space: ConfigSpace, base: number, table: RegisterTable): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { offset, width, fields } of Object.values(table)) {
    const raw = space.read(base + offset, width) ?? 0;
    for (const [name, { lsb, width: size, value }] of Object.entries(fields)) {
      values[name] = value(((raw >>> lsb) & (size === 32 ? 0xffff_ffff : (1 << size) - 1)) >>> 0);
    }
  }
  return values;
}

function read(bytes: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let at = 0; at < size; at++) value |= (bytes[offset + at] as number) << (8 * at);
  return value >>> 0;
}

function put(bytes: Uint8Array, offset: number, size: number, value: number): void {
  for (let at = 0; at < size; at++) bytes[offset + at] = (value >>> (8 * at)) & 0xff;
}
