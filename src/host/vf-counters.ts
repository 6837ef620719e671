import { known, type Observed } from "../kernel/port.ts";
import type { VfInfo } from "../kernel/port-vf-info.ts";
import { pfDriver } from "./drivers.ts";
import type { LinkCounters } from "./link-counters.ts";
import type { VfState } from "./state/host-state.ts";

/** What went through a VF, and who has counted it; null where that one does not count so. */
export interface VfTraffic {
  /** The PF's driver, the VF's own interface in this namespace, or the driver in its guest. */
  readonly by: "pf" | "interface" | "guest";
  readonly rxBytes: number | null;
  readonly rxPackets: number | null;
  readonly rxDropped: number | null;
  readonly txBytes: number | null;
  readonly txPackets: number | null;
  readonly txDropped: number | null;
}

/**
 * What is known of a VF's traffic: the PF's driver counts whoever has the VF; where it does not, whoever drives the VF does.
 * @param inGuest what its guest tells
 * @returns null where nobody has told
 */
export function vfTraffic(
  { settings, netdevs }: Pick<VfState, "settings" | "netdevs">,
  inGuest: LinkCounters | undefined,
): VfTraffic | null {
  const byPf = known(settings)?.counters;
  if (byPf) return traffic("pf", byPf);
  const [own] = (known(netdevs) ?? []).flatMap(({ counters }) => known(counters) ?? []);
  if (own !== undefined) return traffic("interface", own);
  return inGuest === undefined ? null : traffic("guest", inGuest);
}

function traffic(by: VfTraffic["by"], counters: Omit<VfTraffic, "by">): VfTraffic {
  const { rxBytes, rxPackets, rxDropped, txBytes, txPackets, txDropped } = counters;
  return { by, rxBytes, rxPackets, rxDropped, txBytes, txPackets, txDropped };
}

/**
 * What the PF's driver says of a VF, with counters where it counts: `rtnl_fill_vfinfo` prints zeros for a driver without
 * `ndo_get_vf_stats`, which are no observation. Of a driver that is not known to count, what is not zero was counted.
 */
export function withCounted(info: VfInfo, driver: Observed<string | null>): VfInfo {
  const { counters } = info;
  if (counters === null || pfDriver(driver)?.countsVfs === true) return info;
  return Object.values(counters).some((value) => (value ?? 0) !== 0) ? info : { ...info, counters: null };
}
