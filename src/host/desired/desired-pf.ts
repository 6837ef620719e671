import type { Attachment, GuestAddress } from "../guest-port.ts";
import type { PfAddress } from "../pf-address.ts";

/**
 * What is wanted of one PF, all policies merged and all selectors, `max`, `auto` and ranges resolved. What is left out is not
 * touched. Plain data.
 */
export interface DesiredPf {
  readonly pf: PfAddress;
  /** Who wants it: names of policies and claims, or the command. */
  readonly wantedBy: readonly string[];
  readonly numVfs?: number;
  /** What to do where VFs that are in use would be lost. */
  readonly onShrink: "refuse" | "drain";
  readonly eswitchMode?: "legacy" | "switchdev";
  readonly mtu?: number;
  readonly up?: boolean;
  /** Set only to put back what was there: no policy names it. */
  readonly driversAutoprobe?: boolean;
  /** By vfIndex, in order; VFs that nobody says anything of are left out. */
  readonly vfs: readonly DesiredVf[];
}

export interface DesiredVf {
  readonly vfIndex: number;
  readonly pool?: string;
  /** The guest whose claim has it. */
  readonly claimedBy?: string;
  /** That claim: it asks for what is done to the VF, which is no loss of its own. */
  readonly claim?: string;
  readonly driver?: DriverWish;
  /** Who is to have it; null: nobody. */
  readonly guest?: GuestAddress | null;
  readonly attachment?: Attachment;
  readonly network?: DesiredVfNetwork;
  readonly msixCount?: number;
  readonly nvme?: DesiredVfNvme;
}

/**
 * `default`: the driver that the kernel takes of itself, no override. `none`: unbound. `vfio`: vfio-pci, or the variant driver
 * that modules.alias names. Any other: the driver of that name, by driver_override.
 */
export type DriverWish = "default" | "none" | "vfio" | (string & {});

/** Settings by the names and units of `VfChange`; rates apart, since each may be wanted alone. */
export interface DesiredVfNetwork {
  /** Lower case; `auto` and `random` are resolved. All zeros lets the VF choose. */
  readonly mac?: string;
  readonly vlan?: number;
  readonly qos?: number;
  readonly vlanProtocol?: "802.1Q" | "802.1ad";
  /** 0: no limit. */
  readonly minTxRateMbps?: number;
  readonly maxTxRateMbps?: number;
  readonly spoofCheck?: boolean;
  readonly trust?: boolean;
  readonly linkState?: "auto" | "enable" | "disable";
  readonly queryRss?: boolean;
  readonly nodeGuid?: string;
  readonly portGuid?: string;
}

interface DesiredVfNvme {
  /** Queue pairs, the admin queue's among them, and interrupt vectors. */
  readonly queues?: number;
  readonly interrupts?: number;
  readonly online?: boolean;
}
