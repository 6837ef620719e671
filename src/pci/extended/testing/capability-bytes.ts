import { type Capability, type CapabilityView, decodeCapability, walkCapabilities } from "../../capability.ts";
import { PCI_CAP_ID_EXP } from "../../capability-ids.ts";
import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE } from "../../config-space.ts";
import { spaceOf } from "../../testing/dumps.ts";

interface Instance {
  readonly version?: number;
  readonly devicePortType?: number;
  /** Where the capability's header lies; 100h when left out. */
  readonly offset?: number;
  /** How many bytes of the configuration space were read; all when left out. */
  readonly readBytes?: number;
}

/** The values of a capability whose dwords from 04h on are these. */
export function decodeDwords(definition: Capability, dwords: readonly number[], instance: Instance = {}) {
  return decodeInstance(definition, dwords, instance).values;
}

/** As {@link decodeDwords}, with the size. */
export function decodeInstance(definition: Capability, dwords: readonly number[], instance: Instance = {}) {
  const { version = 1, devicePortType, offset = 0x100, readBytes = PCI_CFG_SPACE_EXP_SIZE } = instance;
  const bytes = new Uint8Array(PCI_CFG_SPACE_EXP_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(offset, definition.id | (version << 16), true);
  dwords.forEach((dword, index) => {
    view.setUint32(offset + 4 + index * 4, dword, true);
  });
  return decodeAt(definition, { space: new ConfigSpace(bytes, [[0, readBytes]]), offset, version, devicePortType });
}

export function decodeAt(definition: Capability, view: CapabilityView) {
  const { offset, version } = view;
  return decodeCapability(
    { id: definition.id, offset, ...(version === undefined ? {} : { version }) },
    definition,
    view,
    0,
  );
}

/** The values of the capability at `offset` of the function at `slot`, in a dump in lspci's format. */
export function decodeDump(file: string, slot: string, definition: Capability, offset: number) {
  const space = spaceOf(file, slot);
  const header = space.u32(offset) ?? 0;
  if ((header & 0xffff) !== definition.id) throw new Error(`${file} ${slot} has no ${definition.name} at ${offset}`);
  const express = walkCapabilities(space, 0x34, []).find(({ id }) => id === PCI_CAP_ID_EXP);
  const flags = express && space.u16(express.offset + 2);
  const devicePortType = flags === undefined ? undefined : (flags >>> 4) & 0xf;
  return decodeAt(definition, { space, offset, version: (header >>> 16) & 0xf, devicePortType }).values;
}
