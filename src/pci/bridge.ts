import type { ConfigSpace } from "./config-space.ts";

/** A range of bus addresses that a bridge passes on, both ends included. */
export interface Window {
  readonly base: bigint;
  readonly limit: bigint;
  /** Base is not above limit; a closed window passes nothing on. */
  readonly open: boolean;
  /** Decodes 32-bit I/O or 64-bit prefetchable addresses. */
  readonly wide: boolean;
}

/** What lies behind a bridge. A window is null where it was not read. */
export interface Bridge {
  readonly primaryBus: number;
  readonly secondaryBus: number;
  readonly subordinateBus: number;
  readonly windows: {
    readonly io: Window | null;
    readonly memory: Window | null;
    readonly prefetchable: Window | null;
  };
}

const PCI_IO_RANGE_TYPE_32 = 1;
const PCI_PREF_RANGE_TYPE_64 = 1;

/** Decodes bus numbers and windows of a Type 1 header (PCIe 6.0 §7.5.1.3); null where the bus numbers were not read. */
export function decodeBridge(space: ConfigSpace): Bridge | null {
  const primaryBus = space.u8(0x18);
  const secondaryBus = space.u8(0x19);
  const subordinateBus = space.u8(0x1a);
  if (primaryBus === undefined || secondaryBus === undefined || subordinateBus === undefined) return null;
  const windows = { io: ioWindow(space), memory: memoryWindow(space), prefetchable: prefetchableWindow(space) };
  return { primaryBus, secondaryBus, subordinateBus, windows };
}

function ioWindow(space: ConfigSpace): Window | null {
  const base = space.u8(0x1c);
  const limit = space.u8(0x1d);
  if (base === undefined || limit === undefined) return null;
  const wide = (base & 0xf) === PCI_IO_RANGE_TYPE_32;
  const upperBase = wide ? space.u16(0x30) : 0;
  const upperLimit = wide ? space.u16(0x32) : 0;
  if (upperBase === undefined || upperLimit === undefined) return null;
  return range(
    (BigInt(upperBase) << 16n) | BigInt((base & 0xf0) << 8),
    (BigInt(upperLimit) << 16n) | BigInt(((limit & 0xf0) << 8) | 0xfff),
    wide,
  );
}

function memoryWindow(space: ConfigSpace): Window | null {
  const base = space.u16(0x20);
  const limit = space.u16(0x22);
  if (base === undefined || limit === undefined) return null;
  return range(BigInt(base & 0xfff0) << 16n, (BigInt(limit & 0xfff0) << 16n) | 0xf_ffffn, false);
}

function prefetchableWindow(space: ConfigSpace): Window | null {
  const base = space.u16(0x24);
  const limit = space.u16(0x26);
  if (base === undefined || limit === undefined) return null;
  const wide = (base & 0xf) === PCI_PREF_RANGE_TYPE_64;
  const upperBase = wide ? space.u32(0x28) : 0;
  const upperLimit = wide ? space.u32(0x2c) : 0;
  if (upperBase === undefined || upperLimit === undefined) return null;
  return range(
    (BigInt(upperBase) << 32n) | (BigInt(base & 0xfff0) << 16n),
    (BigInt(upperLimit) << 32n) | (BigInt(limit & 0xfff0) << 16n) | 0xf_ffffn,
    wide,
  );
}

function range(base: bigint, limit: bigint, wide: boolean): Window {
  return { base, limit, open: base <= limit, wide };
}
