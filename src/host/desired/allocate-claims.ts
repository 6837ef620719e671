import { isUnread, known } from "../../kernel/port.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Refusal } from "../plan/plan.ts";
import type { Evidence } from "../preflight/check.ts";
import type { HostState, VfState } from "../state/host-state.ts";
import type { Allocation } from "./allocation.ts";
import { type Demand, demandsOf, NOT_IN_USE, nameOf, nodeOf, usersBut, type Vf } from "./claim-demands.ts";
import type { VfClaim } from "./claim-schema.ts";
import { type Candidate, compareText, inOrder, joins, MOST_TRIES, type Need, placeAll } from "./claim-search.ts";
import type { PfWishes } from "./pf-wishes.ts";
import { formatVfs } from "./vf-range.ts";

export interface ClaimedVfs {
  readonly claim: VfClaim;
  /** By PF's address and vfIndex, in order. */
  readonly vfs: readonly { readonly wishes: PfWishes; readonly vfIndex: number }[];
}

/**
 * Gives claims their VFs. What a record says stays as long as it fits; the rest goes to the lowest addresses and indexes
 * that fit, whatever the order of the documents.
 * @param wishes of each PF of the host, with how many VFs it will have
 */
export function allocateClaims(
  state: HostState,
  claims: readonly VfClaim[],
  records: readonly Allocation[],
  wishes: ReadonlyMap<PfAddress, PfWishes>,
  numVfs: ReadonlyMap<PfAddress, number>,
): {
  readonly claimed: readonly ClaimedVfs[];
  /** Of claims that have no use for a VF any longer: what it was set to is on it until it is released. */
  readonly left: readonly Allocation[];
  readonly refusals: readonly Refusal[];
} {
  const vfs = vfsOf(state, wishes, numVfs);
  const places = new Map(vfs.map((vf) => [placeOf({ pfKey: vf.wishes.pf.identity.key, vfIndex: vf.vfIndex }), vf]));
  const recordsOf = Map.groupBy(records, ({ claim }) => claim);
  const refusals: Refusal[] = [];
  const fittingFor = fittingVfs(vfs);
  const taken = takenByOthers(places, claims, records);
  const open: { claim: VfClaim; need: Need; demands: readonly Demand[] }[] = [];
  for (const claim of claims) {
    const { demands, refusals: unclear } = demandsOf(state, claim);
    refusals.push(...unclear);
    if (unclear.length > 0) continue;
    const { count = 1, constraints: { samePf = false, distinctPfs = false } = {} } = claim.spec;
    const fitting = preferredFirst(state, claim, fittingFor(claim, demands));
    const need = { claim: claim.metadata.name, candidates: fitting, count, held: [], samePf, distinctPfs };
    const held = heldOf(need, recordsOf.get(need.claim) ?? [], places, demands, taken);
    for (const vf of held) taken.set(vf, need.claim);
    open.push({ claim, demands, need: { ...need, candidates: fitting, held } });
  }
  const left = leftBy(state, claims, records, places, taken, numVfs);
  const found = placeAll(
    open.map(({ need }) => need),
    new Set(taken.keys()),
  );
  const placement = new Map(found === "given up" ? [] : found);
  if (placement.size === 0) {
    // Not all fit: one after the other, to say which don't.
    const entries = new Map(open.map((each) => [each.need, each]));
    const used = new Set(taken.keys());
    const misfits: ((typeof open)[number] & { readonly givenUp: boolean })[] = [];
    for (const need of inOrder(open.map((each) => each.need))) {
      const alone = placeAll([need], used);
      const mine = alone === "given up" ? undefined : alone?.get(need.claim);
      for (const vf of mine ?? []) {
        taken.set(vf, need.claim);
        used.add(vf);
      }
      const entry = entries.get(need);
      if (mine) placement.set(need.claim, mine);
      else if (entry) misfits.push({ ...entry, givenUp: alone === "given up" });
    }
    for (const { claim, need, demands, givenUp } of misfits.slice(0, MOST_MISFITS)) {
      const unknown = [...uncounted(state, numVfs), ...(givenUp ? [GIVEN_UP] : [])];
      refusals.push(misfit(claim, need, demands, vfs, taken, unknown));
    }
    if (misfits.length > MOST_MISFITS) refusals.push(moreMisfits(misfits.slice(MOST_MISFITS)));
  }
  const claimed = open.flatMap(({ claim }): ClaimedVfs[] => {
    const mine = placement.get(claim.metadata.name);
    // In the order of addresses, records first or not.
    const ofClaim = new Set<Candidate>(mine);
    return mine ? [{ claim, vfs: vfs.filter((vf) => ofClaim.has(vf)) }] : [];
  });
  return { claimed, left, refusals };
}

