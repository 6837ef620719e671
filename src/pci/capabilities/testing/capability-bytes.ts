import { type Capability, decodeCapability } from "../../capability.ts";
import { ConfigSpace, PCI_CFG_SPACE_SIZE } from "../../config-space.ts";
import { parseHex, spaceOf } from "../../testing/dumps.ts";

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

/** The values of the capability at `offset` of a function. */
export function decodeDump(file: string, slot: string, definition: Capability, offset: number) {
  const space = spaceOf(file, slot);
  if (space.u8(offset) !== definition.id) throw new Error(`${file} ${slot} has no ${definition.name} at ${offset}`);
  return decodeAt(definition, space, offset).values;
}
