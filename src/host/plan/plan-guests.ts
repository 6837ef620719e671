import { known } from "../../kernel/port.ts";
import { nearMiss } from "../../yaml/near-miss.ts";
import { isVfioDriver } from "../drivers.ts";
import {
  type Attachment,
  covers,
  deviceOf,
  type GuestAddress,
  holderOf,
  type SeenGuest,
  type SeenGuests,
  takesByVfio,
} from "../guest-port.ts";
import type { VfState } from "../state/host-state.ts";
import { attachmentOf, detach, tellGuest, userOf } from "./guest-use.ts";
import type { PfDraft, PlannedVf } from "./pf-draft.ts";
import { requireUnused } from "./vf-use.ts";

/**
 * Guests that give VFs back, which comes before all that is done to VFs: what a guest has given back nobody uses. What is given
 * out is planned by {@link planAttaching}, when it is known what the VFs will be. A VF goes back to the host because that is wished,
 * and never because another guest is to have it: that would take it from its user.
 */
export function planDetaching(draft: PfDraft): void {
  for (const vf of draft.pf.vfs) {
    const wish = draft.desired.vfs.find(({ vfIndex }) => vfIndex === vf.vfIndex)?.guest;
    if (wish === undefined) continue;
    const seen = guestsOf(draft, vf.vfIndex);
    if (seen === undefined) return;
    const holder = holderOf(seen, vf.bdf);
    if (holder === undefined || holder.address === wish) continue;
    if (wish !== null) refuseTaking(draft, vf, holder, wish);
    else if (holder.unreachable !== null) refuseUnreachable(draft, vf.vfIndex, holder, holder.unreachable);
    else {
      detach(draft, vf, holder);
      tellGuest(draft, vf.vfIndex, holder, `is taken from ${holder.address}`);
    }
  }
}

/** VFs that are given to guests, and given back to those that had to do without for a while. */
export function planAttaching(draft: PfDraft): void {
  const returned = new Set(planGiving(draft));
  for (const [vfIndex, holder] of draft.detached) {
    if (draft.desired.vfs.some((vf) => vf.vfIndex === vfIndex && vf.guest !== undefined)) continue;
    const then = returned.has(vfIndex) ? " for a while" : ", and not given back";
    tellGuest(draft, vfIndex, holder, `is taken from ${holder.address}${then}`);
  }
}

/** @returns the VFs that guests get */
function planGiving(draft: PfDraft): readonly number[] {
  const given: number[] = [];
  for (const vf of draft.plannedVfs()) {
    const { vfIndex, now, wanted } = vf;
    const drained = wanted?.guest === undefined ? draft.detached.get(vfIndex) : undefined;
    const drainedFrom = drained?.address;
    const guest = wanted?.guest ?? drainedFrom;
    if (guest === undefined || draft.contested.has(vfIndex)) continue;
    const seen = guestsOf(draft, vfIndex);
    if (seen === undefined) break;
    const found = now && holderOf(seen, now.bdf);
    const holder = found?.address === guest && !draft.detached.has(vfIndex) ? found : undefined;
    const has = holder && deviceOf(holder, now?.bdf ?? null);
    const how = wantedAttachment(draft, vf, drained);
    // A guest that does not run gets it when it starts.
    if (holder && has && (covers(has, how) || !holder.running)) continue;
    if (!isThere(draft, vfIndex, seen, guest)) continue;
    const misfit = misfitOf(vf, guest, how);
    if (misfit !== undefined) {
      const note = { code: "VFL-0225", vfIndex, evidence: [], remedy: misfit.remedy };
      if (drainedFrom === undefined) draft.refuse({ ...note, summary: misfit.why });
      else draft.warn({ ...note, summary: `${guest} does not get VF ${vfIndex} back: ${misfit.why}` });
      continue;
    }
    // It is nobody's else; where its driver changes, that was asked before.
    if (now && !draft.released.has(vfIndex) && !requireUnused(draft, [now], `would be given to ${guest}`, holder))
      continue;
    draft.add("attach", {
      ...{ kind: "attachGuest", pf: draft.pf.bdf, vfIndex, guest },
      ...(has ? { from: { place: has.place ?? "live" } } : {}),
      ...(Object.keys(how).length > 0 ? { attachment: how } : {}),
    });
    given.push(vfIndex);
  }
  return given;
}