/** VFs of claims that nothing is asked for here: theirs, until they are released. */
function takenByOthers(
  places: ReadonlyMap<string, Vf>,
  claims: readonly VfClaim[],
  records: readonly Allocation[],
): Map<Candidate, string> {
  const names = new Set(claims.map(({ metadata }) => metadata.name));
  return new Map(
    records.flatMap((record) => {
      const vf = names.has(record.claim) ? undefined : places.get(placeOf(record));
      return vf === undefined ? [] : [[vf, record.claim] as const];
    }),
  );
}

/** What a VF is known by in records. */
function placeOf({ pfKey, vfIndex }: Pick<Allocation, "pfKey" | "vfIndex">): string {
  return `${pfKey} ${vfIndex}`;
}

/**
 * What claims had and do not hold any more is theirs all the same, until it is released. Not of VFs that will not be there: what
 * comes in their place is new.
 * @param taken those VFs are added
 */
function leftBy(
  { pfs }: HostState,
  claims: readonly VfClaim[],
  records: readonly Allocation[],
  places: ReadonlyMap<string, Vf>,
  taken: Map<Candidate, string>,
  numVfs: ReadonlyMap<PfAddress, number>,
): readonly Allocation[] {
  const names = new Set(claims.map(({ metadata }) => metadata.name));
  const uncounted = new Set(pfs.flatMap(({ bdf, identity }) => (numVfs.has(bdf) ? [] : [identity.key])));
  return records.flatMap((record): Allocation[] => {
    if (!names.has(record.claim)) return [];
    const vf = places.get(placeOf(record));
    if (vf === undefined ? !uncounted.has(record.pfKey) : taken.has(vf)) return [];
    if (vf !== undefined) taken.set(vf, record.claim);
    return [{ ...record, left: true }];
  });
}

const GIVEN_UP: Evidence = { fact: `the search for a way was given up after ${MOST_TRIES} tries` };

/** Of so many claims is told why they do not fit; of the others, that they don't. */
const MOST_MISFITS = 20;

function moreMisfits(others: readonly { readonly claim: VfClaim }[]): Refusal {
  const names = others.map(({ claim }) => claim.metadata.name);
  const [first] = names;
  return {
    code: "VFL-0205",
    summary: names.length === 1 ? `claim ${first} does not fit either` : `${names.length} more claims do not fit`,
    evidence: [{ fact: names.slice(0, MOST_MISFITS).join(", ") + (names.length > MOST_MISFITS ? ", ..." : "") }],
    remedy: "raise numVfs and the pools' ranges, or take claims away",
  };
}

/** Which VFs fit a claim. Claims that ask for the same share one list: ten thousand of them ask for few different things. */
function fittingVfs(vfs: readonly Vf[]): (claim: VfClaim, demands: readonly Demand[]) => readonly Vf[] {
  const lists = new Map<string, readonly Vf[]>();
  return ({ spec: { guest, count: _, ...asked } }, demands) => {
    const key = JSON.stringify(asked);
    let list = lists.get(key);
    if (list === undefined) {
      list = vfs.filter((vf) => demands.every((demand) => demand.text === NOT_IN_USE || demand.fits(vf)));
      lists.set(key, list);
    }
    const isFree = ({ state: vf }: Vf) => usersBut(guest, vf).length === 0;
    return list.every(isFree) ? list : list.filter(isFree);
  };
}

function vfsOf(
  { pfs }: HostState,
  wishes: ReadonlyMap<PfAddress, PfWishes>,
  numVfs: ReadonlyMap<PfAddress, number>,
): Vf[] {
  return pfs.flatMap((pf) => {
    const ofPf = wishes.get(pf.bdf);
    if (!ofPf) return [];
    const states = new Map(pf.vfs.map((vf) => [vf.vfIndex, vf]));
    return Array.from({ length: numVfs.get(pf.bdf) ?? 0 }, (_, vfIndex) => {
      const pool = ofPf.get("pool", vfIndex)?.value;
      return {
        pf: pf.bdf,
        vfIndex,
        wishes: ofPf,
        pool: pool === undefined ? undefined : String(pool),
        state: states.get(vfIndex),
      };
    });
  });
}

/** PFs whose VFs nobody can be given. */
function uncounted({ pfs }: HostState, numVfs: ReadonlyMap<PfAddress, number>): readonly Evidence[] {
  return pfs.flatMap(({ bdf, numVfs: present }) =>
    isUnread(present) && !numVfs.has(bdf)
      ? [{ fact: `${bdf}: how many VFs it has is unknown: ${present.reason}`, from: present.path }]
      : [],
  );
}

