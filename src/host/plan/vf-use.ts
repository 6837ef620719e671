import type { SeenGuest } from "../guest-port.ts";
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
export function requireUnused(draft: PfDraft, vfs: readonly VfState[], loss: string, own?: SeenGuest): boolean {
  const kept = vfs.filter((vf) => !drained(draft, vf));
  const users: VfUser[] = kept.flatMap((vf) =>
    vf.users.users
      .filter((user) => !isOf(draft.detached.get(vf.vfIndex), user) && !isOf(own, user))
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
  if (hidden.length === 0) return true;
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

/** A claim alone is ended by a command of ours; what a guest has it lets go of itself. */
function remedyOf({ desired }: PfDraft, users: readonly VfUser[], one: boolean): string {
  const claims = new Set(users.map(({ user }) => user.who.claim));
  if (!claims.has(undefined)) {
    const commands = [...claims].map((claim) => `vfleet release --claim ${claim}`).join("; ");
    return `${claims.size === 1 ? "the claim is" : "the claims are"} released first, by: ${commands}`;
  }
  if (desired.onShrink === "drain") return "drain takes from guests only what vfleet gave them: end this use first";
  return `end their use first, or keep ${one ? "it as it is" : "them as they are"}`;
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
