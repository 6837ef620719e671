import type { Observed } from "../../kernel/port.ts";
import type { NvmePrimaryCapabilities } from "../../kernel/port-nvme.ts";
import type { DeviceUsers } from "../../kernel/port-users.ts";
import type { VfInfo } from "../../kernel/port-vf-info.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { SeenGuests } from "../guest-port.ts";
import type { LinkCounters } from "../link-counters.ts";
import type { PfAddress } from "../pf-address.ts";

/**
 * What a plan is made from: one host's PFs and VFs as they were read at one time. Plain data, which JSON carries whole; what
 * could not be read is unread in place.
 */
export interface HostState {
  /** Of /etc/machine-id; `auto` MAC addresses derive from it. */
  readonly hostId: Observed<string>;
  /** Of /proc/sys/kernel/random/boot_id: another one, and all VFs were made anew. */
  readonly bootId: Observed<string>;
  /** Modules that are loaded or built in, `_` for `-`. */
  readonly modules: Observed<readonly string[]>;
  /** By address, in order. */
  readonly pfs: readonly PfState[];
  /** Left out where nobody was asked about guests. */
  readonly guests?: SeenGuests;
}

export interface PfState {
  readonly bdf: PfAddress;
  readonly identity: PfIdentity;
  readonly vendorId: Observed<number>;
  readonly deviceId: Observed<number>;
  /** 24 bits: class, subclass, interface. */
  readonly classCode: Observed<number>;
  /** null where none is bound. */
  readonly driver: Observed<string | null>;
  readonly numaNode: Observed<number | null>;
  /** Of the PF itself, without representors of its VFs. */
  readonly netdevs: Observed<readonly NetdevState[]>;
  /** Name of its controller, as nvme0; null where the driver made none. */
  readonly nvmeController: Observed<string | null>;
  /** TotalVFs of the capability. */
  readonly totalVfs: Observed<number>;
  /** `sriov_totalvfs` */
  readonly driverLimit: Observed<number>;
  readonly numVfs: Observed<number>;
  /** `sriov_drivers_autoprobe` */
  readonly driversAutoprobe: Observed<boolean>;
  /** `sriov_vf_total_msix`; null where its driver gives out no vectors. */
  readonly vfTotalMsix: Observed<number | null>;
  /** `legacy` or `switchdev`; null where it has no eSwitch that devlink shows. */
  readonly eswitchMode: Observed<string | null>;
  /** null where it is no NVMe controller with secondaries. */
  readonly nvme: Observed<NvmePrimaryCapabilities | null>;
  /** The variant driver that modules.alias names for its VFs (`vfio_pci:v...`), by its module; null where there is none. */
  readonly vfioVariant: Observed<string | null>;
  /** Whether a default route of the host goes over one of its interfaces, or over what is stacked on them. */
  readonly carriesDefaultRoute: Observed<boolean>;
  /** Its own users and those of its VFs. */
  readonly users: DeviceUsers;
  /** By vfIndex, in order. */
  readonly vfs: readonly VfState[];
}

/** What a PF is known by when addresses and names move: its serial number, or where it is plugged in. */
export interface PfIdentity {
  /** Of the Device Serial Number capability, as `00-1b-21-ff-ff-aa-bb-cc`; null where it has none. */
  readonly serial: Observed<string | null>;
  /** Device and function numbers from the root bus on, as `0000:00/1c.4/00.0`: they stay when buses are renumbered. */
  readonly slotPath: string;
  /**
   * The one that records use: `serial SERIAL.FUNCTION` where no other PF of the host has that, else `slot SLOTPATH`.
   */
  readonly key: string;
}

export interface NetdevState {
  readonly name: string;
  readonly mac: Observed<string>;
  readonly mtu: Observed<number>;
  /** IFF_UP */
  readonly up: Observed<boolean>;
  /** null while it is down, where the kernel tells no carrier. */
  readonly carrier: Observed<boolean | null>;
  readonly counters: Observed<LinkCounters>;
}

export interface VfState {
  readonly vfIndex: number;
  /** null of a simulated PF, whose VFs are no functions. */
  readonly bdf: Bdf | null;
  /** null where none is bound. */
  readonly driver: Observed<string | null>;
  /** null where there is none. */
  readonly driverOverride: Observed<string | null>;
  /** Interfaces in this network namespace. */
  readonly netdevs: Observed<readonly NetdevState[]>;
  /** null where the IOMMU does not cover it. */
  readonly iommuGroup: Observed<number | null>;
  /** Other functions of its group, bridges left out, with their drivers: VFIO gives out a group as a whole. */
  readonly groupOthers: Observed<readonly GroupMember[]>;
  /** What the PF's driver holds of it; null where it tells nothing of VFs. */
  readonly settings: Observed<VfInfo | null>;
  /** MSI-X table size of its capability; null where it has none. */
  readonly msixCount: Observed<number | null>;
  /** null where it is no secondary controller. */
  readonly nvme: Observed<VfNvmeState | null>;
  /** Of `reset_method`, in the kernel's order; empty where there is none. */
  readonly resetMethods: Observed<readonly string[]>;
  readonly users: DeviceUsers;
}

export interface GroupMember {
  readonly bdf: Bdf;
  readonly driver: Observed<string | null>;
}

export interface VfNvmeState {
  readonly controllerId: number;
  readonly online: boolean;
  /** Queue pairs and interrupt vectors that it was given. */
  readonly vq: number;
  readonly vi: number;
}
