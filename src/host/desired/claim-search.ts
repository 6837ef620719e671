import type { PfAddress } from "../pf-address.ts";

/** A VF that a claim may have; the same object in all claims' lists. */
export interface Candidate {
  readonly pf: PfAddress;
  readonly vfIndex: number;
}

/** What a claim still needs. */
export interface Need {
  readonly claim: string;
  /** In order: those before are taken first. */
  readonly candidates: readonly Candidate[];
  readonly count: number;
  /** VFs that it has already, which count. */
  readonly held: readonly Candidate[];
  readonly samePf: boolean;
  readonly distinctPfs: boolean;
}

export type Placement = ReadonlyMap<string, readonly Candidate[]>;

/** So many VFs are tried before it is given up: far more than a host that has room needs, and some milliseconds. */
const MOST_TRIES = 20_000;

/** Whether a claim that has `held` may have a VF as well. */
export function joins({ samePf, distinctPfs }: Need, held: readonly Candidate[], { pf }: Candidate): boolean {
  if (samePf) return held.every((each) => each.pf === pf);
  return !distinctPfs || held.every((each) => each.pf !== pf);
}

/**
 * Gives each claim its VFs, none to two: the first way in order in which all fit, found by going back where a claim has taken
 * what another needs. Claims with the least choice come first, then by name, so that the order of files makes no difference.
 * @returns undefined where there is no such way, or none was found in so many tries
 */
export function placeAll(needs: readonly Need[], taken: ReadonlySet<Candidate>): Placement | undefined {
  const order = inOrder(needs);
  const used = new Set(taken);
  const placed = order.map(({ held }) => [...held]);
  let tries = 0;

  const place = (at: number, from: number): boolean => {
    const need = order[at];
    const mine = placed[at];
    if (need === undefined || mine === undefined) return true;
    if (mine.length >= need.count) return place(at + 1, 0);
    if (!hasRoom(need, mine, from, used)) return false;
    for (let index = from; index < need.candidates.length; index++) {
      const candidate = need.candidates[index];
      if (candidate === undefined || used.has(candidate) || !joins(need, mine, candidate)) continue;
      if (++tries > MOST_TRIES) return false;
      used.add(candidate);
      mine.push(candidate);
      if (place(at, index + 1)) return true;
      mine.pop();
      used.delete(candidate);
    }
    return false;
  };

  if (!place(0, 0)) return undefined;
  return new Map(order.map(({ claim }, at) => [claim, placed[at] ?? []]));
}

/** Whether enough are left from an index on: without that look, a claim of many VFs would try all ways to be one short. */
function hasRoom(need: Need, mine: readonly Candidate[], from: number, used: ReadonlySet<Candidate>): boolean {
  let missing = need.count - mine.length;
  const pfs = new Set<PfAddress>();
  for (let index = from; index < need.candidates.length && missing > 0; index++) {
    const candidate = need.candidates[index];
    if (candidate === undefined || used.has(candidate) || !joins(need, mine, candidate)) continue;
    if (need.distinctPfs && pfs.has(candidate.pf)) continue;
    pfs.add(candidate.pf);
    missing--;
  }
  return missing <= 0;
}

/** Those with the least room first. */
export function inOrder(needs: readonly Need[]): readonly Need[] {
  const room = ({ candidates, count, held }: Need) => candidates.length - (count - held.length);
  return [...needs].sort((a, b) => room(a) - room(b) || compareText(a.claim, b.claim));
}

/** By code units, as `sort` does: no locale has a say. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
