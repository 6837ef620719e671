import { capabilityById } from "./capability-by-id.ts";
import { PCI_CAP_ID_EXP } from "./capability-ids.ts";
import type { DecodedFunction } from "./decode.ts";

/** A PCI Express link as the function at one of its ends shows it: speeds in GT/s, widths in lanes. */
export interface Link {
  readonly speed: number;
  readonly width: number;
  readonly maxSpeed: number;
  readonly maxWidth: number;
}

/** A function's link; undefined where it has none, or a code for its speed or width is reserved or was not read. */
export function linkOf(fn: DecodedFunction): Link | undefined {
  const express = capabilityById(fn, PCI_CAP_ID_EXP)?.values;
  if (!express) return undefined;
  const {
    currentLinkSpeedGtps: speed,
    negotiatedLinkWidth: width,
    maxLinkSpeedGtps: maxSpeed,
    maxLinkWidth: maxWidth,
  } = express;
  const known =
    typeof speed === "number" &&
    typeof width === "number" &&
    typeof maxSpeed === "number" &&
    typeof maxWidth === "number";
  return known ? { speed, width, maxSpeed, maxWidth } : undefined;
}
