import type { SeenGuests } from "../guest-port.ts";
import type { Allocation } from "./allocation.ts";

/** A claim whose time is over: what it has stays reserved until it is released. */
export interface EndedClaim {
  readonly claim: string;
  /** In a few words. */
  readonly why: string;
  /** Empty where it never had one. */
  readonly vfs: readonly Pick<Allocation, "pfKey" | "vfIndex">[];
}

/** What a claim says of its time. */
interface ClaimTerm {
  readonly claim: string;
  readonly guest: string | undefined;
  readonly lifetime: string | undefined;
}

/**
 * Which claims have ended, by their documents and records. A guest that nobody looked for, or could not look for, is not gone.
 * @param terms of documents; where a claim has none, its records tell
 */
export function endedClaims(
  terms: readonly ClaimTerm[],
  records: readonly Allocation[],
  guests: SeenGuests | undefined,
  now: Date,
): readonly EndedClaim[] {
  const all = new Map<string, ClaimTerm>();
  for (const { claim, guest, lifetime } of records) all.set(claim, { claim, guest, lifetime });
  for (const term of terms) all.set(term.claim, term);
  return [...all.values()].flatMap((term): EndedClaim[] => {
    const vfs = records.filter(({ claim }) => claim === term.claim);
    const why = endOf(term, vfs, guests, now);
    return why === undefined
      ? []
      : [{ claim: term.claim, why, vfs: vfs.map(({ pfKey, vfIndex }) => ({ pfKey, vfIndex })) }];
  });
}

/**
 * VFs that claims have no use for any longer, though they go on.
 * @param ended claims that have ended, with all that they have
 */
export function leftByClaims(records: readonly Allocation[], ended: readonly EndedClaim[]): readonly EndedClaim[] {
  const over = new Set(ended.map(({ claim }) => claim));
  const left = records.filter(({ claim, left: isLeft }) => isLeft && !over.has(claim));
  return [...Map.groupBy(left, ({ claim }) => claim)].map(([claim, vfs]) => ({
    claim,
    why: "it asks for fewer VFs by now, or for others",
    vfs: vfs.map(({ pfKey, vfIndex }) => ({ pfKey, vfIndex })),
  }));
}

function endOf(
  { guest, lifetime = "permanent" }: ClaimTerm,
  records: readonly Allocation[],
  guests: SeenGuests | undefined,
  now: Date,
): string | undefined {
  if (lifetime === "permanent") return undefined;
  if (lifetime !== "guest")
    return Date.parse(lifetime) <= now.getTime() ? `its time was over at ${lifetime}` : undefined;
  const wasSeen = records.some(({ guestSeen }) => guestSeen === true);
  if (!wasSeen || guest === undefined || guests === undefined || guests.gaps.length > 0) return undefined;
  return isRunning(guests, guest) ? undefined : `its guest ${guest} is gone`;
}

export function isRunning(guests: SeenGuests | undefined, guest: string): boolean {
  return guests?.guests.some(({ name, running }) => name === guest && running) === true;
}
