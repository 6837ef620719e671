import type { VirtualFunctionObject } from "../../../src/fleet/objects.ts";

/** What a VF's cell shows. */
export type VfStateWord = "free" | "configured" | "in use" | "unclear";

/**
 * Who has a VF comes first; then whether it was made ready for somebody; unclear is one of which too little could be read to say.
 */
export function vfStateOf({ status }: VirtualFunctionObject): VfStateWord {
  const { guest, users, driver, settings, unknown, netdevs } = status;
  if (guest !== null || users.length > 0) return "in use";
  if (status.notLookedAt.length > 0 || "driver" in unknown) return "unclear";
  const isReady = driver?.startsWith("vfio") === true || (settings !== null && Number(settings.vlan ?? 0) > 0);
  return isReady || netdevs?.some(({ up }) => up === true) ? "configured" : "free";
}
