import type { ConfigAccess } from "../../hardware/firmware.ts";
import type { IgbvfDriver } from "../../hardware/guests/igbvf-driver.ts";
import type { MovableGuest } from "../../hardware/guests/movable-guest.ts";
import type { Machine } from "../../hardware/machine.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { GuestIdentity } from "../port-users.ts";
import type { Attribute } from "./attributes.ts";
import type { DevlinkList } from "./devlink-device.ts";
import type { TrafficFlows } from "./flow-report.ts";
import type { KernelDma } from "./kernel-dma.ts";
import type { KernelLog } from "./kernel-log.ts";
import type { KernelTime } from "./kernel-time.ts";
import type { Mutex } from "./mutex.ts";
import type { LinkStatistics, NetDevice, NetDeviceOptions } from "./net-device.ts";
import type { PciBus, PciDev } from "./pci-dev.ts";
import type { Folder } from "./sysfs-tree.ts";
import type { Uevents } from "./uevents.ts";

/** What was said on the kernel's command line, as far as the model knows it. */
export interface BootOptions {
  /** All of it: /proc/cmdline. */
  readonly commandLine: string;
  /** `pci=noari` */
  readonly noAri: boolean;
  /** `pci=noaer` */
  readonly noAer: boolean;
  /** `pci=realloc=off` */
  readonly reallocOff: boolean;
  /** `pci=nomsi`: no MSI, no MSI-X. */
  readonly noMsi: boolean;
  readonly hasIommu: boolean;
  /** The IOMMU is there, and in use. */
  readonly iommu: boolean;
  /** `iommu=pt`: what drivers of this kernel do passes untranslated. */
  readonly passThrough: boolean;
  readonly interruptRemapping: boolean;
  readonly host: HostIds;
}

/** What tells this host, and this boot of it, from others. */
export interface HostIds {
  /** machine-id(5) */
  readonly machineId: string;
  /** random(4) */
  readonly bootId: string;
}

/** `struct pci_device_id`; what is left out is any. */
export interface PciDeviceId {
  readonly vendor?: number;
  readonly device?: number;
  readonly subsystemVendor?: number;
  readonly subsystemDevice?: number;
  readonly classCode?: number;
  readonly classMask?: number;
  /** Only for a device whose driver_override names the driver (PCI_ID_F_VFIO_DRIVER_OVERRIDE). */
  readonly overrideOnly?: true;
}

/**
 * `struct pci_driver`. Its functions refuse by a KernelError; they run under the device's lock, and take the time that
 * Linux's take (`linux.time.sleep`).
 */
export interface PciDriver {
  readonly name: string;
  /** In /sys/module; undefined of one that is built in without a module of its own. */
  readonly module?: string;
  readonly ids: readonly PciDeviceId[];
  probe(linux: Linux, dev: PciDev): void | Promise<void>;
  remove?(linux: Linux, dev: PciDev): void | Promise<void>;
  /** @returns how many VFs there are, as the callback does; undefined where the driver has no such callback */
  sriovConfigure?(linux: Linux, dev: PciDev, numVfs: number): Promise<number>;
  /** `sriov_set_msix_vec_count`, on the PF's driver. */
  setVfMsixCount?(linux: Linux, vf: PciDev, count: number): void | Promise<void>;
  /** `sriov_get_vf_total_msix` */
  vfTotalMsix?(linux: Linux, dev: PciDev): number;
  /** Around a reset (`err_handler->reset_prepare`, `reset_done`). */
  resetPrepare?(linux: Linux, dev: PciDev): void | Promise<void>;
  resetDone?(linux: Linux, dev: PciDev): void | Promise<void>;
  /** The driver lets VFs be driven without the IOMMU in the kernel's hands (`driver_managed_dma`). */
  readonly managesDma?: true;
  /** Of any device that comes to the bus, before it is matched; and of any that was bound (`bus_register_notifier`). */
  deviceAdded?(linux: Linux, dev: PciDev): void;
  deviceBound?(linux: Linux, dev: PciDev): void;
}

