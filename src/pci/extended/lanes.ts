import { type CapabilityView, walkCapabilities } from "../capability.ts";
import { PCI_CAP_ID_EXP } from "../capability-ids.ts";

const PCI_CAPABILITY_LIST = 0x34;
const PCI_EXP_LNKCAP = 0x0c;
const LINK_WIDTHS = [1, 2, 4, 8, 12, 16, 32];

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
