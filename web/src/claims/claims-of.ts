import type { ApiAnswer } from "../../../src/client/api-client.ts";

/** Which VF a claim has, as it is kept. */
export type ClaimedVf = ApiAnswer<"GET /hosts/{host}/claims">["items"][number];

export interface Claim {
  readonly name: string;
  readonly guest: string | null;
  readonly vfs: readonly ClaimedVf[];
  /** In words. */
  readonly lifetime: string;
}

/** Claims by name, each with its VFs; those that are desired and have none are among them. @param desired by name */
export function claimsOf(items: readonly ClaimedVf[], desired: readonly string[], now: Date): readonly Claim[] {
  const byName = Map.groupBy(items, ({ claim }) => claim);
  const names = [...new Set([...byName.keys(), ...desired])].sort();
  return names.map((name) => {
    const vfs = (byName.get(name) ?? []).toSorted((a, b) => a.vfIndex - b.vfIndex);
    const [first] = vfs;
    return { name, guest: first?.guest ?? null, vfs, lifetime: first ? lifetimeWords(first, now) : "" };
  });
}

function lifetimeWords({ lifetime, guestSeen }: ClaimedVf, now: Date): string {
  if (lifetime === null || lifetime === "permanent") return "until it is released";
  if (lifetime === "guest") return guestSeen ? "as long as the guest" : "as long as the guest, which was not seen yet";
  const end = new Date(lifetime);
  return `${end <= now ? "ended at" : "until"} ${end.toLocaleString()}`;
}
