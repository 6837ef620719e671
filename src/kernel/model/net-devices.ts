import { type Attribute, attributeFiles, attributeTable } from "./attributes.ts";
import { KernelError } from "./kernel-error.ts";
import { devpathOf, type Linux, type NetDevices } from "./linux.ts";
import { type LinkStatistics, type NetDevice, type NetDeviceOptions, NO_STATISTICS } from "./net-device.ts";

const IFF_UP = 0x1;
const IFF_BROADCAST = 0x2;
const IFF_LOOPBACK = 0x8;
const IFF_MULTICAST = 0x1000;
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const LOOPBACK_MTU = 65_536;
const ETHERNET_MTU = 1500;
/** Names of one form: the bits of a page (`__dev_alloc_name`). */
const MOST_NAMES = 8 * 4096;

/** Network interfaces: net/core/dev.c, net-sysfs.c. */
export class NetDeviceList implements NetDevices {
  readonly #linux: () => Linux;
  readonly #byName = new Map<string, NetDevice>();
  #nextIndex = 1;
  /** No number below it is free. */
  #lowestFree = 0;

  constructor(linux: () => Linux) {
    this.#linux = linux;
  }

  get all(): readonly NetDevice[] {
    return [...this.#byName.values()];
  }

  byName(name: string): NetDevice | undefined {
    return this.#byName.get(name);
  }

  /** `loopback_net_init` */
  addLoopback(): void {
    const folder = this.#linux().sys.folders("devices/virtual");
    this.#add("lo", { folder, mac: "00:00:00:00:00:00", loopback: true, operations: {} }, LOOPBACK_MTU);
  }

  register(options: NetDeviceOptions): NetDevice {
    return this.#add(this.#freeName(), options, ETHERNET_MTU);
  }

  unregister(netdev: NetDevice): void {
    const linux = this.#linux();
    if (netdev.up) netdev.options.operations.down?.(netdev);
    linux.uevents.send("remove", devpathOf(netdev.folder), "net", properties(netdev));
    linux.sys.folders("class/net").removeChild(netdev.name);
    const { parent } = netdev.folder;
    netdev.folder.remove();
    if (parent?.children.size === 0) parent.remove();
    this.#release(netdev.name);
  }

  /** `dev_change_name` */
  rename(netdev: NetDevice, name: string): void {
    if (name === netdev.name) return;
    if (this.#byName.has(name)) throw new KernelError("EEXIST");
    const linux = this.#linux();
    const old = devpathOf(netdev.folder);
    linux.sys.folders("class/net").removeChild(netdev.name);
    this.#release(netdev.name);
    netdev.folder.rename(name);
    netdev.name = name;
    this.#byName.set(name, netdev);
    linux.sys.folders("class/net").link(name, netdev.folder);
    linux.uevents.send("move", devpathOf(netdev.folder), "net", { DEVPATH_OLD: old, ...properties(netdev) });
  }

  #add(name: string, options: NetDeviceOptions, mtu: number): NetDevice {
    const linux = this.#linux();
    const folder = options.folder.folder("net").folder(name);
    const netdev: NetDevice = {
      ifindex: this.#nextIndex++,
      name,
      options,
      folder,
      mac: options.mac,
      addrAssignType: options.addrAssignType ?? 0,
      mtu,
      up: options.loopback === true,
      carrier: options.loopback === true,
      speedMbps: undefined,
    };
    folder.tables.push(attributeFiles(netdev, ATTRIBUTES));
    folder.folder("statistics").tables.push(attributeFiles(netdev, STATISTICS));
    if (options.loopback !== true) folder.link("device", options.folder);
    folder.link("subsystem", linux.sys.folders("class/net"));
    linux.sys.folders("class/net").link(name, folder);
    this.#byName.set(name, netdev);
    linux.uevents.send("add", devpathOf(folder), "net", properties(netdev));
    return netdev;
  }

  #release(name: string): void {
    this.#byName.delete(name);
    const [, number] = /^eth(\d+)$/.exec(name) ?? [];
    if (number !== undefined) this.#lowestFree = Math.min(this.#lowestFree, Number(number));
  }

