import type { CapabilityView } from "../capability.ts";
import { PCI_CFG_SPACE_EXP_SIZE } from "../config-space.ts";

/**
 * The bytes from `start` up to `length`, both from the capability's header, as {@link ConfigSpace.hexDump} writes them;
 * never past the end of configuration space, whatever length a register claims. Null where the length was not read.
 */
export function vendorBytes({ space, offset }: CapabilityView, start: number, length: number | null): string | null {
  if (length === null) return null;
  return space.hexDump(offset + start, Math.min(length, PCI_CFG_SPACE_EXP_SIZE - offset) - start);
}
