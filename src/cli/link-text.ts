import { capabilityById } from "../pci/capability-by-id.ts";
import { PCI_CAP_ID_EXP } from "../pci/capability-ids.ts";
import type { DecodedFunction } from "../pci/decode.ts";

/** A function's link in few words: `8 GT/s x8`, or `8 of 16 GT/s x8` where it runs below what the function can do. */
export function linkText(fn: DecodedFunction): string {
  const express = capabilityById(fn, PCI_CAP_ID_EXP)?.values;
  if (!express) return fn.capabilities.length === 0 ? "?" : "-";
  const speed = outOf(express.currentLinkSpeedGtps, express.maxLinkSpeedGtps);
  const width = outOf(express.negotiatedLinkWidth, express.maxLinkWidth);
  return speed === undefined || width === undefined ? "-" : `${speed} GT/s x${width}`;
}

function outOf(now: unknown, most: unknown): string | undefined {
  if (typeof now !== "number" || typeof most !== "number") return undefined;
  return now === most ? String(now) : `${now} of ${most}`;
}
