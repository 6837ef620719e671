import type { CatalogueEntry } from "./catalogue-entry.ts";
import { GENERAL } from "./codes/general.ts";
import { GUESTS } from "./codes/guests.ts";
import { OPERATIONS } from "./codes/operations.ts";
import { PLANNING } from "./codes/planning.ts";
import { PREFLIGHT } from "./codes/preflight.ts";
import { SERVER } from "./codes/server.ts";

/** Every code that vfleet answers with, in order. A code, once released, keeps its meaning. */
export const CATALOGUE = { ...GENERAL, ...PREFLIGHT, ...PLANNING, ...OPERATIONS, ...GUESTS, ...SERVER } as const;

export type ErrorCode = keyof typeof CATALOGUE;

/** The catalogue's entry for a code that a user gave, in upper or lower case; undefined where there is none. */
export function catalogueEntry(code: string): (CatalogueEntry & { readonly code: ErrorCode }) | undefined {
  const key = code.toUpperCase();
  return Object.hasOwn(CATALOGUE, key) ? { code: key as ErrorCode, ...CATALOGUE[key as ErrorCode] } : undefined;
}
