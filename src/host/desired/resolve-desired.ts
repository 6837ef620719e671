import { isUnread, known } from "../../kernel/port.ts";
import { pfDriver } from "../drivers.ts";
import { deviceOf, holderOf } from "../guest-port.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Refusal } from "../plan/plan.ts";
import { wishOf } from "../plan/plan-binding.ts";
import type { HostState, PfState } from "../state/host-state.ts";
import { allocateClaims, type ClaimedVfs } from "./allocate-claims.ts";
import type { Allocation } from "./allocation.ts";
import { assignMacs, type MacWish } from "./assign-macs.ts";
import { claimWishes, nameOf } from "./claim-demands.ts";
import { type EndedClaim, endedClaims, isRunning, leftByClaims } from "./claim-lifetime.ts";
import type { VfClaim } from "./claim-schema.ts";
import { compareText } from "./claim-search.ts";
import type { DesiredPf, DesiredVf } from "./desired-pf.ts";
import { duplicateGuids } from "./duplicate-guids.ts";
import { PfWishes, settingFields, type Wish } from "./pf-wishes.ts";
import type { VfPolicy } from "./policy-schema.ts";
import type { PolicyDocuments } from "./read-documents.ts";
import { selectPfs } from "./select-pfs.ts";
import { isMacWord, type NumVfsWish } from "./text-schemas.ts";
import { formatVfs, vfsOfRange } from "./vf-range.ts";

export interface Resolved {
  /** By address of the PF. PFs that nobody says anything of are left out. */
  readonly desired: readonly DesiredPf[];
  readonly refusals: readonly Refusal[];
  /**
   * Which VFs the claims have now: to be kept once the plan was done, and given back as `claims` the next time. As they were
   * where something is refused.
   */
  readonly allocations: readonly Allocation[];
  /** Claims that get nothing any more, and what those have left that go on. */
  readonly ended: readonly EndedClaim[];
}

/**
 * What policies and claims mean on this host: selectors found, shares counted, policies merged, claims given their VFs, MAC
 * addresses made. The order of documents makes no difference.
 * @param claims which VFs claims had before
 * @param random gives as many random bytes as it is asked for
 */
export function resolveDesired({
  documents,
  state,
  claims,
  random,
  now,
}: {
  readonly documents: PolicyDocuments;
  readonly state: HostState;
  readonly claims: readonly Allocation[];
  readonly random: (count: number) => Uint8Array;
  readonly now: Date;
}): Resolved {
  const ended = endedClaims(documents.claims.map(termOf), claims, state.guests, now);
  const isEnded = (name: string) => ended.some(({ claim }) => claim === name);
  const living = documents.claims.filter(({ metadata }) => !isEnded(metadata.name));
  const byName = <T extends { metadata: { name: string } }>(all: readonly T[]) =>
    [...all].sort((a, b) => compareText(a.metadata.name, b.metadata.name));
  const refusals: Refusal[] = [];
  const wishes = new Map(state.pfs.map((pf) => [pf.bdf, new PfWishes(pf)]));
  const selected = byName(documents.policies).map((policy) => {
    const selection = selectPfs(state, policy.spec.select, policyName(policy));
    refusals.push(...selection.refusals);
    const ofPolicy = selection.pfs.flatMap((pf) => wishes.get(pf.bdf) ?? []);
    for (const each of ofPolicy) refusals.push(...wishOfPf(policy, each));
    return { policy, ofPolicy };
  });
  const numVfs = new Map<PfAddress, number>();
  for (const [bdf, each] of wishes) {
    const count = each.get("numVfs")?.value ?? known(each.pf.numVfs);
    if (typeof count === "number") numVfs.set(bdf, count);
  }
  for (const { policy, ofPolicy } of selected) {
    for (const each of ofPolicy) refusals.push(...wishOfVfs(policy, each, numVfs));
  }
  // VFs that policies leave unclear can't be given to anybody, and to say so of each claim would hide the cause.
  const clear = refusals.length === 0 && [...wishes.values()].every((each) => each.refusals().length === 0);
  const allocated = clear
    ? allocateClaims(state, byName(living), claims, wishes, numVfs)
    : { claimed: [], left: [], refusals: [] };
  refusals.push(...allocated.refusals);
  for (const { claim, vfs } of allocated.claimed) {
    const settings = claimWishes(claim);
    for (const vf of vfs) {
      vf.wishes.wantedBy.add(nameOf(claim));
      vf.wishes.touch(vf.vfIndex);
      for (const wish of settings) vf.wishes.want(wish, vf.vfIndex);
    }
  }
  for (const each of wishes.values()) refusals.push(...each.refusals());
  const macs = assignMacs(state, macWishes(wishes, allocated.claimed, claims), numVfs, random);
  refusals.push(...macs.refusals, ...duplicateGuids(wishes.values(), numVfs));
  const owners = ownersOf(allocated.claimed);
  const guestsSeen = new Set(claims.filter(({ guestSeen }) => guestSeen).map(({ claim }) => claim));
  const allocations = allocated.claimed.flatMap(({ claim: { metadata, spec }, vfs }) =>
    vfs.map(({ wishes: { pf }, vfIndex }) => ({
      claim: metadata.name,
      guest: spec.guest,
      ...(spec.lifetime === undefined ? {} : { lifetime: spec.lifetime }),
      ...(guestsSeen.has(metadata.name) || isRunning(state.guests, spec.guest) ? { guestSeen: true } : {}),
      pfKey: pf.identity.key,
      vfIndex,
      mac: macs.macs.get(pf.bdf)?.get(vfIndex) ?? null,
    })),
  );
  // Of claims that are not asked for here, and of those that have ended: theirs until they are released.
  const placed = new Set(living.map(({ metadata }) => metadata.name));
  const others = claims.filter(({ claim }) => !placed.has(claim));
  const kept = refusals.length === 0 ? [...others, ...allocated.left, ...allocations] : claims;
  return {
    desired: state.pfs.flatMap((pf) => {
      const each = wishes.get(pf.bdf);
      if (each === undefined || each.wantedBy.size === 0) return [];
      const wanted = each.toDesired(macs.macs.get(pf.bdf) ?? new Map(), owners.get(pf.bdf) ?? new Map());
      return [{ ...wanted, vfs: wanted.vfs.map((vf) => withGuestsDriver(state, pf, vf)) }];
    }),
    refusals,
    allocations: kept,
    ended: [...ended, ...leftByClaims(kept, ended)],
  };
}

