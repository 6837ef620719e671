import type { DecodedFunction } from "../pci/decode.ts";
import { linkOf } from "../pci/link.ts";

/** A function's link in few words: `8 GT/s x8`, or `8 of 16 GT/s x8` where it runs below what the function can do. */
export function linkText(fn: DecodedFunction): string {
  const link = linkOf(fn);
  if (link) return `${outOf(link.speed, link.maxSpeed)} GT/s x${outOf(link.width, link.maxWidth)}`;
  return fn.capabilities.length > 0 ? "-" : "?";
}

function outOf(now: number, most: number): string {
  return now === most ? String(now) : `${now} of ${most}`;
}
