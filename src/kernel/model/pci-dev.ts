import type { ConfigAccess } from "../../hardware/firmware.ts";
import { type Bdf, formatBdf, hex, type RoutingId } from "../../pci/bdf.ts";
import type { AerStats } from "./aer-stats.ts";
import { IovFaults } from "./iov-faults.ts";
import { Mutex } from "./mutex.ts";
import { PCI_BRIDGE_RESOURCES, PCI_IOV_RESOURCES, type Resource } from "./resource.ts";
import type { Folder } from "./sysfs-tree.ts";

/** `struct pci_sriov` (drivers/pci/pci.h). */
export interface SriovState {
  /** Where the capability is. */
  readonly pos: number;
  readonly totalVfs: number;
  readonly vfDevice: number;
  /** Function Dependency Link. */
  readonly link: number;
  readonly pageSizes: number;
  /** Highest bus that VFs may need. */
  maxVfBuses: number;
  control: number;
  offset: number;
  stride: number;
  numVfs: number;
  /** What the driver allows: TotalVFs where it said nothing. */
  driverMaxVfs: number;
  driversAutoprobe: boolean;
  /** Of each VF BAR, one VF's size; 0 where there is none. */
  readonly barBytes: number[];
  /** By index. */
  readonly vfs: Map<number, PciDev>;
}

/** What a group of the IOMMU is to the kernel. */
export interface KernelIommuGroup {
  readonly id: number;
  readonly folder: Folder;
  readonly devices: Set<PciDev>;
}

/** Capability offsets that the kernel looks for once; 0 where there is none. */
export interface CapabilityOffsets {
  readonly express: number;
  readonly power: number;
  readonly msi: number;
  readonly msix: number;
  /** Subsystem IDs of a bridge. */
  readonly subsystem: number;
  readonly aer: number;
  readonly acs: number;
  readonly ari: number;
  readonly sriov: number;
}

const PCI_COMMAND = 0x04;

/** A function as Linux knows it: `struct pci_dev`. */
export class PciDev {
  readonly bus: PciBus;
  readonly devfn: number;
  readonly bdf: Bdf;
  readonly access: ConfigAccess;
  vendor = 0;
  device = 0;
  subsystemVendor = 0;
  subsystemDevice = 0;
  classCode = 0;
  revision = 0;
  headerType = 0;
  multifunction = false;
  interruptPin = 0;
  irq = 0;
  capabilities: CapabilityOffsets = {
    express: 0,
    power: 0,
    msi: 0,
    msix: 0,
    subsystem: 0,
    aer: 0,
    acs: 0,
    ari: 0,
    sriov: 0,
  };
  /** Device/Port Type, corrected as `set_pcie_port_type` does; undefined of conventional PCI. */
  expressType: number | undefined;
  /** Of a bridge: what is below. */
  subordinate: PciBus | undefined;
  /** By index (resource.ts); undefined where there is none. */
  readonly resources: (Resource | undefined)[] = [];
  readonly physfn: PciDev | undefined;
  readonly vfIndex: number | undefined;
  sriov: SriovState | undefined;
  /** The bridge forwards by ARI (`ari_enabled`). */
  ariEnabled = false;
  /** What it is bound to: `linux.drivers.of` has all of it. */
  driver: { readonly name: string } | undefined;
  /** What the driver keeps (`dev_set_drvdata`). */
  driverData: unknown;
  driverOverride: string | undefined;
  /** `enable_cnt` */
  enableCount = 0;
  /** Interrupts by MSI and MSI-X, by Linux's number. */
  msiIrqs: { readonly irq: number; readonly mode: "msi" | "msix" }[] = [];
  /** Its MSI-X table, where a driver handles its vectors. */
  msixTable: { restore(): void; free(): void } | undefined;
  iommuGroup: KernelIommuGroup | undefined;
  /** What AER has counted; undefined where it has none. */
  aerStats: AerStats | undefined;
  resetMethods: readonly string[] = [];
  /** It had a way to be reset when it came. */
  resettable = false;
  /** In sysfs; undefined once it is gone. */
  folder: Folder | undefined;
  /** Not known until it is enabled (`pci_setup_device`), and again when its driver is gone (`pci_device_remove`). */
  powerState: "unknown" | "D0" = "unknown";
  /** `msi_bus` */
  noMsi = false;
  d3coldAllowed = true;
  readonly iovFaults = new IovFaults();
  /** `pci_dev_trylock`, `device_lock` */
  readonly lock = new Mutex();

