import type { RoutingId } from "./bdf.ts";

/**
 * The Routing ID of VF `index` (from 0): PF + First VF Offset + VF Stride x index (PCIe 6.0 §9.2.1.2; Linux
 * `pci_iov_virtfn_bus`, `pci_iov_virtfn_devfn`).
 * @returns undefined where it would lie beyond bus 255.
 */
export function vfRoutingId(
  pf: RoutingId,
  firstVfOffset: number,
  vfStride: number,
  index: number,
): RoutingId | undefined {
  const rid = pf + firstVfOffset + vfStride * index;
  return rid <= 0xffff ? (rid as RoutingId) : undefined;
}

/** The bus of VF `index`; above 255 where there is no such bus. */
export function vfBus(pf: RoutingId, firstVfOffset: number, vfStride: number, index: number): number {
  return (pf + firstVfOffset + vfStride * index) >>> 8;
}

/**
 * The most VFs, counted from VF 0, whose buses are no higher than `lastBus`. With a stride of 0 there is one at the most.
 */
export function vfsWithinBus(
  pf: RoutingId,
  firstVfOffset: number,
  vfStride: number,
  totalVfs: number,
  lastBus: number,
): number {
  const room = ((lastBus << 8) | 0xff) - (pf + firstVfOffset);
  if (room < 0) return 0;
  if (vfStride === 0) return Math.min(1, totalVfs);
  return Math.min(totalVfs, Math.floor(room / vfStride) + 1);
}
