import { type CapabilityView, walkCapabilities } from "../capability.ts";
import { oneOf, type Unknown } from "../register.ts";

const PCI_CAPABILITY_LIST = 0x34;
const PCI_CAP_ID_EXP = 0x10;
const PCI_EXP_LNKCAP = 0x0c;
const LINK_WIDTHS = [1, 2, 4, 8, 12, 16, 32];

const linkSpeedGtps = oneOf<number>({ 0: 2.5, 1: 5, 2: 8, 3: 16, 4: 32, 5: 64 });

/**
 * How many entries a register has that has one for each lane: the Maximum Link Width of the function's PCI Express
 * capability (PCIe 6.0 §7.5.3.6). 0 where it was not read or is reserved: nothing else tells where the entries end.
 */
export function laneCount({ space }: CapabilityView): number {
  const express = walkCapabilities(space, PCI_CAPABILITY_LIST, []).find(({ id }) => id === PCI_CAP_ID_EXP);
  const linkCapabilities = express && space.u32(express.offset + PCI_EXP_LNKCAP);
  const width = linkCapabilities === undefined ? 0 : (linkCapabilities >>> 4) & 0x3f;
  return LINK_WIDTHS.includes(width) ? width : 0;
}

/** The lanes whose bit is set. */
export function lanesOf(vector: number): number[] {
  return Array.from({ length: 32 }, (_, lane) => lane).filter((lane) => (vector >>> lane) & 1);
}

/** The speeds of a vector with 2.5 GT/s at bit 0, slowest first. */
export function linkSpeedsGtps(vector: number): (number | Unknown)[] {
  return lanesOf(vector).map(linkSpeedGtps);
}
