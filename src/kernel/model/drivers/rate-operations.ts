import type { DevlinkOperations, DevlinkRateItem } from "../devlink-device.ts";
import { KernelError } from "../kernel-error.ts";
import type { Linux } from "../linux.ts";

/** 1 Mbit/s in bytes a second (NSIM_LINK_SPEED_UNIT, MLX5_LINKSPEED_UNIT). */
const UNIT_BYTES = 125_000;

interface RatesOfVfs {
  vfOf(index: number): { minTxRate: number; maxTxRate: number };
  isSwitchdev(): boolean;
  readonly maxMbps: number;
  /** How the line of the log names the most. */
  readonly maxText: string;
  readonly onlyInSwitchdev: string;
  /** Nodes can have parents. */
  readonly nested: boolean;
}

/**
 * Rates of VFs by devlink, whole Mbit/s, as two drivers have them: `nsim_leaf_tx_*_set`, `nsim_rate_node_*`
 * (drivers/net/netdevsim/dev.c) and `mlx5_esw_devlink_rate_*` (drivers/net/ethernet/mellanox/mlx5/core/esw/qos.c).
 */
export function rateOperations(
  { log }: Linux,
  { vfOf, isSwitchdev, maxMbps, maxText, onlyInSwitchdev, nested }: RatesOfVfs,
): Required<Pick<DevlinkOperations, "leafRates" | "nodeRates">> {
  /** `nsim_rate_bytes_to_units`, `esw_qos_devlink_rate_to_mbps` */
  function units(name: string, bytes: number): number {
    if (bytes % UNIT_BYTES !== 0) {
      log.print(`${name} rate value ${bytes}Bps not in link speed units of 1Mbps.`);
      throw new KernelError("EINVAL", { extack: "TX rate value not in link speed units of 1Mbps" });
    }
    const rate = bytes / UNIT_BYTES;
    if (rate > maxMbps) {
      log.print(`${name} rate value ${rate}Mbps exceed link maximum speed ${maxText}.`);
      throw new KernelError("EINVAL", { extack: "TX rate value exceed link maximum speed" });
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
      ...(nested ? { setParent } : {}),
      create: () => {
        if (!isSwitchdev()) throw new KernelError("EOPNOTSUPP", { extack: onlyInSwitchdev });
      },
      remove: () => {},
    },
  };
}
