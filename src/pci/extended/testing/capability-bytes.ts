import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Capability, type CapabilityView, decodeCapability, walkCapabilities } from "../../capability.ts";
import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE } from "../../config-space.ts";

/** Dumps of real hardware, kept beside the repository; see the README there. */
const DUMPS = join(import.meta.dirname, "../../../../../shared/data");

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

/** For a test's `skip`: why the dump cannot be used, or false. */
export function dumpIsMissing(file: string): string | false {
  return existsSync(join(DUMPS, file)) ? false : `${file} is not beside the repository`;
}

/** The values of the capability at `offset` of the function at `slot`, in a dump in lspci's format. */
export function decodeDump(file: string, slot: string, definition: Capability, offset: number) {
  const lines = readFileSync(join(DUMPS, file), "utf8").split("\n");
  const start = lines.findIndex((line) => line.startsWith(`${slot} `));
  if (start < 0) throw new Error(`${file} has no function ${slot}`);
  const bytes: number[] = [];
  for (const line of lines.slice(start + 1)) {
    if (line === "") break;
    const match = /^[0-9a-f]{2,3}:((?: [0-9a-f]{2})+)$/.exec(line.trimEnd());
    if (match?.[1])
      bytes.push(
        ...match[1]
          .trim()
          .split(" ")
          .map((byte) => Number.parseInt(byte, 16)),
      );
  }
  const space = new ConfigSpace(Uint8Array.from(bytes));
  const header = space.u32(offset) ?? 0;
  if ((header & 0xffff) !== definition.id) throw new Error(`${file} ${slot} has no ${definition.name} at ${offset}`);
  const express = walkCapabilities(space, 0x34, []).find(({ id }) => id === 0x10);
  const flags = express && space.u16(express.offset + 2);
  const devicePortType = flags === undefined ? undefined : (flags >>> 4) & 0xf;
  return decodeAt(definition, { space, offset, version: (header >>> 16) & 0xf, devicePortType }).values;
}
