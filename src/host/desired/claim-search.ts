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

/** So many VFs are tried for claims that say how they lie on PFs: the rest is found without trying. */
export const MOST_TRIES = 20_000;

/** Whether a claim that has `held` may have a VF as well. */
export function joins({ samePf, distinctPfs }: Need, held: readonly Candidate[], { pf }: Candidate): boolean {
  if (samePf) return held.every((each) => each.pf === pf);
  return !distinctPfs || held.every((each) => each.pf !== pf);
}

/**
 * Gives each claim its VFs, none to two. Claims that say how their VFs lie on PFs try one way after the other; all others are
 * matched, exactly (augmenting paths, Kuhn 1955). Claims with the least choice come first, then by name, so that the order of
 * files makes no difference; who comes first has the lowest addresses.
 * @returns undefined where there is no way; `given up` where none was found in so many tries
 */
export function placeAll(needs: readonly Need[], taken: ReadonlySet<Candidate>): Placement | "given up" | undefined {
  const order = inOrder(needs);
  const spread = order.filter(isSpread);
  const others = order.filter((need) => !isSpread(need));
  const used = new Set(taken);
  const placed = spread.map(({ held }) => [...held]);
  let tries = 0;
  let matched: Placement | undefined;

  const place = (at: number, from: number): boolean => {
    const need = spread[at];
    const mine = placed[at];
    if (need === undefined || mine === undefined) {
      matched = match(others, used);
      return matched !== undefined;
    }
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

  if (!place(0, 0)) return tries > MOST_TRIES ? "given up" : undefined;
  return new Map([...spread.map(({ claim }, at) => [claim, placed[at] ?? []] as const), ...(matched ?? [])]);
}

/** Of one VF there is nothing to say of how it lies. */
function isSpread({ samePf, distinctPfs, count }: Need): boolean {
  return (samePf || distinctPfs) && count > 1;
}

/** Claims that take any of their candidates, all at once. @returns undefined where they do not all fit */
function match(needs: readonly Need[], used: ReadonlySet<Candidate>): Placement | undefined {
  const owners = new Map<Candidate, number>();
  /** Of a list of candidates, those before this index are all taken: what is matched stays so. */
  const firstFree = new Map<readonly Candidate[], number>();
  for (const [at, need] of needs.entries()) {
    for (let missing = need.count - need.held.length; missing > 0; missing--) {
      if (!takeFree(at, need) && !moveOthers(at)) return undefined;
    }
  }
  const placement = new Map(needs.map(({ claim, held }) => [claim, [...held]]));
  for (const [candidate, at] of owners) placement.get(needs[at]?.claim ?? "")?.push(candidate);
  return placement;

  function takeFree(at: number, { candidates }: Need): boolean {
    let index = firstFree.get(candidates) ?? 0;
    for (; index < candidates.length; index++) {
      const candidate = candidates[index];
      if (candidate === undefined || used.has(candidate) || owners.has(candidate)) continue;
      owners.set(candidate, at);
      break;
    }
    firstFree.set(candidates, index + 1);
    return index < candidates.length;
  }

  /** Others go on to what else fits them, along the shortest chain that ends at a free VF. */
  function moveOthers(start: number): boolean {
    /** Who would take a VF, and which VF of a claim's would be taken from it. */
    const takers = new Map<Candidate, number>();
    const losses = new Map<number, Candidate>();
    const queue = [start];
    for (const at of queue) {
      for (const candidate of needs[at]?.candidates ?? []) {
        if (used.has(candidate) || takers.has(candidate)) continue;
        takers.set(candidate, at);
        const owner = owners.get(candidate);
        if (owner === undefined) {
          moveAlong(candidate, start, takers, losses);
          return true;
        }
        if (owner === start || losses.has(owner)) continue;
        losses.set(owner, candidate);
        queue.push(owner);
      }
    }
    return false;
  }

  function moveAlong(
    free: Candidate,
    start: number,
    takers: ReadonlyMap<Candidate, number>,
    losses: ReadonlyMap<number, Candidate>,
  ): void {
    for (let candidate: Candidate | undefined = free; candidate !== undefined; ) {
      const taker: number | undefined = takers.get(candidate);
      if (taker === undefined) return;
      owners.set(candidate, taker);
      candidate = taker === start ? undefined : losses.get(taker);
    }
  }
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