  constructor(bus: PciBus, devfn: number, access: ConfigAccess, vf?: { physfn: PciDev; index: number }) {
    this.bus = bus;
    this.devfn = devfn;
    this.access = access;
    this.bdf = formatBdf(0, this.routingId);
    this.physfn = vf?.physfn;
    this.vfIndex = vf?.index;
  }

  get routingId(): RoutingId {
    return ((this.bus.number << 8) | this.devfn) as RoutingId;
  }

  get isVf(): boolean {
    return this.physfn !== undefined;
  }

  get isBridge(): boolean {
    return this.headerType === 1;
  }

  read(offset: number, size: 1 | 2 | 4): number {
    return this.access.configRead(this.routingId, offset, size);
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    this.access.configWrite(this.routingId, offset, size, value);
  }

  /** Clears and sets bits of a 16-bit register. */
  update(offset: number, clear: number, set: number): void {
    this.write(offset, 2, (this.read(offset, 2) & ~clear) | set);
  }

  setCommand(set: number): void {
    this.update(PCI_COMMAND, 0, set);
  }

  clearCommand(clear: number): void {
    this.update(PCI_COMMAND, clear, 0);
  }

  /** Its bridge's; a VF on a bus without one has its PF's (`pci_upstream_bridge`). */
  get bridge(): PciDev | undefined {
    return (this.physfn ?? this).bus.self;
  }

  get iovResources(): readonly (Resource | undefined)[] {
    return this.resources.slice(PCI_IOV_RESOURCES, PCI_BRIDGE_RESOURCES);
  }

  get bars(): readonly (Resource | undefined)[] {
    return this.resources.slice(0, PCI_IOV_RESOURCES);
  }

  get windows(): readonly (Resource | undefined)[] {
    return this.resources.slice(PCI_BRIDGE_RESOURCES);
  }

  /** `pci:v00008086d000010C9sv...` (`pci_uevent`, `modalias_show`). */
  get modalias(): string {
    const upper = (value: number, digits: number) => hex(value, digits).toUpperCase();
    const { classCode } = this;
    return (
      `pci:v${upper(this.vendor, 8)}d${upper(this.device, 8)}` +
      `sv${upper(this.subsystemVendor, 8)}sd${upper(this.subsystemDevice, 8)}` +
      `bc${upper(classCode >>> 16, 2)}sc${upper((classCode >>> 8) & 0xff, 2)}i${upper(classCode & 0xff, 2)}`
    );
  }

  /** How messages begin: the driver's name, `pci` where there is none (`dev_driver_string`), and the address. */
  get logName(): string {
    return `${this.driver?.name ?? "pci"} ${this.bdf}`;
  }
}

/** A bus as Linux knows it: `struct pci_bus`. */
export class PciBus {
  readonly number: number;
  /** `busn_res.end` */
  last: number;
  /** The bridge above; undefined of the root bus, and of a bus that VFs alone are on (`virtfn_add_bus`). */
  readonly self: PciDev | undefined;
  readonly parent: PciBus | undefined;
  readonly devices: PciDev[] = [];
  readonly children: PciBus[] = [];
  /** Windows of a root bus. */
  readonly rootWindows: readonly Resource[];

  constructor(number: number, last: number, self?: PciDev, parent?: PciBus, rootWindows: readonly Resource[] = []) {
    this.number = number;
    this.last = last;
    this.self = self;
    this.parent = parent;
    this.rootWindows = rootWindows;
    parent?.children.push(this);
  }

  /** `pci_bus_for_each_resource` */
  get windows(): readonly Resource[] {
    if (this.self === undefined) return this.parent?.windows ?? this.rootWindows;
    return this.self.windows.filter((window) => window !== undefined);
  }

  /** Below which functions of it are in sysfs: the bridge's folder, or the root's. */
  folder(root: Folder): Folder {
    return this.self?.folder ?? this.parent?.folder(root) ?? root;
  }

  /** `pci_find_bus` */
  find(number: number): PciBus | undefined {
    if (this.number === number) return this;
    for (const child of this.children) {
      const found = child.find(number);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** All functions on it and below, a bus before the buses below its bridges. */
  *allDevices(): Generator<PciDev> {
    yield* this.devices;
    for (const child of this.children) yield* child.allDevices();
  }

  remove(): void {
    const siblings = this.parent?.children;
    siblings?.splice(siblings.indexOf(this), 1);
  }
}