/** What is given back after a while is had as it was. */
function wantedAttachment(draft: PfDraft, { vfIndex, wanted }: PlannedVf, drained: SeenGuest | undefined): Attachment {
  if (drained === undefined) return wanted?.attachment ?? {};
  const before = draft.pf.vfs.find((vf) => vf.vfIndex === vfIndex);
  return attachmentOf(drained, before?.bdf ?? null).attachment ?? {};
}

/** The guests of the host, or a refusal: where they were not all looked for, nobody knows whose a VF is. */
function guestsOf(draft: PfDraft, vfIndex: number): SeenGuests | undefined {
  const { guests } = draft.host;
  if (guests !== undefined) return guests;
  draft.refuse({
    code: "VFL-0223",
    vfIndex,
    summary: "which guests there are is not known",
    evidence: [{ fact: "the source does not tell its guests" }],
    remedy: "run it on the host itself, as root",
  });
  return undefined;
}

function isThere(draft: PfDraft, vfIndex: number, { guests, gaps }: SeenGuests, address: GuestAddress): boolean {
  const guest = guests.find((each) => each.address === address);
  if (guest === undefined) {
    const near = nearMiss(
      address,
      guests.map((each) => each.address),
    );
    draft.refuse({
      code: "VFL-0224",
      vfIndex,
      summary: `there is no guest ${address}`,
      evidence: gaps.map(({ path, reason }) => ({ fact: reason, from: path })),
      remedy: near === undefined ? "list the guests with: vfleet guests" : `did you mean ${near}?`,
    });
    return false;
  }
  if (guest.unreachable === null) return true;
  refuseUnreachable(draft, vfIndex, guest, guest.unreachable);
  return false;
}

function refuseTaking(draft: PfDraft, { vfIndex, bdf }: VfState, holder: SeenGuest, wish: GuestAddress): void {
  draft.contested.add(vfIndex);
  const { address, running, unreachable } = holder;
  const end = unreachable === null ? `give it back first, by: vfleet detach ${bdf}` : `end its use by ${address} first`;
  draft.refuse({
    code: "VFL-0211",
    vfIndex,
    summary: `1 VF is in use and would be given to ${wish}`,
    evidence: [{ fact: `VF ${vfIndex}: ${address} has it${running ? "" : ", for when it runs"}` }],
    users: [{ vfIndex, user: userOf(holder) }],
    remedy: `${end}; or give ${wish} another VF`,
  });
}

function refuseUnreachable(draft: PfDraft, vfIndex: number, { address }: SeenGuest, why: string): void {
  draft.refuse({
    code: "VFL-0226",
    vfIndex,
    summary: `${address} takes no VF and gives none back`,
    evidence: [{ fact: why }],
    remedy: "give it through whoever runs it, or give the guest a monitor of its own",
  });
}

/** A virtual machine gets a VF by VFIO, a network namespace by its interface. */
function misfitOf(
  { now, wanted }: PlannedVf,
  guest: GuestAddress,
  { managed }: Attachment,
): { readonly why: string; readonly remedy: string } | undefined {
  // libvirt binds it.
  if (managed) return undefined;
  const byVfio = takesByVfio(guest);
  const driver = wanted?.driver ?? (now === undefined ? "default" : known(now.driver));
  const hasNone = driver === null || driver === "none";
  // What could not be read is told by who needs it.
  if (driver === undefined || (!hasNone && byVfio === (driver === "vfio" || isVfioDriver(driver)))) return undefined;
  const has = driver === "default" ? "has the driver that the kernel gives it" : `has ${driver}`;
  return {
    why: `${guest} wants the VF ${byVfio ? "on vfio-pci" : "with its network driver"}, and it ${hasNone ? "has no driver" : has}`,
    remedy: byVfio ? "let it have driver: vfio-pci" : "let it have driver: default",
  };
}