/** A module that can be loaded. */
export interface KernelModule {
  /** As in /sys/module: with underscores. */
  readonly name: string;
  readonly version?: string;
  /** Modules that it needs. */
  readonly needs?: readonly string[];
  /** Modules that it asks for when it begins, and does without (`request_module`). */
  readonly wants?: readonly string[];
  readonly drivers?: readonly PciDriver[];
  /** /sys/module/NAME/parameters, by name what each holds at first. */
  readonly parameters?: Readonly<Record<string, ModuleParameter>>;
  /** Built in: there from the beginning, and not to be unloaded. */
  readonly builtIn?: true;
  /** No Linux has it: it is there only where the model's file names it. */
  readonly modelOnly?: true;
  init?(linux: Linux): void;
  exit?(linux: Linux): void;
}

export interface ModuleParameter {
  readonly value: string;
  readonly type: "bool" | "int" | "uint" | "string";
  /** It can be written: mode 0644. */
  readonly writable?: true;
}

/** The PCI bus's drivers (drivers/base/bus.c, dd.c; drivers/pci/pci-driver.c). */
export interface PciDriverCore {
  /** What a device is bound to. */
  of(dev: PciDev): PciDriver | undefined;
  register(driver: PciDriver): Promise<void>;
  unregister(driver: PciDriver): Promise<void>;
  /** /sys/bus/pci/drivers_autoprobe */
  autoprobe: boolean;
  /** `bus_notify(BUS_NOTIFY_ADD_DEVICE)` */
  deviceAdded(dev: PciDev): void;
  /** `device_attach`: the first driver that matches and can takes it. @returns whether it has one */
  attachDevice(dev: PciDev): Promise<boolean>;
  /** `device_release_driver` */
  releaseDevice(dev: PciDev): Promise<void>;
}

/** Groups of the IOMMU (drivers/iommu/iommu.c). */
export interface IommuGroups {
  add(linux: Linux, dev: PciDev): void;
  remove(linux: Linux, dev: PciDev): void;
}

/** Modules (kernel/module). */
export interface Modules {
  /** @throws KernelError ENOENT where there is no such module */
  load(name: string): Promise<void>;
  /** @throws KernelError EBUSY where it is in use */
  unload(name: string): Promise<void>;
  isLoaded(name: string): boolean;
  /** /sys/module/NAME/parameters/PARAMETER, as its module keeps it; undefined where the module is not there. */
  parameter(module: string, name: string): string | undefined;
}

/** Network interfaces (net/core). */
export interface NetDevices {
  /** `register_netdev`, of a function, in its folder or in one below it. */
  register(options: NetDeviceOptions): NetDevice;
  unregister(netdev: NetDevice): void;
  /** @throws KernelError EEXIST */
  rename(netdev: NetDevice, name: string): void;
  byName(name: string): NetDevice | undefined;
  readonly all: readonly NetDevice[];
}

/** A process that has a file open, and by it uses functions. */
export interface ModelProcess {
  readonly pid: number;
  readonly command: string;
  readonly path: string;
  /** The virtual machine that it runs. */
  readonly guest?: GuestIdentity;
  /** Functions that it has got from VFIO: they cannot be taken away while it runs. */
  readonly devices: readonly Bdf[];
  readonly ended: Promise<void>;
  end(): void;
}

/** A block device that is mounted. */
export interface ModelMount {
  /** `major:minor` of the device. */
  readonly number: string;
  /** The device's node. */
  readonly source: string;
  readonly point: string;
  readonly type: string;
}

/** A process that is there already, as a guest's that opens one device more. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly guest: GuestIdentity;
}

export interface Processes {
  readonly all: readonly ModelProcess[];
  /** A process that opens a file, and has it until it ends. @throws KernelError as open(2) refuses */
  start(command: string, path: string, devices?: readonly Bdf[], as?: ProcessIdentity): ModelProcess;
  /** A number that no process has had. */
  newPid(): number;
  usersOf(bdf: Bdf): readonly ModelProcess[];
}

/** A virtual machine as a model's file describes it. */
export interface GuestDescription {
  readonly name: string;
  readonly memoryMib: number;
}

/** A virtual machine on the modelled host: a process that has VFs open, as a QEMU does. */
export interface ModelGuest extends GuestDescription {
  readonly uuid: string;
  readonly pid: number;
  readonly devices: readonly Bdf[];
  /** What its drivers of network VFs have counted. */
  readonly counters: Readonly<Record<Bdf, LinkStatistics>>;
}

