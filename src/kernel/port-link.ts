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
