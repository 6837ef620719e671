import type { Observed } from "../kernel/port.ts";
import type { VfInfo } from "../kernel/port-vf-info.ts";
import { pfDriver } from "./drivers.ts";

/**
 * What the PF's driver says of a VF, with counters where it counts: `rtnl_fill_vfinfo` prints zeros for a driver without
 * `ndo_get_vf_stats`, which are no observation. Of a driver that is not known to count, what is not zero was counted.
 */
export function withCounted(info: VfInfo, driver: Observed<string | null>): VfInfo {
  const { counters } = info;
  if (counters === null || pfDriver(driver)?.countsVfs === true) return info;
  return Object.values(counters).some((value) => (value ?? 0) !== 0) ? info : { ...info, counters: null };
}
