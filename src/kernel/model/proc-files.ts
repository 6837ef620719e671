import type { KernelModule, Linux, PciDeviceId } from "./linux.ts";
import { showMountInfo, showMounts } from "./mounts.ts";
import { statisticsOf } from "./net-devices.ts";
import { dmarTable, showInterrupts, showMemory } from "./proc-hardware.ts";
import type { Folder } from "./sysfs-tree.ts";

const COMPILER = "x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld (GNU Binutils for Debian) 2.44";
const VERSION = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.95-1 (2026-07-05)";

const ROUTE_HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";

const NET_DEVICES_HEAD = [
  "Inter-|   Receive                                                |  Transmit\n",
  " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
];

/** What of /proc and /sys/kernel is no driver's. */
export function addProcFiles(linux: Linux, procModules: () => string): void {
  const { root, sys, machine, options, release, uevents } = linux;
  const proc = root.folder("proc");
  const file = (folder: Folder, name: string, show: () => string) => folder.file(name, { mode: 0o444, show });
  file(proc, "cmdline", () => `${options.commandLine}\n`);
  file(proc, "version", () => `Linux version ${release} (debian-kernel@lists.debian.org) (${COMPILER}) ${VERSION}\n`);
  file(proc, "modules", procModules);
  file(proc, "meminfo", () => `MemTotal:       ${String(machine.description.memoryBytes / 1024).padStart(8)} kB\n`);
  file(proc, "swaps", () => "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
  file(proc, "mounts", () => showMounts(linux));
  file(proc.folder("self"), "mountinfo", () => showMountInfo(linux));
  file(proc, "interrupts", () => showInterrupts(linux));
  file(proc, "iomem", () => showMemory(linux));
  const net = proc.folder("net");
  file(net, "route", () => `${ROUTE_HEADER.padEnd(127)}\n`);
  file(net, "ipv6_route", () => "");
  file(net, "dev", () => showNetDevices(linux));
  file(net, "if_inet6", () => "");
  const kernel = proc.folders("sys/kernel");
  file(kernel, "osrelease", () => `${release}\n`);
  file(kernel, "ostype", () => "Linux\n");
  file(kernel, "arch", () => "x86_64\n");
  file(kernel.folder("random"), "boot_id", () => `${options.host.bootId}\n`);
  file(root.folder("etc"), "machine-id", () => `${options.host.machineId}\n`);
  sys.folder("kernel").file("uevent_seqnum", { mode: 0o444, show: () => `${uevents.sequence}\n` });
  sys.folders("kernel/iommu_groups");
  sys.folders("devices/system/node").shows("online", () => "0");
  sys.folders("devices/system/cpu").shows("online", () => "0-1");
}

/** `dev_seq_show`; errors have not been seen. */
function showNetDevices({ net }: Linux): string {
  const lines = net.all.map((netdev) => {
    const { rxBytes, rxPackets, rxDropped, rxMulticast, txBytes, txPackets, txDropped } = statisticsOf(netdev);
    const column = (value: number, width: number) => String(value).padStart(width);
    const received = `${column(rxBytes, 8)} ${column(rxPackets, 7)}    0 ${column(rxDropped, 4)}    0     0          0 ${column(rxMulticast, 9)}`;
    const sent = `${column(txBytes, 8)} ${column(txPackets, 7)}    0 ${column(txDropped, 4)}    0     0       0          0`;
    return `${netdev.name.padStart(6)}: ${received} ${sent}\n`;
  });
  return [...NET_DEVICES_HEAD, ...lines].join("");
}

/** What depmod and the kernel's build write of modules, as far as it is about drivers of VFIO and what is built in. */
export function addModuleFiles({ root, release }: Linux, modules: readonly KernelModule[]): void {
  const folder = root.folders(`lib/modules/${release}`);
  const aliases = modules.flatMap(({ name, drivers = [] }) =>
    drivers.flatMap(({ ids }) => ids.filter((id) => id.overrideOnly).map((id) => `alias ${vfioAlias(id)} ${name}\n`)),
  );
  const builtIn = modules.filter((module) => module.builtIn).map(({ name }) => `kernel/drivers/${name}.ko\n`);
  folder.file("modules.alias", { mode: 0o444, show: () => aliases.join("") });
  folder.file("modules.builtin", { mode: 0o444, show: () => builtIn.join("") });
}

/** `do_pci_entry` (scripts/mod/file2alias.c) */
function vfioAlias({ vendor, device }: PciDeviceId): string {
  const id = (value: number | undefined) =>
    value === undefined ? "*" : value.toString(16).toUpperCase().padStart(8, "0");
  return `vfio_pci:v${id(vendor)}d${id(device)}sv*sd*bc*sc*i*`;
}

/** Folders that are there whatever hardware there is, and the bus's own files. */
export function addBusFiles(linux: Linux): void {
  const { sys } = linux;
  for (const name of ["net", "iommu", "nvme", "block"]) sys.folders(`class/${name}`);
  sys.folders("bus/pci/devices");
  sys.folders("bus/pci/drivers");
  sys.folders("bus/pci/slots");
}

/** The IOMMU as a device: `iommu_device_sysfs_add` of the Intel driver, with what QEMU's VT-d says of itself. */
export function addIommuFiles({ sys, options }: Linux): void {
  if (options.hasIommu) {
    const table = dmarTable(options.interruptRemapping);
    sys.folders("firmware/acpi/tables").file("DMAR", { mode: 0o400, show: () => table });
  }
  if (!options.iommu) return;
  const folder = sys.folders("devices/virtual/iommu/dmar0");
  folder.folder("devices");
  const unit = folder.folder("intel-iommu");
  unit.shows("version", () => "1:0");
  unit.shows("address", () => "fed90000");
  unit.shows("cap", () => "80d2008c222f0606");
  unit.shows("ecap", () => (options.interruptRemapping ? "f00f4a" : "f00f42"));
  unit.shows("domains_supported", () => "65536");
  sys.folders("class/iommu").link("dmar0", folder);
}
