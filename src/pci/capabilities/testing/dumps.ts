import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Capability, decodeCapability } from "../../capability.ts";
import { ConfigSpace, PCI_CFG_SPACE_SIZE } from "../../config-space.ts";

/** Dumps of real hardware, kept beside the repository; see the README there. */
const DUMPS = join(import.meta.dirname, "../../../../../shared/data");

const SLOT = /^(?:[0-9a-f]+:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](?= )/;
const HEX_LINE = /^([0-9a-f]{2,3}):((?: [0-9a-f]{2})+)\s*$/;

/** One function of a dump: its configuration space, and what the lspci of that time printed of it. */
export interface DumpedFunction {
  readonly slot: string;
  readonly space: ConfigSpace;
  readonly text: string;
}

interface Instance {
  readonly headerType?: number;
  readonly vendorId?: number;
  readonly deviceId?: number;
  /** How many bytes of the configuration space were read; all when left out. */
  readonly readBytes?: number;
}

/** Where the capabilities of {@link decodeBytes} lie. */
export const AT = 0x40;

/** Decodes a capability whose bytes from 02h on are these, in hexadecimal. */
export function decodeBytes(definition: Capability, hex: string, instance: Instance = {}) {
  const { headerType = 0, vendorId = 0x8086, deviceId = 0x1234, readBytes = PCI_CFG_SPACE_SIZE } = instance;
  const bytes = new Uint8Array(PCI_CFG_SPACE_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0x00, vendorId, true);
  view.setUint16(0x02, deviceId, true);
  bytes[0x0e] = headerType;
  bytes[AT] = definition.id;
  bytes.set(parseHex(hex), AT + 2);
  return decodeAt(definition, new ConfigSpace(bytes, [[0, readBytes]]), AT);
}

export function decodeAt(definition: Capability, space: ConfigSpace, offset: number) {
  const view = { space, offset, version: undefined, devicePortType: undefined };
  return decodeCapability({ id: definition.id, offset }, definition, view, 0);
}

/** For a test's `skip`: why the dumps cannot be used, or false. */
export const dumpsAreMissing: string | false = existsSync(DUMPS) ? false : "the dumps are not beside the repository";

/** The values of the capability at `offset` of a function. */
export function decodeDump(file: string, slot: string, definition: Capability, offset: number) {
  const found = functionsOf(file).find((fn) => fn.slot === slot);
  if (found === undefined || found.space.u8(offset) !== definition.id) {
    throw new Error(`${file} ${slot} has no ${definition.name} at ${offset}`);
  }
  return decodeAt(definition, found.space, offset).values;
}

export function dumpFiles(): string[] {
  return readdirSync(DUMPS).filter((file) => file.endsWith(".txt"));
}

/** The functions of a dump in lspci's format, in its order. */
export function functionsOf(file: string): DumpedFunction[] {
  const functions: { slot: string; bytes: number[]; text: string }[] = [];
  for (const line of readFileSync(join(DUMPS, file), "utf8").split("\n")) {
    const slot = SLOT.exec(line);
    if (slot) functions.push({ slot: slot[0], bytes: [], text: "" });
    const last = functions.at(-1);
    if (last === undefined) continue;
    const hex = HEX_LINE.exec(line);
    if (hex) last.bytes.push(...parseHex(hex[2] as string));
    else last.text += `${line}\n`;
  }
  return functions.map(({ slot, bytes, text }) => ({ slot, text, space: new ConfigSpace(Uint8Array.from(bytes)) }));
}

function parseHex(text: string): number[] {
  return (text.match(/[0-9a-f]{2}/gi) ?? []).map((byte) => Number.parseInt(byte, 16));
}
