import { type AddressRange, BridgeFunction, type Bus } from "./bridge-function.ts";
import type { Claim, PciFunction } from "./pci-function.ts";

/** A stretch of bus addresses, and what answers it. */
export interface Decoded extends AddressRange {
  readonly claim: Claim;
  /** Where the function is that claims it. */
  readonly bus: Bus;
}

/** Whose part of a claim an address is in. */
export function ownerAt(claim: Claim, address: number): PciFunction | undefined {
  return claim.owner(Math.floor((address - claim.start) / claim.partBytes));
}

const EVERYTHING: readonly AddressRange[] = [{ start: 0, end: Number.MAX_SAFE_INTEGER }];

/**
 * What answers which memory address, as requests from the root go down through the windows of the bridges (PCIe 6.0
 * §7.5.1.3.8). Made from the registers as they are; whether the links on the way are up is another question.
 */
export class DecodeMap {
  /** Ascending, disjoint. */
  readonly #entries: readonly Decoded[];
  #last: Decoded | undefined;

  constructor(root: Bus) {
    const found: Decoded[] = [];
    collect(root, EVERYTHING, found);
    this.#entries = disjoint(found);
  }

  find(address: number): Decoded | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.start && address < last.end) return last;
    let low = 0;
    let high = this.#entries.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle] as Decoded;
      if (address < entry.start) high = middle - 1;
      else if (address >= entry.end) low = middle + 1;
      else {
        this.#last = entry;
        return entry;
      }
    }
    return undefined;
  }
}

function collect(bus: Bus, ranges: readonly AddressRange[], into: Decoded[]): void {
  for (const fn of bus.functions.values()) collectFrom(fn, bus, ranges, into);
}

/** What a function on `bus` claims, itself and for what is below it, as far as it is within `ranges`. */
export function collectFrom(fn: PciFunction, bus: Bus, ranges: readonly AddressRange[], into: Decoded[]): void {
  for (const claim of fn.claims()) {
    for (const { start, end } of overlaps(claim, ranges)) into.push({ start, end, claim, bus });
  }
  if (fn instanceof BridgeFunction) {
    const inside = fn.windows().flatMap((window) => overlaps(window, ranges));
    if (inside.length > 0) collect(fn.below, inside, into);
  }
}

function overlaps(range: AddressRange, ranges: readonly AddressRange[]): AddressRange[] {
  const parts: AddressRange[] = [];
  for (const each of ranges) {
    const start = Math.max(range.start, each.start);
    const end = Math.min(range.end, each.end);
    if (start < end) parts.push({ start, end });
  }
  return parts;
}

/** Where two functions claim one address, the one with the lower start has it: the model's choice, where hardware has none. */
function disjoint(found: readonly Decoded[]): Decoded[] {
  const sorted = [...found].sort((a, b) => a.start - b.start);
  const result: Decoded[] = [];
  let end = 0;
  for (const entry of sorted) {
    if (entry.end <= end) continue;
    result.push(entry.start < end ? { ...entry, start: end } : entry);
    end = entry.end;
  }
  return result;
}
