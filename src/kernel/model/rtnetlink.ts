import type { Observed } from "../port.ts";
import { unread } from "../port.ts";
import {
  type LinkChange,
  linkChangeProblem,
  type VfChange,
  type VfOutcome,
  vfSettingProblem,
  vfSettings,
} from "../port-link.ts";
import { failed, type Outcome } from "../port-outcome.ts";
import { errnoOf, KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import type { NetDevice, VfConfig } from "./net-device.ts";
import { flagsOf, isLoopback, operState, statisticsOf } from "./net-devices.ts";

const LINK_STATES = ["auto", "enable", "disable"] as const;
const GUID_SETTINGS: readonly string[] = ["nodeGuid", "portGuid"];
const NO_DEVICE = "there is no such network interface";
const BROADCAST = "ff:ff:ff:ff:ff:ff";
const FLAG_NAMES: readonly (readonly [bit: number, name: string])[] = [
  [0x8, "LOOPBACK"],
  [0x2, "BROADCAST"],
  [0x1000, "MULTICAST"],
  [0x1, "UP"],
];

/** What `ip -json -details -statistics link show dev NETDEV` prints. */
export function ipLink(linux: Linux, name: string): Observed<string> {
  const netdev = linux.net.byName(name);
  if (netdev === undefined) return unread(`ip link show dev ${name}`, "ENODEV", NO_DEVICE);
  const { ifindex, mac, mtu, options } = netdev;
  const flags = FLAG_NAMES.filter(([bit]) => (flagsOf(netdev) & bit) !== 0).map(([, flag]) => flag);
  const vfs = options.operations.vfInfo === undefined ? undefined : vfList(netdev);
  const link = {
    ifindex,
    ifname: name,
    flags: netdev.up && netdev.carrier ? [...flags, "LOWER_UP"] : netdev.up ? ["NO-CARRIER", ...flags] : flags,
    mtu,
    operstate: operState(netdev).toUpperCase(),
    link_type: isLoopback(netdev) ? "loopback" : "ether",
    address: mac,
    broadcast: isLoopback(netdev) ? mac : BROADCAST,
    ...(options.dev === undefined ? {} : { parentbus: "pci", parentdev: options.dev.bdf }),
    ...(options.parent === undefined ? {} : { parentbus: options.parent.bus, parentdev: options.parent.name }),
    ...(vfs === undefined || vfs.length === 0 ? {} : { vfinfo_list: vfs }),
    stats64: stats64(netdev),
  };
  return `${JSON.stringify([link])}\n`;
}

/** IFLA_STATS64, as iproute2's `print_stats64` prints it. */
function stats64(netdev: NetDevice): object {
  const { rxPackets, rxBytes, rxDropped, rxMulticast, txPackets, txBytes, txDropped } = statisticsOf(netdev);
  return {
    rx: {
      bytes: rxBytes,
      packets: rxPackets,
      errors: 0,
      dropped: rxDropped,
      over_errors: 0,
      multicast: rxMulticast,
    },
    tx: {
      bytes: txBytes,
      packets: txPackets,
      errors: 0,
      dropped: txDropped,
      carrier_errors: 0,
      collisions: 0,
    },
  };
}

/** `rtnl_fill_vf`, as iproute2's `print_vfinfo` prints it: of all VFs that the device has (`dev_num_vf`). */
function vfList({ options }: NetDevice): object[] {
  const count = options.parent?.numVfs() ?? options.dev?.sriov?.numVfs ?? 0;
  return Array.from({ length: count }, (_, vfIndex) => {
    const config = options.operations.vfInfo?.(vfIndex);
    return config === undefined ? [] : [vfJson(vfIndex, config)];
  }).flat();
}

function vfJson(vf: number, config: VfConfig): object {
  const { mac, vlan, qos, vlanProtocol, maxTxRate, minTxRate, spoofCheck, linkState, trusted, queryRss } = config;
  const zero = { bytes: 0, packets: 0, multicast: 0, broadcast: 0, dropped: 0 };
  return {
    vf,
    link_type: "ether",
    address: mac,
    broadcast: BROADCAST,
    vlan_list: [
      {
        ...(vlan === 0 ? {} : { vlan }),
        ...(qos === 0 ? {} : { qos }),
        ...(vlanProtocol === "802.1ad" ? { protocol: vlanProtocol } : {}),
      },
    ],
    ...(maxTxRate === 0 ? {} : { tx_rate: maxTxRate }),
    rate: { max_tx: maxTxRate, min_tx: minTxRate },
    spoofchk: spoofCheck,
    link_state: LINK_STATES[linkState] ?? "auto",
    trust: trusted,
    ...(queryRss === undefined ? {} : { query_rss_en: queryRss }),
    stats: { rx: zero, tx: { tx_bytes: 0, tx_packets: 0, dropped: 0 } },
  };
}

/** `do_setvfinfo` (net/core/rtnetlink.c), each setting in a message of its own. */
export async function setVfs(linux: Linux, name: string, changes: readonly VfChange[]): Promise<VfOutcome[]> {
  const outcomes: VfOutcome[] = [];
  for (const { change, setting } of vfSettings(changes)) {
    const { vfIndex } = change;
    const target = `${name} vf ${vfIndex} ${setting}`;
    const value = JSON.stringify(change[setting]);
    const problem = vfSettingProblem(change, setting);
    const netdev = linux.net.byName(name);
    const began = linux.time.clock.nowNs;
    let outcome: Outcome;
    if (problem !== undefined) outcome = failed(target, value, problem.errno, problem.reason);
    else if (netdev === undefined) outcome = failed(target, value, "ENODEV", NO_DEVICE);
    else {
      try {
        const operation = GUID_SETTINGS.includes(setting) ? undefined : netdev.options.operations.setVf?.[setting];
        if (operation === undefined) throw new KernelError("EOPNOTSUPP");
        await operation(setting === "txRateMbps" ? withMinimum(netdev, change) : change);
        outcome = { kind: "done", tookMs: (linux.time.clock.nowNs - began) / 1e6 };
      } catch (error) {
        outcome = failed(target, value, errnoOf(error));
      }
    }
    outcomes.push({ vfIndex, setting, outcome });
  }
  return outcomes;
}

/** IFLA_VF_TX_RATE has no minimum: `do_setvfinfo` keeps what the driver tells; a maximum below it is refused. */
function withMinimum({ options }: NetDevice, change: VfChange): VfChange {
  const { max, min } = change.txRateMbps ?? { max: 0 };
  if (min !== undefined) return change;
  if (options.operations.vfInfo === undefined) throw new KernelError("EOPNOTSUPP");
  const kept = options.operations.vfInfo(change.vfIndex)?.minTxRate;
  // rtnl_set_vf_rate
  if (kept === undefined || (max !== 0 && max < kept)) throw new KernelError("EINVAL");
  return { ...change, txRateMbps: { max, min: kept } };
}

/** `do_setlink` */
export function setLink(linux: Linux, name: string, change: LinkChange): Outcome {
  const [[setting, value] = ["", ""]] = Object.entries(change);
  const target = `${name} ${setting}`;
  const problem = linkChangeProblem(change);
  if (problem !== undefined) return failed(target, String(value), problem.errno, problem.reason);
  const netdev = linux.net.byName(name);
  if (netdev === undefined) return failed(target, String(value), "ENODEV", NO_DEVICE);
  try {
    applyLink(linux, netdev, change);
  } catch (error) {
    return failed(target, String(value), errnoOf(error));
  }
  return { kind: "done", tookMs: 0 };
}

function applyLink(linux: Linux, netdev: NetDevice, change: LinkChange): void {
  const { operations, minMtu = 68, maxMtu = 9216 } = netdev.options;
  if ("up" in change) {
    if (change.up === netdev.up) return;
    // __dev_open sets IFF_UP after ndo_open, __dev_close clears it after ndo_stop.
    if (change.up) {
      netdev.up = true;
      operations.up?.(netdev);
    } else {
      operations.down?.(netdev);
      netdev.up = false;
    }
  } else if ("mtu" in change) {
    if (change.mtu === netdev.mtu) return;
    if (change.mtu < minMtu || change.mtu > maxMtu) throw new KernelError("EINVAL");
    operations.setMtu?.(netdev, change.mtu);
    netdev.mtu = change.mtu;
  } else if ("mac" in change) {
    if (operations.setMac === undefined) throw new KernelError("EOPNOTSUPP");
    const mac = change.mac.toLowerCase();
    operations.setMac(netdev, mac);
    netdev.mac = mac;
    netdev.addrAssignType = 3;
  } else linux.net.rename(netdev, change.name);
}
