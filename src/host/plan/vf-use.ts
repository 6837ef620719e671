import { isUnread } from "../../kernel/port.ts";
import type { DeviceUser } from "../../kernel/port-users.ts";
import { deviceOf, holderOf, type SeenGuest } from "../guest-port.ts";
import type { Evidence } from "../preflight/check.ts";
import type { VfState } from "../state/host-state.ts";
import { drained, isOf } from "./guest-use.ts";
import type { PfDraft } from "./pf-draft.ts";
import type { VfUser } from "./plan.ts";

/**
 * Refuses to take VFs from who uses them, and from who might: "nobody" is known only where everything was looked at.
 * @param loss what would become of them, as `would be lost`
 * @param own the guest that they are for, whose use counts not
 * @returns whether none of them is in use
 */
export function requireUnused(draft: PfDraft, asked: readonly VfState[], loss: string, own?: SeenGuest): boolean {
  const vfs = asked.filter(({ vfIndex }) => !draft.contested.has(vfIndex));
  const kept = vfs.filter((vf) => !drained(draft, vf));
  const users: VfUser[] = kept.flatMap((vf) =>
    vf.users.users
      .filter((user) => !isOf(draft.detached.get(vf.vfIndex), user) && !isOf(own, user))
      .filter((user) => !isPromiseKept(draft, vf, user))
      .map((user) => ({ vfIndex: vf.vfIndex, user })),
  );
  if (users.length > 0) {
    const indexes = [...new Set(users.map(({ vfIndex }) => vfIndex))];
    const [only] = indexes;
    draft.refuse({
      code: "VFL-0211",
      ...(indexes.length === 1 && only !== undefined ? { vfIndex: only } : {}),
      summary: `${countOf(indexes.length, "VF")} ${indexes.length === 1 ? "is" : "are"} in use and ${loss}`,
      evidence: users.map(({ vfIndex, user }) => ({ fact: `VF ${vfIndex}: ${user.evidence}` })),
      users,
      remedy: remedyOf(draft, users, indexes.length === 1),
    });
    return false;
  }
  const hidden = vfs.filter((vf) => vf.users.notLookedAt.length > 0);
  if (hidden.length === 0) return vfs.length === asked.length;
  const ways = new Map<string, Evidence>();
  for (const { users: told } of hidden) {
    for (const { way, reason } of told.notLookedAt) ways.set(way, { fact: `${way}: ${reason}` });
  }
  draft.refuse({
    code: "VFL-0212",
    summary: `whether ${countOf(hidden.length, "VF")} ${hidden.length === 1 ? "is" : "are"} in use is not known, and ${hidden.length === 1 ? "it" : "they"} ${loss}`,
    evidence: [...ways.values()],
    remedy: "run as root, and on the host itself rather than in a container",
  });
  return false;
}

/**
 * A claim that has a VF on record loses nothing where that is made anew and stays, with what it had; nor by what it asks for itself. A
 * guest that has the VF by it is a user of its own.
 */
function isPromiseKept({ desired, remade, count }: PfDraft, vf: VfState, { who }: DeviceUser): boolean {
  const { vfIndex } = vf;
  if (who.claim === undefined || vfIndex >= count) return false;
  if (remade) return !isUnread(vf.settings) && !isUnread(vf.driver);
  return desired.vfs.some((each) => each.vfIndex === vfIndex && each.claim === who.claim);
}

/** A claim is ended by a command of ours, and so is a guest's use where vfleet began it; any other ends of itself. */
function remedyOf(draft: PfDraft, users: readonly VfUser[], one: boolean): string {
  const claims = new Set(users.map(({ user }) => user.who.claim));
  if (!claims.has(undefined)) {
    const commands = [...claims].map((claim) => `vfleet release --claim ${claim}`).join("; ");
    return `${claims.size === 1 ? "the claim is" : "the claims are"} released first, by: ${commands}`;
  }
  const { desired, remade, count } = draft;
  if (desired.onShrink === "drain") return "drain takes from guests only what vfleet gave them: end this use first";
  const [them, their, are] = one ? ["it", "its", "it is"] : ["them", "their", "they are"];
  const given = [...new Set(users.map((use) => givenVf(draft, use)))];
  const keep = `or keep ${them} as ${are}`;
  if (given.includes(undefined)) return `end ${their} use first, ${keep}`;
  // Who has a VF of those that are made anew can have it again.
  const drain = remade && count > 0 ? `have ${them} taken and given again, with onShrink: drain in the policy, ` : "";
  return `give ${them} back first, by: vfleet detach ${given.join(" ")}; ${drain}${keep}`;
}

/** The VF where its user is a guest that has it by vfleet, and would give it back. */
function givenVf({ host, pf }: PfDraft, { vfIndex, user }: VfUser): string | undefined {
  const vf = pf.vfs.find((each) => each.vfIndex === vfIndex);
  const holder = vf && host.guests && holderOf(host.guests, vf.bdf);
  if (vf === undefined || !holder || holder.unreachable !== null || !isOf(holder, user)) return undefined;
  return deviceOf(holder, vf.bdf)?.byVfleet ? (vf.bdf ?? undefined) : undefined;
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