/**
 * A VF that vfleet gave to a guest, or that libvirt binds for it, has the driver that the guest needs until it is given back: what
 * a policy wants is the host's part of its life.
 */
function withGuestsDriver({ guests }: HostState, pf: PfState, wanted: DesiredVf): DesiredVf {
  const now = pf.vfs.find(({ vfIndex }) => vfIndex === wanted.vfIndex);
  if (wanted.driver === undefined || guests === undefined || typeof now?.driver !== "string") return wanted;
  const holder = holderOf(guests, now.bdf);
  const device = holder && deviceOf(holder, now.bdf);
  return device?.byVfleet || device?.managed ? { ...wanted, driver: wishOf(now) } : wanted;
}

function termOf({ metadata, spec: { guest, lifetime } }: VfClaim) {
  return { claim: metadata.name, guest, lifetime };
}

function policyName({ metadata }: VfPolicy): string {
  return `policy ${metadata.name}`;
}

/** What a policy says of a PF itself. */
function wishOfPf(policy: VfPolicy, wishes: PfWishes): readonly Refusal[] {
  const by = policyName(policy);
  const { numVfs, onShrink, eswitchMode, pf } = policy.spec;
  wishes.wantedBy.add(by);
  for (const [field, value] of settingFields({ onShrink, eswitchMode, pf })) wishes.want({ by, field, value });
  if (numVfs === undefined) return [];
  const count = countVfs(numVfs, wishes.pf, by);
  if (typeof count !== "number") return [count];
  wishes.want({ by, field: "numVfs", value: count, written: writtenCount(numVfs, count) });
  return [];
}

function writtenCount(wish: NumVfsWish, count: number): string {
  if (typeof wish === "number") return String(wish);
  return `${wish === "max" ? wish : `${wish.percent}%`} (${count})`;
}

/** How many VFs a wish means on a PF. */
function countVfs(wish: NumVfsWish, { bdf, driver, driverLimit }: PfState, by: string): number | Refusal {
  const refusal = (
    summary: string,
    remedy: string,
    fact: string,
    from = `/sys/bus/pci/devices/${bdf}/sriov_totalvfs`,
  ) => ({
    code: "VFL-0203",
    pf: bdf,
    summary: `${by}: ${summary}`,
    evidence: [{ fact, from }],
    remedy,
  });
  if (isUnread(driverLimit)) {
    // The kernel will tell; a share can't be counted.
    if (typeof wish === "number") return wish;
    const remedy = "bind the PF's driver, run as root, or write the number";
    return refusal(`how many VFs ${bdf} offers is unknown`, remedy, driverLimit.reason, driverLimit.path);
  }
  const offers = `${bdf} offers ${driverLimit} VFs`;
  const share = typeof wish === "object" ? Math.max(1, Math.floor((driverLimit * wish.percent) / 100)) : undefined;
  const count = share ?? (wish === "max" ? driverLimit : Number(wish));
  if (driverLimit === 0 && wish !== 0) {
    return refusal(`${offers}: SR-IOV is off`, "turn SR-IOV on in the device's firmware, or bind its driver", offers);
  }
  if (count > driverLimit) {
    return refusal(`${count} VFs are wanted, and ${offers}`, `ask for ${driverLimit} at the most, or max`, offers);
  }
  const known = pfDriver(driver);
  if (known?.ignoresCount && count !== 0 && count !== driverLimit) {
    const summary = `${count} VFs are wanted of ${bdf}, whose driver makes all ${driverLimit} whatever number is asked for`;
    return refusal(summary, "write numVfs: max", `driver ${String(driver)}`, `/sys/bus/pci/devices/${bdf}/driver`);
  }
  return count;
}