/** Virtual machines of a model. What they do to the kernel is what QEMU does by VFIO. */
export interface ModelGuests {
  readonly all: readonly ModelGuest[];
  /** @throws KernelError EEXIST */
  start(guest: GuestDescription): number;
  /** Ends its process: the kernel takes back what it had open. @throws KernelError ENOENT */
  stop(name: string): Promise<void>;
  /**
   * Opens the VF's group and resets the VF (`vfio_pci_core_enable`).
   * @throws KernelError ENOENT, ENODEV without vfio-pci, EBUSY where the group is another's, ENOSPC without a free slot, ENOMEM
   * where the machine has no memory for the guest
   */
  plug(name: string, bdf: Bdf): Promise<void>;
  /** Resets the VF and closes its group (`vfio_pci_core_disable`). Nothing where the guest has none. */
  unplug(name: string, bdf: Bdf): Promise<void>;
  /**
   * The guest as one that moves away: nothing is plugged into it, or out, until it `stays` or ends. Its VFs come by address.
   * @throws KernelError ENOENT, EBUSY where it moves already, EOPNOTSUPP where a VF's driver does not move it
   */
  leaving(name: string): MovableGuest;
  /**
   * A guest that is to come, with these VFs, which are opened and reset: it is none of `all` until it `stays`.
   * @throws KernelError EEXIST, and as `plug`
   */
  arriving(guest: GuestDescription, devices: readonly Bdf[]): Promise<MovableGuest>;
  /** It has come, or does not go. */
  stays(name: string): void;
  /** The driver that a guest has for a VF of an 82576. */
  igbvfOf(bdf: Bdf): IgbvfDriver | undefined;
}

/** The running kernel: its parts, each in a file of its own. */
export interface Linux {
  readonly machine: Machine;
  readonly access: ConfigAccess;
  readonly options: BootOptions;
  readonly release: string;
  readonly time: KernelTime;
  readonly log: KernelLog;
  readonly uevents: Uevents;
  /** The root of all paths: sys, proc and dev are below it. */
  readonly root: Folder;
  readonly sys: Folder;
  readonly rootBus: PciBus;
  readonly devices: Map<Bdf, PciDev>;
  /** `pci_lock_rescan_remove` */
  readonly rescanRemove: Mutex;
  readonly dma: KernelDma;
  readonly iommuGroups: IommuGroups;
  /** The IOMMU's driver has begun; what came before gets its group then. */
  iommuIsUp: boolean;
  /** What is in the folder of each PCI device. */
  readonly pciAttributes: ReadonlyMap<string, Attribute<PciDev>>;
  readonly drivers: PciDriverCore;
  readonly modules: Modules;
  readonly net: NetDevices;
  readonly devlink: DevlinkList;
  readonly processes: Processes;
  /** Virtual machines that run on it. */
  readonly guests: ModelGuests;
  /** Traffic that goes on by itself. */
  readonly flows: TrafficFlows;
  /** The next interrupt number. */
  nextIrq: number;
}

/** `pci_info` and the like: a line of the log that begins with the device's driver and address. */
export function logOf({ log }: Linux, dev: PciDev, text: string): void {
  log.print(`${dev.logName}: ${text}`);
}

/** The path of an event: below /sys. */
export function devpathOf(folder: Folder | undefined): string {
  return folder?.path.slice("/sys".length) ?? "";
}

/** An event of a PCI device (`pci_uevent`). */
export function pciUevent({ uevents }: Linux, action: string, dev: PciDev): void {
  uevents.send(action, devpathOf(dev.folder), "pci", pciUeventProperties(dev));
}

/** What events of a device and its attribute `uevent` say of it. */
export function pciUeventProperties(dev: PciDev): Record<string, string> {
  const upper = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, "0");
  return {
    ...(dev.driver === undefined ? {} : { DRIVER: dev.driver.name }),
    // "%04X": so a class of 02 is 20000.
    PCI_CLASS: upper(dev.classCode, 4),
    PCI_ID: `${upper(dev.vendor, 4)}:${upper(dev.device, 4)}`,
    PCI_SUBSYS_ID: `${upper(dev.subsystemVendor, 4)}:${upper(dev.subsystemDevice, 4)}`,
    PCI_SLOT_NAME: dev.bdf,
    MODALIAS: dev.modalias,
  };
}
