import type { VfChange, VfSettingName } from "../port-link.ts";
import type { PciDev } from "./pci-dev.ts";
import type { Folder } from "./sysfs-tree.ts";

/** What a driver says of an interface that it registers. */
export interface NetDeviceOptions {
  /** Of hardware: the function behind it. */
  readonly dev?: PciDev;
  /** What it hangs from where that is no function: its bus and name, and how many VFs it has (`bus->num_vf`). */
  readonly parent?: { readonly bus: string; readonly name: string; numVfs(): number };
  readonly loopback?: true;
  /** Of a port of devlink (`devlink_compat_phys_port_name_get`): `p1`, `pf0vf3`. */
  readonly physPortName?: string;
  /** The interface's `net` is in it: the function's folder, or a virtio device's below. */
  readonly folder: Folder;
  readonly mac: string;
  /** `NET_ADDR_PERM` 0, `NET_ADDR_RANDOM` 1. */
  readonly addrAssignType?: number;
  readonly devPort?: number;
  readonly minMtu?: number;
  readonly maxMtu?: number;
  readonly operations: NetOperations;
}

/**
 * `struct net_device_ops`, as far as settings go. They refuse by a KernelError, and what is left out is EOPNOTSUPP.
 */
export interface NetOperations {
  /** `ndo_open`, `ndo_stop` */
  up?(netdev: NetDevice): void;
  down?(netdev: NetDevice): void;
  /** `ndo_set_mac_address`; the interface's own field is set by the kernel after it. */
  setMac?(netdev: NetDevice, mac: string): void;
  /** `ndo_change_mtu` */
  setMtu?(netdev: NetDevice, mtu: number): void;
  /** Each setting of a VF that the driver knows (`ndo_set_vf_mac`, ...). */
  readonly setVf?: Partial<Record<VfSettingName, (change: VfChange) => void | Promise<void>>>;
  /** `ndo_get_stats64`; nothing was counted where left out. */
  statistics?(): LinkStatistics;
  /** `ndo_get_vf_config`; undefined where the driver has none. */
  vfInfo?(vfIndex: number): VfConfig | undefined;
}

/** `netif_carrier_on` and `netif_carrier_off`. @param speedMbps of a link that is up */
export function setCarrier(netdev: NetDevice, up: boolean, speedMbps?: number): void {
  netdev.carrier = up;
  netdev.speedMbps = up ? speedMbps : undefined;
}

/** Of an interface whose link is there when it is up, and which takes any address and MTU. */
export const LINK_WHEN_UP: NetOperations = {
  up: (netdev) => {
    netdev.carrier = true;
  },
  down: (netdev) => {
    netdev.carrier = false;
  },
  setMac: () => {},
  setMtu: () => {},
};

/** `struct ifla_vf_info`, what of it the driver tells. */
export interface VfConfig {
  readonly mac: string;
  readonly vlan: number;
  readonly qos: number;
  /** 802.1Q where left out. */
  readonly vlanProtocol?: "802.1Q" | "802.1ad";
  /** Mbit/s. */
  readonly minTxRate: number;
  readonly maxTxRate: number;
  readonly spoofCheck: boolean;
  /** IFLA_VF_LINK_STATE_AUTO, ENABLE, DISABLE. */
  readonly linkState: number;
  readonly trusted: boolean;
  readonly queryRss?: boolean;
}

/** `struct rtnl_link_stats64`, what of it drivers count here. */
export interface LinkStatistics {
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly rxDropped: number;
  readonly rxMulticast: number;
  readonly txPackets: number;
  readonly txBytes: number;
  readonly txDropped: number;
}

export const NO_STATISTICS: LinkStatistics = {
  rxPackets: 0,
  rxBytes: 0,
  rxDropped: 0,
  rxMulticast: 0,
  txPackets: 0,
  txBytes: 0,
  txDropped: 0,
};

/** `struct net_device` */
export interface NetDevice {
  readonly ifindex: number;
  name: string;
  readonly options: NetDeviceOptions;
  readonly folder: Folder;
  mac: string;
  addrAssignType: number;
  mtu: number;
  /** IFF_UP */
  up: boolean;
  /** `netif_carrier_ok` */
  carrier: boolean;
  /** Of the link that is up, in Mbit/s. */
  speedMbps: number | undefined;
}
