import { oneOf, type Unknown } from "./register.ts";
import { setBits } from "./set-bits.ts";

/** By the code of a link's speed (PCIe 6.0 §7.5.3.6). */
export const LINK_SPEEDS_GTPS: Readonly<Record<number, number>> = { 1: 2.5, 2: 5, 3: 8, 4: 16, 5: 32, 6: 64 };
export const linkSpeedGtps = oneOf(LINK_SPEEDS_GTPS);

/** The speeds of a Supported Link Speeds Vector, slowest first: bit n stands for code n + 1, which a reserved bit gives. */
export function linkSpeedsGtps(vector: number): (number | Unknown)[] {
  return setBits(vector).map((position) => linkSpeedGtps(position + 1));
}