/** What a policy says of the VFs of a PF. */
function wishOfVfs(policy: VfPolicy, wishes: PfWishes, numVfs: ReadonlyMap<PfAddress, number>): readonly Refusal[] {
  const by = policyName(policy);
  const { bdf, numVfs: present } = wishes.pf;
  const count = numVfs.get(bdf);
  const entries = policy.spec.vfs ?? [];
  // That the number itself is refused was said.
  if (policy.spec.numVfs !== undefined && wishes.get("numVfs") === undefined) return [];
  if (wishes.contradictsNumVfs) return [];
  return entries.flatMap(({ range, ...settings }, index): readonly Refusal[] => {
    const place = `${by}: spec.vfs[${index}].range: ${range.text}`;
    const refusal = (summary: string, remedy: string, fact: string, from?: string) => [
      { code: "VFL-0204", pf: bdf, summary, remedy, evidence: [{ fact, ...(from === undefined ? {} : { from }) }] },
    ];
    if (count === undefined) {
      const { reason, path } = isUnread(present) ? present : { reason: "nobody says how many", path: undefined };
      return refusal(`${place}: how many VFs ${bdf} has is unknown`, "say numVfs in the policy", reason, path);
    }
    const { vfs, beyond } = vfsOfRange(range, count);
    const fields = settingFields(settings).map(([field, value]) => ({ by, field, value }));
    for (const vfIndex of vfs) for (const wish of fields) wishes.want(wish, vfIndex);
    if (beyond.length === 0) return [];
    const has = count === 0 ? "no VFs" : `${count} VFs, 0 to ${count - 1}`;
    const source = wishes.get("numVfs");
    const fact = source ? `${source.by}: numVfs: ${source.written ?? source.value}` : `numVfs is ${count} at present`;
    const remedy = source ? "make the range smaller, or numVfs larger" : "say numVfs in the policy";
    return refusal(`${place}: ${bdf} has ${has}; VF ${formatVfs(beyond)} will not be there`, remedy, fact);
  });
}

function macWishes(
  wishes: ReadonlyMap<PfAddress, PfWishes>,
  claimed: readonly ClaimedVfs[],
  records: readonly Allocation[],
): readonly MacWish[] {
  const owners = new Map<string, VfClaim>();
  for (const { claim, vfs } of claimed) {
    for (const vf of vfs) owners.set(`${vf.wishes.pf.bdf} ${vf.vfIndex}`, claim);
  }
  const recordOf = new Map(records.map((one) => [`${one.claim} ${one.pfKey} ${one.vfIndex}`, one]));
  return [...wishes.values()].flatMap((each) =>
    each.vfIndexes.flatMap((vfIndex): MacWish[] => {
      const set = each.get("network.mac", vfIndex);
      const claim = owners.get(`${each.pf.bdf} ${vfIndex}`);
      const preferred = claim?.spec.constraints?.preferMac;
      const none: Omit<Wish, "field"> | undefined =
        claim && preferred !== undefined ? { by: nameOf(claim), ofClaim: true, value: "keep" } : undefined;
      const wish = set ?? none;
      if (wish === undefined || (wish.value === "keep" && preferred === undefined)) return [];
      const owner = claim?.metadata.name;
      const record = recordOf.get(`${owner} ${each.pf.identity.key} ${vfIndex}`);
      return [
        {
          pf: each.pf,
          vfIndex,
          by: wish.by,
          wish: String(wish.value),
          // It gives way to an address that a policy has, as all of a claim's does.
          ...(preferred === undefined || !(wish.ofClaim || isMacWord(wish.value)) ? {} : { preferred }),
          newTenant: owner !== undefined && record === undefined,
          ...(record?.mac ? { recorded: record.mac } : {}),
        },
      ];
    }),
  );
}

function ownersOf(claimed: readonly ClaimedVfs[]): ReadonlyMap<PfAddress, ReadonlyMap<number, VfClaim>> {
  const owners = new Map<PfAddress, Map<number, VfClaim>>();
  for (const { claim, vfs } of claimed) {
    for (const { wishes, vfIndex } of vfs) {
      const ofPf = owners.get(wishes.pf.bdf) ?? new Map<number, VfClaim>();
      owners.set(wishes.pf.bdf, ofPf.set(vfIndex, claim));
    }
  }
  return owners;
}
