import type { DevlinkOperations, DevlinkRateItem } from "../devlink-device.ts";
import { KernelError } from "../kernel-error.ts";
import type { Linux } from "../linux.ts";
import type { NsimVf } from "./netdevsim-vfs.ts";

/** NSIM_LINK_SPEED_UNIT: 1 Mbit/s in bytes a second; NSIM_LINK_SPEED_MAX, in Mbit/s. */
const UNIT_BYTES = 125_000;
const MAX_MBPS = 5000;

/** `nsim_leaf_tx_*_set`, `nsim_rate_node_*` (drivers/net/netdevsim/dev.c) */
export function nsimRates(
  { log }: Linux,
  vfOf: (index: number) => NsimVf,
  isSwitchdev: () => boolean,
): Required<Pick<DevlinkOperations, "leafRates" | "nodeRates">> {
  /** `nsim_rate_bytes_to_units` */
  function units(name: string, bytes: number): number {
    if (bytes % UNIT_BYTES !== 0) {
      log.print(`${name} rate value ${bytes}Bps not in link speed units of 1Mbps.`);
      throw new KernelError("EINVAL", { extack: "TX rate value not in link speed units of 1Mbps" });
    }
    const rate = bytes / UNIT_BYTES;
    if (rate > MAX_MBPS) {
      log.print(`${name} rate value ${rate}Mbps exceed link maximum speed 5000Mbps.`);
      throw new KernelError("EINVAL", { extack: "TX rate value exceed link maximum speed 5000Mbps" });
    }
    return rate;
  }

  const leaf = ({ port }: DevlinkRateItem) => vfOf(port?.vfIndex ?? -1);
  const setParent = () => {};
  return {
    leafRates: {
      setTxShare: (rate, value) => {
        leaf(rate).minTxRate = units("tx_share", value);
      },
      setTxMax: (rate, value) => {
        leaf(rate).maxTxRate = units("tx_max", value);
      },
      setParent,
    },
    nodeRates: {
      setTxShare: (_, value) => void units("tx_share", value),
      setTxMax: (_, value) => void units("tx_max", value),
      setParent,
      create: () => {
        if (isSwitchdev()) return;
        throw new KernelError("EOPNOTSUPP", { extack: "Node creation allowed only in switchdev mode" });
      },
      remove: () => {},
    },
  };
}
