import { isUnread, known } from "../../kernel/port.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Refusal } from "../plan/plan.ts";
import type { HostState, PfState, VfState } from "../state/host-state.ts";
import { compareText } from "./claim-search.ts";
import { autoMacs, isLocalUnicast, randomMac, ZERO_MAC } from "./mac-addresses.ts";
import { isMacWord } from "./text-schemas.ts";

/** A VF that is to have a MAC address. */
export interface MacWish {
  readonly pf: PfState;
  readonly vfIndex: number;
  /** Who wants it, as `policy tenant-net`. */
  readonly by: string;
  /** `auto`, `random`, or an address; with a preferred one also `keep`. */
  readonly wish: string;
  /** Comes before the wish, an address included, unless somebody else has it. */
  readonly preferred?: string;
  /** Of `random`: the address that was made for the same claim before. */
  readonly recorded?: string;
  /** The VF goes to a claim that did not have it: an address that was made for another is not kept. */
  readonly newTenant: boolean;
}

export interface AssignedMacs {
  readonly macs: ReadonlyMap<PfAddress, ReadonlyMap<number, string>>;
  readonly refusals: readonly Refusal[];
}

/** A MAC address and whose it is, or will be. */
interface Holder {
  readonly mac: string;
  readonly name: string;
  /** undefined of what is not a VF that is wanted. */
  readonly wish?: MacWish;
}

/**
 * Resolves `auto` and `random`, and refuses an address that two would have: two VFs that are wanted, or one and what stays
 * on the host as it is.
 * @param numVfs how many VFs each PF will have
 */
export function assignMacs(
  state: HostState,
  all: readonly MacWish[],
  numVfs: ReadonlyMap<PfAddress, number>,
  random: (count: number) => Uint8Array,
): AssignedMacs {
  const refusals: Refusal[] = [];
  const holders: Holder[] = [];
  const taken = new Set<string>();
  const give = (wish: MacWish, mac: string) => {
    taken.add(mac);
    holders.push({ mac, name: vfName(wish.pf, wish.vfIndex), wish });
  };
  const staying = stayingMacs(
    state,
    all.filter(({ wish }) => wish !== "keep"),
    numVfs,
  );
  const stay = new Set(staying.map(({ mac }) => mac));
  for (const wish of all) if (!isMacWord(wish.wish) && wish.preferred === undefined) give(wish, wish.wish);
  const fixed = new Map(all.flatMap((wish) => (isMacWord(wish.wish) ? [] : [[wish.wish, wish] as const])));
  const wishes: MacWish[] = [];
  for (const wish of all) {
    const { preferred } = wish;
    if (preferred === undefined) {
      if (isMacWord(wish.wish)) wishes.push(wish);
      continue;
    }
    const isTaken = taken.has(preferred) || stay.has(preferred) || (fixed.get(preferred) ?? wish) !== wish;
    if (!isTaken) give(wish, preferred);
    else if (isMacWord(wish.wish)) wishes.push(wish);
    else give(wish, wish.wish);
  }
  const others = (mac: string) => taken.has(mac) || stay.has(mac);
  const { hostId } = state;
  const automatic = wishes.filter(({ wish }) => wish === "auto").sort(byIdentity);
  if (isUnread(hostId) && automatic.length > 0) refusals.push(noHostId(automatic, hostId));
  else if (!isUnread(hostId)) {
    const ofPf = new Map<string, ReturnType<typeof autoMacs>>();
    for (const wish of automatic) {
      const { key } = wish.pf.identity;
      const macOf = ofPf.get(key) ?? autoMacs(hostId, key);
      ofPf.set(key, macOf);
      give(wish, macOf(wish.vfIndex, others));
    }
  }
  const fresh: MacWish[] = [];
  for (const wish of wishes.filter(({ wish }) => wish === "random")) {
    const mac = keptRandom(wish);
    // Somebody else may have it by now.
    if (mac === undefined || others(mac)) fresh.push(wish);
    else give(wish, mac);
  }
  for (const wish of fresh) give(wish, randomMac(random, others));
  refusals.push(...duplicates(holders, staying));
  const macs = new Map<PfAddress, Map<number, string>>();
  for (const { mac, wish } of holders) {
    if (wish === undefined) continue;
    const ofPf = macs.get(wish.pf.bdf) ?? new Map<number, string>();
    macs.set(wish.pf.bdf, ofPf.set(wish.vfIndex, mac));
  }
  return { macs, refusals };
}