  /** `__dev_alloc_name`: the lowest number that is free. */
  #freeName(): string {
    for (; this.#lowestFree < MOST_NAMES; this.#lowestFree++) {
      const name = `eth${this.#lowestFree}`;
      if (!this.#byName.has(name)) return name;
    }
    throw new KernelError("ENFILE");
  }
}

function properties({ name, ifindex }: NetDevice): Record<string, string> {
  return { INTERFACE: name, IFINDEX: String(ifindex) };
}

/** `net_class_attrs`; of an interface that is down some cannot be read. */
const ATTRIBUTES: ReadonlyMap<string, Attribute<NetDevice>> = attributeTable<NetDevice>([
  { name: "addr_assign_type", show: ({ addrAssignType }) => String(addrAssignType) },
  { name: "address", show: ({ mac }) => mac },
  { name: "carrier", mode: 0o644, show: (netdev) => ifUp(netdev, netdev.carrier ? "1" : "0") },
  { name: "dev_id", show: () => "0x0" },
  { name: "dev_port", show: ({ options }) => String(options.devPort ?? 0) },
  { name: "duplex", show: (netdev) => ifUp(netdev, netdev.carrier ? "full" : "unknown") },
  { name: "flags", mode: 0o644, show: (netdev) => `0x${flagsOf(netdev).toString(16)}` },
  { name: "ifindex", show: ({ ifindex }) => String(ifindex) },
  { name: "iflink", show: ({ ifindex }) => String(ifindex) },
  { name: "mtu", mode: 0o644, show: ({ mtu }) => String(mtu) },
  { name: "name_assign_type", show: () => "1" },
  { name: "operstate", show: operState },
  {
    name: "phys_port_name",
    visible: ({ options }) => options.physPortName !== undefined,
    show: ({ options }) => options.physPortName ?? "",
  },
  { name: "speed", mode: 0o444, show: (netdev) => ifUp(netdev, String(netdev.speedMbps ?? -1)) },
  { name: "type", show: (netdev) => String(isLoopback(netdev) ? ARPHRD_LOOPBACK : ARPHRD_ETHER) },
  {
    name: "uevent",
    mode: 0o644,
    showRaw: (netdev) =>
      Object.entries(properties(netdev))
        .map(([key, value]) => `${key}=${value}\n`)
        .join(""),
  },
]);

/** `netstat_group`, what of it drivers here count; errors have not been seen. */
const STATISTICS: ReadonlyMap<string, Attribute<NetDevice>> = attributeTable<NetDevice>(
  (
    [
      ["rx_packets", "rxPackets"],
      ["rx_bytes", "rxBytes"],
      ["rx_dropped", "rxDropped"],
      ["multicast", "rxMulticast"],
      ["tx_packets", "txPackets"],
      ["tx_bytes", "txBytes"],
      ["tx_dropped", "txDropped"],
    ] as const
  ).map(([name, counter]) => ({ name, show: (netdev) => String(statisticsOf(netdev)[counter]) })),
);

/** `dev_get_stats` */
export function statisticsOf({ options }: NetDevice): LinkStatistics {
  return options.operations.statistics?.() ?? NO_STATISTICS;
}

function ifUp({ up }: NetDevice, text: string): string {
  if (!up) throw new KernelError("EINVAL");
  return text;
}

export function isLoopback({ options }: NetDevice): boolean {
  return options.loopback === true;
}

export function flagsOf(netdev: NetDevice): number {
  return (isLoopback(netdev) ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST) | (netdev.up ? IFF_UP : 0);
}

export function operState(netdev: NetDevice): string {
  if (isLoopback(netdev)) return "unknown";
  return netdev.up && netdev.carrier ? "up" : "down";
}
