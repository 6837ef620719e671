import type { Problem } from "./capability.ts";
import { at } from "./capability.ts";
import type { ConfigSpace } from "./config-space.ts";

/** A Base Address Register, or the pair of them that makes a 64-bit one (PCIe 6.0 §7.5.1.2.1). */
export interface Bar {
  readonly index: number;
  readonly kind: "memory" | "io";
  /** Bus address; 0 where none is assigned. */
  readonly address: bigint;
  readonly is64: boolean;
  readonly prefetchable: boolean;
}

const PCI_BASE_ADDRESS_SPACE_IO = 0x01;
const PCI_BASE_ADDRESS_MEM_TYPE_MASK = 0x06;
const PCI_BASE_ADDRESS_MEM_TYPE_64 = 0x04;
const PCI_BASE_ADDRESS_MEM_PREFETCH = 0x08;

interface BarOptions {
  /** Where what is not as it should be is told. */
  readonly problems?: Problem[];
  /** VF BARs: there is no I/O in a VF (PCIe 6.0 §9.3.3.14), and bit 0 means nothing. */
  readonly memoryOnly?: boolean;
}

/**
 * Decodes `count` Base Address Registers from `offset` on. A register that reads zero is not implemented or holds
 * nothing; without sizing the two cannot be told apart, so it gives no entry. O(count).
 * @returns the BARs, or null where one of them was not read.
 */
export function decodeBars(
  space: ConfigSpace,
  offset: number,
  count: number,
  { problems, memoryOnly = false }: BarOptions = {},
): Bar[] | null {
  if (!space.has(offset, count * 4)) return null;
  const bars: Bar[] = [];
  for (let index = 0; index < count; index++) {
    const low = space.u32(offset + index * 4) as number;
    if (low === 0 || low === 0xffff_ffff) continue;
    if (!memoryOnly && low & PCI_BASE_ADDRESS_SPACE_IO) {
      bars.push({ index, kind: "io", address: BigInt((low & ~3) >>> 0), is64: false, prefetchable: false });
      continue;
    }
    const type = low & PCI_BASE_ADDRESS_MEM_TYPE_MASK;
    if (type === PCI_BASE_ADDRESS_MEM_TYPE_MASK) {
      problems?.push({
        kind: "reserved-value",
        offset: offset + index * 4,
        message: `the BAR at ${at(offset + index * 4)} has the reserved memory type 3`,
      });
    }
    const is64 = type === PCI_BASE_ADDRESS_MEM_TYPE_64;
    const prefetchable = (low & PCI_BASE_ADDRESS_MEM_PREFETCH) !== 0;
    let address = BigInt((low & ~0xf) >>> 0);
    if (is64 && index === count - 1) {
      problems?.push({
        kind: "reserved-value",
        offset: offset + index * 4,
        message: `the last BAR, at ${at(offset + index * 4)}, says it is 64 bits wide; its upper half has no place`,
      });
    } else if (is64) {
      address |= BigInt(space.u32(offset + index * 4 + 4) as number) << 32n;
    }
    bars.push({ index, kind: "memory", address, is64, prefetchable });
    if (is64) index++;
  }
  return bars;
}

/**
 * The size in bytes of a BAR from what it reads after all ones were written to it; undefined where it is not
 * implemented (Linux `pci_size`).
 * @param probed the register, or both halves of a 64-bit one.
 */
export function barSize(probed: bigint, kind: "memory" | "io", is64: boolean): bigint | undefined {
  const mask = kind === "io" ? 0xffff_fffcn : is64 ? 0xffff_ffff_ffff_fff0n : 0xffff_fff0n;
  const writable = probed & mask;
  return writable === 0n ? undefined : writable & -writable;
}
