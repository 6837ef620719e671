import type { Bdf } from "../pci/bdf.ts";

/** A kernel that can tell who uses its devices. */
export interface DeviceUsersSource {
  /**
   * Who uses each of these functions. One look at processes and namespaces serves all of them, so ask for all at once.
   * Users of a PF are its own and those of its VFs. What processes and programs do not let see is in `notLookedAt`.
   */
  usersOf(functions: readonly Bdf[]): Promise<ReadonlyMap<Bdf, DeviceUsers>>;
}

/** Who uses a function. "Nobody" is known only where `users` and `notLookedAt` are both empty. */
export interface DeviceUsers {
  /** Each of them loses something when the function is taken away. */
  readonly users: readonly DeviceUser[];
  /** What was seen and is no use by itself: bound to vfio-pci but not open, an interface that is up, a link-local address. */
  readonly idle: readonly DeviceUser[];
  /** Ways to be in use that could not be looked at. */
  readonly notLookedAt: readonly NotLookedAt[];
}

/**
 * How a function is used. Of processes: `vfio`, `drm`, `rdma`, `blockOpen`, `packetSocket`, any other `deviceFile`. Of
 * network interfaces: `namespace` (it is in another than the host's), `address`, `route`, `upper` (a bond, bridge, VLAN
 * ... on top), `xdp`, `up`. Of block devices: `mount`, `swap`, `holder` (RAID, LVM, encryption, a file system's member).
 * `definedGuest`: a guest that has it in its definition, running or not. `attachment`: a CNI plugin has given it to a container. `driver`: it is bound to a driver that hands it
 * to guests.
 */
export type UseKind =
  | "vfio"
  | "drm"
  | "rdma"
  | "blockOpen"
  | "packetSocket"
  | "deviceFile"
  | "namespace"
  | "address"
  | "route"
  | "upper"
  | "xdp"
  | "up"
  | "mount"
  | "swap"
  | "holder"
  | "definedGuest"
  | "attachment"
  | "driver";

export interface DeviceUser {
  readonly kind: UseKind;
  readonly who: UserIdentity;
  /** One sentence with the path, name or number that shows it. */
  readonly evidence: string;
  /** Of a PF's user: the VF through which it uses the PF. */
  readonly vf?: Bdf;
}

/** A user by all the names that are known of it. */
export interface UserIdentity {
  readonly pid?: number;
  /** The process's name, as /proc/PID/comm has it. */
  readonly command?: string;
  readonly guest?: GuestIdentity;
  /** A VfClaim that was given it, by its name. */
  readonly claim?: string;
  readonly container?: ContainerIdentity;
  /** A network namespace: its name below /run/netns, its container, or a process in it. */
  readonly namespace?: string;
  /** The network interface that is the user, or belongs to it. */
  readonly netdev?: string;
  readonly mountPoint?: string;
  /** A block device that is the user: the swap, the RAID, the volume. */
  readonly blockDevice?: string;
}

/** A virtual machine, from the command line or control group of the process that runs it. */
export interface GuestIdentity {
  readonly name?: string;
  readonly uuid?: string;
}

export interface ContainerIdentity {
  /** `docker`, `podman`, `containerd`, `cri-o`, `kubernetes`, `lxc`, `nspawn`. */
  readonly runtime: string;
  readonly id: string;
  /** The UID of its Kubernetes pod. */
  readonly pod?: string;
}

/** What was not looked at; each may hide users. */
export type UseWay =
  /** Files that processes have open: VFIO, DRM, RDMA, block and other devices. */
  | "openFiles"
  /** Interfaces in other network namespaces, and their addresses. */
  | "namespaces"
  | "routes"
  | "packetSockets"
  | "mounts"
  | "swap"
  /** Block devices of the function and what is built on them. */
  | "blockDevices"
  | "rdma"
  /** Guests that have the function in their definition, running or not. */
  | "definedGuests"
  /** What CNI plugins have given to containers. */
  | "cniAttachments"
  /** Xen domains. */
  | "xen";

export interface NotLookedAt {
  readonly way: UseWay;
  /** The errno's name. */
  readonly errno: string;
  readonly reason: string;
}
