import type { Bdf } from "../pci/bdf.ts";
import type { ContainerIdentity, GuestIdentity, NotLookedAt } from "./port-users.ts";

/** All that is looked at to tell who uses functions. A kernel gathers it; `matchUsers` draws the conclusions. */
export interface UseFacts {
  /** The functions asked for, and the VFs of those that are PFs. */
  readonly functions: ReadonlyMap<Bdf, FunctionFact>;
  readonly openFiles: readonly OpenDeviceFile[];
  readonly namespaces: readonly NetNamespace[];
  /** Block devices of the functions and all that is built on them, by name. */
  readonly blocks: ReadonlyMap<string, BlockDevice>;
  readonly mounts: readonly Mount[];
  /** Names of block devices that are swap. */
  readonly swaps: readonly string[];
  /** File systems and pools that have block devices as members and no holder that says so. */
  readonly pools: readonly StoragePool[];
  readonly rdma: readonly RdmaResource[];
  readonly guests: readonly DefinedGuest[];
  readonly attachments: readonly CniAttachment[];
  readonly gaps: readonly UseGap[];
}

export interface FunctionFact {
  readonly bdf: Bdf;
  /** Null where there is none, undefined where that could not be read. */
  readonly driver: string | null | undefined;
  /** Of a PF. */
  readonly vfs: readonly Bdf[];
}

/** A VF that a CNI plugin has given to a container. */
export interface CniAttachment {
  readonly bdf: Bdf;
  /** Path of the container's network namespace. */
  readonly namespace: string;
  readonly containerId?: string;
  /** Of the plugin's record. */
  readonly path: string;
}

/** What could not be looked at, of these functions only where it names some. */
export interface UseGap extends NotLookedAt {
  readonly functions?: readonly Bdf[];
}

/** A process as far as it can be named. */
export interface ProcessFact {
  readonly pid: number;
  /** Undefined where the process ended before it could be asked. */
  readonly command?: string;
  readonly guest?: GuestIdentity;
  readonly container?: ContainerIdentity;
}

/** A device file that a process has open. */
export interface OpenDeviceFile {
  readonly process: ProcessFact;
  /** As the process sees it. */
  readonly path: string;
  readonly fd: number;
  /** The device's path below /sys, `/devices/...`; of a group of VFIO, `/devices/virtual/vfio/N`. */
  readonly device: string;
  /** Whose device that is; of a group of VFIO, all its functions. Empty where it is a block device upon others. */
  readonly functions: readonly Bdf[];
  /** The block device's name; undefined of a character device. */
  readonly block: string | undefined;
}

export interface NetNamespace {
  readonly inode: number;
  /** For a person: `netns blue`, `container ab12 (docker)`, `pid 42 (frr)`. */
  readonly label: string;
  /** Whether it is the one that process 1 is in. */
  readonly host: boolean;
  /** A process in it. */
  readonly process: ProcessFact | undefined;
  readonly links: readonly NetLink[];
  /** Only of namespaces where a function has an interface, or that have one upon it. */
  readonly routes: readonly NetRoute[];
  readonly packetSockets: readonly PacketSocket[];
}

export interface NetLink {
  readonly ifindex: number;
  readonly name: string;
  readonly up: boolean;
  /** `bond`, `bridge`, `vlan` ...; undefined of hardware. */
  readonly kind: string | undefined;
  /** Whose network interface it is; more than one of a device that several functions share. */
  readonly functions: readonly Bdf[];
  /** The bond, bridge, team, VRF it is a member of. */
  readonly master: string | undefined;
  /** Of a VLAN, macvlan ...: the interface below, by number; in another namespace where `lowerElsewhere`. */
  readonly lowerIfindex: number | undefined;
  readonly lowerElsewhere: boolean;
  readonly addresses: ReadonlyArray<{ readonly address: string; readonly scope: string }>;
  /** What is attached, as `driver mode, program 12`. */
  readonly xdp: string | undefined;
}

export interface NetRoute {
  /** `default`, or an address with its prefix. */
  readonly destination: string;
  /** Undefined of a network on the link, and of a route by several gateways. */
  readonly gateway: string | undefined;
  readonly table: string;
  readonly netdevs: readonly string[];
}

/** A packet socket on one interface, as lldpd and tcpdump have it. */
interface PacketSocket {
  readonly ifindex: number;
  /** Undefined where no process was seen that has it. */
  readonly process: ProcessFact | undefined;
}

export interface BlockDevice {
  readonly name: string;
  /** `major:minor`; undefined of one that cannot be opened (a path of NVMe multipath). */
  readonly number: string | undefined;
  /** For a person, where it has more than its name: `volume vg-data`. */
  readonly label: string | undefined;
  /** What it is by device mapper's name, as /dev/mapper has it. */
  readonly mapperName: string | undefined;
  /** Whose hardware it is; two or more where NVMe multipath leads to one namespace. */
  readonly functions: readonly Bdf[];
  /** Names of block devices built on it, partitions included. */
  readonly above: readonly string[];
}

export interface Mount {
  /** `major:minor` of the block device; of Btrfs and ZFS a number that is no device's. */
  readonly number: string;
  readonly type: string;
  readonly source: string;
  readonly point: string;
  /** Whether it is in process 1's mount namespace. */
  readonly host: boolean;
  /** Of another mount namespace, a process in it. */
  readonly process: ProcessFact | undefined;
}

export interface StoragePool {
  /** `btrfs`, `bcache`, `zfs`. */
  readonly type: string;
  readonly name: string;
  /** Names of block devices. */
  readonly members: readonly string[];
}

export interface RdmaResource {
  /** The RDMA device, as mlx5_0. */
  readonly device: string;
  readonly functions: readonly Bdf[];
  readonly process: ProcessFact | undefined;
  /** The kernel module or process that has it. */
  readonly command: string;
  /** As `queue pair 77 (RC)`. */
  readonly what: string;
}

/** A guest that has functions in its definition, whether it runs or not. */
export interface DefinedGuest {
  readonly name: string;
  readonly uuid: string | undefined;
  /** The file with the definition. */
  readonly path: string;
  readonly functions: readonly Bdf[];
}
