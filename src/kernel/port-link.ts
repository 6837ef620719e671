import type { Outcome } from "./port-outcome.ts";

/** One setting of a network device. `name` wants it down before Linux 6.2, `mac` with most drivers. */
export type LinkChange =
  | { readonly up: boolean }
  | { readonly mtu: number }
  | { readonly mac: string }
  | { readonly name: string };

/** What is to be set of one VF; what is left out is not touched. */
export interface VfChange {
  readonly vfIndex: number;
  /** All zeros lets the VF choose its own. */
  readonly mac?: string;
  /** `id` 0 takes the VLAN away. The kernel sets all three at once: `qos` left out is 0, `protocol` 802.1Q. */
  readonly vlan?: { readonly id: number; readonly qos?: number; readonly protocol?: "802.1Q" | "802.1ad" };
  /**
   * The kernel sets both at once; with `min` left out it keeps the minimum itself (IFLA_VF_TX_RATE in `do_setvfinfo`).
   * There is no such way for the minimum alone: who sets that must know the maximum.
   */
  readonly txRateMbps?: { readonly max: number; readonly min?: number };
  readonly spoofCheck?: boolean;
  readonly linkState?: "auto" | "enable" | "disable";
  readonly queryRss?: boolean;
  readonly trust?: boolean;
  /** EUI-64, of InfiniBand: `00:11:22:33:44:55:66:77`. */
  readonly nodeGuid?: string;
  readonly portGuid?: string;
}

export type VfSettingName = Exclude<keyof VfChange, "vfIndex">;

export interface VfOutcome {
  readonly vfIndex: number;
  readonly setting: VfSettingName;
  readonly outcome: Outcome;
}

/** The order in which `do_setvfinfo` (net/core/rtnetlink.c) takes settings that come in one message. */
const ORDER = [
  "mac",
  "vlan",
  "txRateMbps",
  "spoofCheck",
  "linkState",
  "queryRss",
  "trust",
  "nodeGuid",
  "portGuid",
] as const satisfies readonly VfSettingName[];

/** The settings of `changes` one by one, in the order in which they are made and answered. */
export function vfSettings(
  changes: readonly VfChange[],
): ReadonlyArray<{ readonly change: VfChange; readonly setting: VfSettingName }> {
  return changes.flatMap((change) =>
    ORDER.filter((setting) => change[setting] !== undefined).map((setting) => ({ change, setting })),
  );
}

/** Why a kernel need not be asked. */
export interface LinkProblem {
  readonly errno: string;
  readonly reason: string;
}

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;
const GUID = /^[0-9a-f]{2}(?::[0-9a-f]{2}){7}$/i;
const LINK_STATES: readonly unknown[] = ["auto", "enable", "disable"];
const VLAN_PROTOCOLS: readonly unknown[] = ["802.1Q", "802.1ad", undefined];

/** What is wrong with a value before any kernel sees it: numbers that are none, addresses of another form. */
export function vfSettingProblem(change: VfChange, setting: VfSettingName): LinkProblem | undefined {
  if (!isCount(change.vfIndex, 0x7fff_ffff)) return invalid(`${change.vfIndex} is no number of a VF`);
  const { mac, vlan, txRateMbps: rate, linkState } = change;
  switch (setting) {
    case "mac":
      return MAC.test(mac ?? "") ? undefined : invalid(`${JSON.stringify(mac)} is no MAC address`);
    case "vlan":
      // Every driver has these limits; iproute2 6.15 has them before the kernel, and ends all that it was to do.
      if (!isCount(vlan?.id, 4095)) return invalid(`${vlan?.id} is no VLAN ID`);
      if (!isCount(vlan?.qos ?? 0, 7)) return invalid(`${vlan?.qos} is no priority`);
      return VLAN_PROTOCOLS.includes(vlan?.protocol) ? undefined : invalid(`${vlan?.protocol} is no VLAN protocol`);
    case "txRateMbps":
      if (!isCount(rate?.max) || !isCount(rate?.min ?? 0)) return invalid("a rate is a whole number of Mbit/s");
      // As `do_setvfinfo` has it; iproute2 has it before the kernel.
      return (rate?.min ?? 0) > (rate?.max || Number.POSITIVE_INFINITY) ? invalid("min is above max") : undefined;
    case "linkState":
      return LINK_STATES.includes(linkState) ? undefined : invalid(`${linkState} is no link state`);
    case "nodeGuid":
    case "portGuid":
      return GUID.test(change[setting] ?? "") ? undefined : invalid(`${JSON.stringify(change[setting])} is no EUI-64`);
    default:
      return undefined;
  }
}

export function linkChangeProblem(change: LinkChange): LinkProblem | undefined {
  if ("mtu" in change) return isCount(change.mtu, 0x7fff_ffff) ? undefined : invalid(`${change.mtu} is no MTU`);
  if ("mac" in change)
    return MAC.test(change.mac) ? undefined : invalid(`${JSON.stringify(change.mac)} is no MAC address`);
  // `dev_valid_name` (net/core/dev.c).
  if ("name" in change && (/[\s/:]|^\.{0,2}$/.test(change.name) || new TextEncoder().encode(change.name).length > 15)) {
    return invalid(`${JSON.stringify(change.name)} is no name of a network device`);
  }
  return undefined;
}

function invalid(reason: string): LinkProblem {
  return { errno: "EINVAL", reason };
}

function isCount(value: number | undefined, limit = 0xffff_ffff): boolean {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= limit;
}
