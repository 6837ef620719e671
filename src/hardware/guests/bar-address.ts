import type { PciFunction } from "../pci-function.ts";

/** Where a BAR of a function is in the processor's memory map; of a VF, its part of its PF's VF BAR. */
export function barAddressOf(fn: PciFunction, bar: number): number {
  for (const { bar: index, start, end, partBytes, owner } of (fn.pf ?? fn).claims()) {
    if (index !== bar) continue;
    for (let at = start; at < end; at += partBytes) if (owner((at - start) / partBytes) === fn) return at;
  }
  throw new RangeError(`BAR ${bar} of ${fn.name} is nowhere: it is not enabled`);
}
