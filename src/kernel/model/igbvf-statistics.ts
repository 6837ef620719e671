import type { IgbvfDriver } from "../../hardware/guests/igbvf-driver.ts";
import type { LinkStatistics } from "./net-device.ts";

/** What a driver of an 82576's VF has counted, the host's or a guest's. */
export function igbvfStatistics(driver: IgbvfDriver): LinkStatistics {
  const { rxPackets, rxBytes, rxMulticast, txPackets, txBytes } = driver.statistics();
  return { rxPackets, rxBytes, rxMulticast, txPackets, txBytes, rxDropped: driver.dropped(), txDropped: 0 };
}