/** The VFs that records give the claim and that still fit; that its guest uses them is no obstacle. */
function heldOf(
  need: Need,
  records: readonly Allocation[],
  places: ReadonlyMap<string, Vf>,
  demands: readonly Demand[],
  taken: ReadonlyMap<Candidate, string>,
): readonly Vf[] {
  const held: Vf[] = [];
  const recorded = records.flatMap((record) => {
    const vf = places.get(placeOf(record));
    return vf ? [{ vf, left: record.left === true }] : [];
  });
  // One that it has left is its own still, and comes back after those that it has.
  recorded.sort(
    (a, b) => Number(a.left) - Number(b.left) || compareText(a.vf.pf, b.vf.pf) || a.vf.vfIndex - b.vf.vfIndex,
  );
  for (const { vf } of recorded) {
    if (held.length >= need.count || taken.has(vf) || !joins(need, held, vf)) continue;
    if (demands.every((demand) => demand.text === NOT_IN_USE || demand.fits(vf))) held.push(vf);
  }
  return held;
}

/** What a claim would rather have, first; else in the order that they are in. */
function preferredFirst(state: HostState, { spec }: VfClaim, vfs: readonly Vf[]): readonly Vf[] {
  const { preferNumaNode, preferMac } = spec.constraints ?? {};
  const node = nodeOf(state, spec.guest, preferNumaNode);
  if ((node === undefined || isUnread(node)) && preferMac === undefined) return vfs;
  const rank = ({ wishes: { pf }, state: vf }: Vf) =>
    (preferMac !== undefined && macOf(vf) === preferMac ? 0 : 2) + (node !== undefined && pf.numaNode === node ? 0 : 1);
  return [...vfs].sort((a, b) => rank(a) - rank(b));
}

function macOf(vf: VfState | undefined): string | undefined {
  return vf && known(vf.settings)?.mac?.toLowerCase();
}

/** Which demand leaves too few VFs, what there is instead, and what would fit. */
function misfit(
  claim: VfClaim,
  need: Need,
  demands: readonly Demand[],
  vfs: readonly Vf[],
  taken: ReadonlyMap<Candidate, string>,
  unknown: readonly Evidence[],
): Refusal {
  const { count } = need;
  const ownerOf = (vf: Candidate) => {
    const owner = taken.get(vf);
    return owner === need.claim ? undefined : owner;
  };
  const free: Demand = {
    text: "claimed by nobody else",
    fits: (vf) => ownerOf(vf) === undefined,
    there: (all) => `claimed by ${namesOf(all.flatMap((vf) => ownerOf(vf) ?? []))}`,
    remedy: "raise numVfs and the pool's range, or take another claim away",
  };
  const evidence: Evidence[] = [{ fact: `the host has, or will have, ${vfs.length} VFs` }, ...unknown];
  let left = vfs;
  let decisive: { demand: Demand; left: readonly Vf[]; before: readonly Vf[] } | undefined;
  for (const demand of [...demands, free]) {
    const before = left;
    left = left.filter((vf) => demand.fits(vf) || need.held.includes(vf));
    evidence.push({ fact: `${demand.text}: ${left.length === 0 ? "none" : listVfs(left)}` });
    if (left.length < count) {
      const instead = demand.there?.(before) ?? "";
      if (instead !== "") evidence.push({ fact: instead });
      decisive = { demand, left, before };
      break;
    }
  }
  const who = `${nameOf(claim)} for ${claim.spec.guest}`;
  const wants = count === 1 ? "1 VF" : `${count} VFs`;
  const without = decisive?.before.length ?? 0;
  const why = decisive
    ? `${decisive.demand.text}: ${decisive.left.length} ${decisive.left.length === 1 ? "fits" : "fit"}, ${without} without that`
    : spreadMisfit(need, left);
  const remedy = decisive?.demand.remedy ?? `ask for fewer VFs, or leave ${need.samePf ? "samePf" : "distinctPfs"} out`;
  return { code: "VFL-0205", summary: `${who} wants ${wants}; ${why}`, evidence, remedy };
}

/** There are VFs enough, but not so spread over PFs. */
function spreadMisfit({ samePf, distinctPfs, count }: Need, left: readonly Vf[]): string {
  const perPf = Map.groupBy(left, ({ pf }) => pf);
  if (samePf) return `samePf: ${Math.max(0, ...[...perPf.values()].map((each) => each.length))} is the most on one PF`;
  if (distinctPfs) return `distinctPfs: they are on ${perPf.size} ${perPf.size === 1 ? "PF" : "PFs"}`;
  return `no way was found to give all claims theirs, of ${left.length} that fit for ${count}`;
}

function namesOf(owners: readonly string[]): string {
  const names = [...new Set(owners)].sort();
  const more = names.length - MOST_MISFITS;
  return more > 0 ? `${names.slice(0, MOST_MISFITS).join(", ")} and ${more} more` : names.join(", ");
}

function listVfs(vfs: readonly Vf[]): string {
  const perPf = Map.groupBy(vfs, ({ pf }) => pf);
  return [...perPf].map(([pf, each]) => `${pf} VF ${formatVfs(each.map(({ vfIndex }) => vfIndex))}`).join(", ");
}
