import type { VirtualFunctionObject } from "../api/objects.ts";
import { userName } from "../panel/users.ts";

/** What a VF's cell shows. */
export type VfStateWord = "free" | "configured" | "in use" | "unclear";

type VfStatus = VirtualFunctionObject["status"];

/** Fields without which it cannot be said whether a VF is free. */
const TELLING = ["driver", "netdevs", "settings"];

/**
 * Who has a VF comes first; then whether it was made ready for somebody. One is unclear where something that would tell was not
 * read: it may be in use, and it is not called free.
 */
export function vfStateOf({ status }: VirtualFunctionObject): VfStateWord {
  if (status.guest !== null || status.users.length > 0) return "in use";
  if (status.notLookedAt.length > 0 || TELLING.some((field) => field in status.unknown)) return "unclear";
  return isReady(status) ? "configured" : "free";
}

/** Made ready for somebody: bound to be handed on, set to something that no driver sets by itself, or up. */
function isReady({ driver, settings, netdevs }: VfStatus): boolean {
  if (driver?.includes("vfio") || netdevs?.some(({ up }) => up === true)) return true;
  if (settings === null) return false;
  const isAbove0 = (key: string) => Number(settings[key] ?? 0) > 0;
  return (
    ["vlan", "qos", "minTxRateMbps", "maxTxRateMbps"].some(isAbove0) ||
    settings.trust === true ||
    (typeof settings.mac === "string" && /[1-9a-f]/i.test(settings.mac))
  );
}

/** Who has a VF, and whether it is an object of its own: a guest of this host. */
export interface Holder {
  readonly key: string;
  readonly label: string;
  readonly isGuest: boolean;
}

/** Of a user that is somebody: interfaces, mounts and disks alone are the host's own use. */
const NAMES = ["guest", "container", "claim", "namespace", "command", "pid"];

/** Who a VF's lane leads to; undefined where nobody is known to use it. */
export function holderOf({ status }: VirtualFunctionObject): Holder | undefined {
  if (status.guest !== null) return { key: status.guest, label: status.guest, isGuest: true };
  const [user] = status.users;
  if (user === undefined) return undefined;
  const isNamed = NAMES.some((name) => user.who[name] !== undefined);
  const label = isNamed ? userName(user) : "this host";
  return { key: `user ${label}`, label, isGuest: false };
}

/** What is wrong with a VF, or was not seen of it, in words; empty where all is well. */
export function vfProblems({ status }: VirtualFunctionObject, dropsPerS = 0): readonly string[] {
  return [
    ...Object.entries(status.unknown).map(([field, reason]) => `${field} was not read: ${reason}`),
    ...status.notLookedAt.map((what) => `not looked at: ${what}`),
    ...(dropsPerS > 0 ? [`it drops ${dropsPerS < 1 ? dropsPerS.toFixed(1) : Math.round(dropsPerS)} frames/s`] : []),
  ];
}
