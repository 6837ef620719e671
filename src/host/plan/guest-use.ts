import type { DeviceUser } from "../../kernel/port-users.ts";
import { type Attachment, deviceOf, holderOf, type SeenGuest } from "../guest-port.ts";
import type { VfState } from "../state/host-state.ts";
import type { PfDraft } from "./pf-draft.ts";

/** Under `drain`, a VF that vfleet gave to a guest is taken back, if nobody else uses it. @returns whether it is */
export function drained(draft: PfDraft, vf: VfState): boolean {
  const { host, desired, detached } = draft;
  if (desired.onShrink !== "drain" || host.guests === undefined || vf.users.users.length === 0) return false;
  if (detached.has(vf.vfIndex)) return vf.users.users.every((user) => isOf(detached.get(vf.vfIndex), user));
  const holder = holderOf(host.guests, vf.bdf);
  if (holder === undefined || holder.unreachable !== null) return false;
  if (!holder.devices.some(({ bdf, byVfleet }) => bdf === vf.bdf && byVfleet)) return false;
  const stays = vf.vfIndex < draft.count;
  if (!vf.users.users.every((user) => isOf(holder, user) || (stays && user.who.claim !== undefined))) return false;
  detach(draft, vf, holder);
  return true;
}

/** Whether a user is a guest by another of its names. */
export function isOf(guest: SeenGuest | undefined, { who }: DeviceUser): boolean {
  if (guest === undefined) return false;
  if (who.pid !== undefined && who.pid === guest.pid) return true;
  if (guest.address === `netns:${who.namespace}`) return true;
  return who.guest?.uuid === undefined ? who.guest?.name === guest.name : who.guest.uuid === guest.uuid;
}

/** A guest gives a VF back. */
export function detach(draft: PfDraft, { vfIndex, bdf }: VfState, holder: SeenGuest): void {
  draft.detached.set(vfIndex, holder);
  const how = attachmentOf(holder, bdf);
  draft.add("detach", { kind: "detachGuest", pf: draft.pf.bdf, vfIndex, guest: holder.address, ...how });
}

/** How a guest has a VF; nothing where it has it as guests do of themselves. */
export function attachmentOf(holder: SeenGuest, bdf: VfState["bdf"]): { readonly attachment?: Attachment } {
  const { place, managed } = deviceOf(holder, bdf) ?? {};
  if (place === undefined && !managed) return {};
  return { attachment: { ...(place ? { place } : {}), ...(managed ? { managed } : {}) } };
}

/** @param how as `is taken from qemu:web-1` */
export function tellGuest(draft: PfDraft, vfIndex: number, holder: SeenGuest, how: string): void {
  draft.affected.push({ vfIndex, user: userOf(holder), how });
}

/** A guest as the user of a VF that it has. */
export function userOf({ pid, uuid, name }: SeenGuest): DeviceUser {
  const who = { ...(pid === null ? {} : { pid }), guest: { name, ...(uuid === null ? {} : { uuid }) } };
  return { kind: "vfio", who, evidence: pid === null ? `${name} has it` : `process ${pid} runs it` };
}