/** Of those that hash alike the same one goes first, wherever the cards are plugged in. */
function byIdentity(a: MacWish, b: MacWish): number {
  return compareText(a.pf.identity.key, b.pf.identity.key) || a.vfIndex - b.vfIndex;
}

/** The address that was made once: by the record, or the administrative one where it is of the kind that is made. */
function keptRandom({ pf, vfIndex, recorded, newTenant }: MacWish): string | undefined {
  if (recorded !== undefined) return recorded;
  if (newTenant) return undefined;
  const mac = adminMac(pf.vfs.find((vf) => vf.vfIndex === vfIndex));
  return mac !== undefined && isLocalUnicast(mac) ? mac : undefined;
}

function adminMac(vf: VfState | undefined): string | undefined {
  return vf && (known(vf.settings)?.mac?.toLowerCase() ?? undefined);
}

/** Addresses that will be on the host whatever is done: of PFs, and of VFs that stay and whose address nobody changes. */
function stayingMacs(
  { pfs }: HostState,
  wishes: readonly MacWish[],
  numVfs: ReadonlyMap<PfAddress, number>,
): readonly Holder[] {
  const wanted = new Set(wishes.map(({ pf, vfIndex }) => vfName(pf, vfIndex)));
  return pfs.flatMap((pf) => {
    const present = known(pf.numVfs);
    const count = numVfs.get(pf.bdf) ?? present;
    const madeAnew = count !== present;
    // VFs that are made anew have their administrative addresses again.
    const there = madeAnew ? pf.vfs.filter(({ vfIndex }) => vfIndex < (count ?? 0)) : pf.vfs;
    const staying = there.filter(({ vfIndex }) => !wanted.has(vfName(pf, vfIndex)));
    const ofVfs = staying.flatMap((vf): Holder[] => {
      const name = vfName(pf, vf.vfIndex);
      const admin = adminMac(vf);
      const own = madeAnew ? [] : netdevMacs(vf).map(({ mac }) => mac);
      const macs = new Set([...(admin === undefined ? [] : [admin]), ...own]);
      return [...macs].map((mac) => ({ mac, name }));
    });
    return [...netdevMacs(pf).map(({ mac, name }) => ({ mac, name: `${name} (${pf.bdf})` })), ...ofVfs].filter(
      ({ mac }) => mac !== ZERO_MAC,
    );
  });
}

function netdevMacs({ netdevs }: Pick<PfState, "netdevs">): readonly { mac: string; name: string }[] {
  return (known(netdevs) ?? []).flatMap(({ mac, name }) => (isUnread(mac) ? [] : [{ mac: mac.toLowerCase(), name }]));
}

function duplicates(holders: readonly Holder[], staying: readonly Holder[]): readonly Refusal[] {
  const first = new Map<string, Holder>();
  for (const holder of staying) if (!first.has(holder.mac)) first.set(holder.mac, holder);
  const refusals: Refusal[] = [];
  for (const holder of holders) {
    const { mac, name, wish } = holder;
    const other = first.get(mac);
    if (mac === ZERO_MAC || wish === undefined) continue;
    if (other === undefined) {
      first.set(mac, holder);
      continue;
    }
    const has = other.wish === undefined ? `${other.name} has it` : `${other.wish.by} gives it to ${other.name}`;
    refusals.push({
      code: "VFL-0206",
      pf: wish.pf.bdf,
      vfIndex: wish.vfIndex,
      summary: `${mac} is wanted for ${name} by ${wish.by}, and ${has}`,
      evidence: [
        { fact: `${wish.by}: ${name}: network.mac: ${wish.wish}` },
        { fact: other.wish ? `${other.wish.by}: ${other.name}: network.mac: ${other.wish.wish}` : has },
      ],
      remedy: "give one of them another address, or auto",
    });
  }
  return refusals;
}

function noHostId(wishes: readonly MacWish[], { path, reason }: { path: string; reason: string }): Refusal {
  const who = [...new Set(wishes.map(({ by }) => by))].sort().join(", ");
  return {
    code: "VFL-0207",
    summary: `${who}: mac: auto needs the host's id, which is unknown`,
    evidence: [{ fact: reason, from: path }],
    remedy: "make /etc/machine-id (systemd-machine-id-setup), or write addresses, or random",
  };
}

function vfName({ bdf }: PfState, vfIndex: number): string {
  return `${bdf} VF ${vfIndex}`;
}
