import type { Fabric } from "../../hardware/fabric.ts";
import { assignResources as runFirmware } from "../../hardware/firmware.ts";
import { Vtd } from "../../hardware/iommu/vtd.ts";
import { SERVER_VTD } from "../../hardware/iommu/vtd-capabilities.ts";
import type { Machine } from "../../hardware/machine.ts";
import { buildMachine } from "../../hardware/machine.ts";
import type { PhysicalMemory } from "../../hardware/memory.ts";
import { igb82576Models } from "../../hardware/nic/igb-82576-model.ts";
import { nvmeModel } from "../../hardware/nvme/nvme-model.ts";
import { assignResources, claimResources } from "./assign-resources.ts";
import { DevlinkList } from "./devlink-device.ts";
import { Dma } from "./dma.ts";
import { DriverCore } from "./driver-core.ts";
import { scanChildBus } from "./enumerate.ts";
import { Flows } from "./flows.ts";
import { GuestList } from "./guest-list.ts";
import { KernelGroups } from "./iommu-groups.ts";
import { KernelLog } from "./kernel-log.ts";
import { KernelTime, type Pace } from "./kernel-time.ts";
import { KNOWN_MODULES } from "./known-modules.ts";
import type { BootOptions, HostIds, KernelModule, Linux } from "./linux.ts";
import type { ModelDescription } from "./model-description.ts";
import { ModuleList } from "./module-list.ts";
import { Mutex } from "./mutex.ts";
import { NetDeviceList } from "./net-devices.ts";
import { kstrtoul } from "./parse-value.ts";
import { pciAttributes } from "./pci-attributes.ts";
import { PciBus } from "./pci-dev.ts";
import { addBusFiles, addIommuFiles, addModuleFiles, addProcFiles } from "./proc-files.ts";
import { ProcessList } from "./processes.ts";
import { rescanBus } from "./rescan.ts";
import { IORESOURCE_IO, IORESOURCE_MEM, resource, resourceText } from "./resource.ts";
import { Folder } from "./sysfs-tree.ts";
import { Uevents } from "./uevents.ts";

/** The Linux that is modelled: Debian's. */
export const KERNEL_RELEASE = "6.12.95+deb13-amd64";

const LAST_BUS = 0xff;
const FIRST_IRQ = 24;
const decoder = new TextDecoder();
/** Of a machine of which only one is looked at. */
const ANY_HOST: HostIds = {
  machineId: "6d6f64656c6c65642d6d616368696e65",
  bootId: "00000000-0000-4000-8000-000000000001",
};

/** Puts a machine together, and lets its firmware do its work. */
export function powerOn({ machine: description, firmware, iommu }: ModelDescription): Machine {
  const igb = igb82576Models(description.seed ?? 0);
  const machine = buildMachine(description, {
    model: (surroundings) => nvmeModel(surroundings) ?? igb(surroundings),
    ...(iommu === undefined ? {} : { iommu: (memory, fabric) => vtd(memory, fabric, iommu.interruptRemapping) }),
  });
  runFirmware(machine.fabric, machine.windows, firmware);
  return machine;
}

function vtd(memory: PhysicalMemory, fabric: Fabric, interruptRemapping: boolean): Vtd {
  return new Vtd(
    memory,
    { ...SERVER_VTD, interruptRemapping },
    {
      sendMessage: (address, data) => fabric.platformInterrupt(address, data),
      invalidateDevice: (requesterId) => fabric.invalidateDevice(requesterId),
    },
  );
}

/** Boots Linux on a machine that its firmware has set up. */
export async function boot(description: ModelDescription, machine: Machine, pace: Pace): Promise<Linux> {
  const options = bootOptions(description);
  const linux = build(machine, options, pace, modulesOf(description));
  const { log, sys } = linux;
  log.print(`Linux version ${linux.release}`);
  log.print(`Command line: ${options.commandLine}`);
  if (options.iommu) log.print("DMAR: IOMMU enabled");
  if (options.iommu && options.interruptRemapping) log.print("DMAR-IR: Enabled IRQ remapping in xapic mode");
  addProcFiles(linux, () => (linux.modules as ModuleList).procModules);
  addModuleFiles(linux, modulesOf(description));
  addBusFiles(linux);
  addIommuFiles(linux);
  addBusAttributes(linux);
  (linux.net as NetDeviceList).addLoopback();
  sys.folders("devices/pci0000:00");
  log.print("ACPI: PCI Root Bridge [PCI0] (domain 0000 [bus 00-ff])");
  for (const window of linux.rootBus.rootWindows) {
    log.print(`pci_bus 0000:00: root bus resource ${resourceText(window).replace("]", " window]")}`);
  }
  log.print("pci_bus 0000:00: root bus resource [bus 00-ff]");
  await scanChildBus(linux, linux.rootBus);
  claimResources(linux);
  assignResources(linux);
  startIommu(linux);
  await (linux.modules as ModuleList).loadBuiltIn();
  for (const module of description.modules ?? []) await linux.modules.load(module);
  for (const guest of description.guests ?? []) linux.guests.start(guest);
  return linux;
}

/** What modprobe finds. */
function modulesOf({ modules = [] }: ModelDescription): readonly KernelModule[] {
  const named = modules.map((name) => name.replaceAll("-", "_"));
  return KNOWN_MODULES.filter(({ name, modelOnly }) => modelOnly !== true || named.includes(name));
}

function build(machine: Machine, options: BootOptions, pace: Pace, modules: readonly KernelModule[]): Linux {
  const root = new Folder("");
  const { low, high } = machine.windows;
  const windows = [
    resource("window", 0, 0xffff, IORESOURCE_IO, 1),
    resource("window", low[0], low[1], IORESOURCE_MEM, 1),
    resource("window", high[0], high[1], IORESOURCE_MEM, 1),
  ];
  const self = (): Linux => linux;
  const linux: Linux = {
    machine,
    access: machine.fabric,
    options,
    release: KERNEL_RELEASE,
    time: new KernelTime(machine.clock, pace),
    log: new KernelLog(machine.clock),
    uevents: new Uevents(),
    root,
    sys: root.folder("sys"),
    rootBus: new PciBus(0, LAST_BUS, undefined, undefined, windows),
    devices: new Map(),
    rescanRemove: new Mutex(),
    dma: new Dma(self, machine.memory.sizeBytes),
    iommuGroups: new KernelGroups(),
    iommuIsUp: false,
    pciAttributes: pciAttributes(self),
    drivers: new DriverCore(self),
    modules: new ModuleList(self, modules),
    net: new NetDeviceList(self),
    devlink: new DevlinkList(),
    processes: new ProcessList(root),
    guests: new GuestList(self),
    flows: new Flows(self),
    nextIrq: FIRST_IRQ,
  };
  return linux;
}

/** What the command line means (`pci_setup`, `intel_iommu_setup`); Debian's kernel uses no IOMMU unasked. */
function bootOptions({ commandLine, iommu, host = ANY_HOST }: ModelDescription): BootOptions {
  const words = commandLine.split(" ");
  const pci = words.filter((word) => word.startsWith("pci=")).flatMap((word) => word.slice("pci=".length).split(","));
  return {
    commandLine,
    noAri: pci.includes("noari"),
    noAer: pci.includes("noaer"),
    noMsi: pci.includes("nomsi"),
    reallocOff: pci.includes("realloc=off"),
    hasIommu: iommu !== undefined,
    iommu: iommu !== undefined && words.includes("intel_iommu=on"),
    passThrough: words.includes("iommu=pt"),
    interruptRemapping: iommu?.interruptRemapping === true,
    host,
  };
}

/** `bus_iommu_probe`: all functions that are there get their groups, in the order in which they came. */
function startIommu(linux: Linux): void {
  linux.dma.start();
  if (!linux.options.iommu) return;
  linux.iommuIsUp = true;
  for (const dev of linux.rootBus.allDevices()) linux.iommuGroups.add(linux, dev);
  linux.log.print("DMAR: Intel(R) Virtualization Technology for Directed I/O");
}

/** /sys/bus/pci: `rescan`, and what drivers/base/bus.c has there. */
function addBusAttributes(linux: Linux): void {
  const folder = linux.sys.folders("bus/pci");
  const { drivers, rescanRemove, rootBus } = linux;
  folder.file("drivers_autoprobe", {
    mode: 0o644,
    show: () => (drivers.autoprobe ? "1\n" : "0\n"),
    store: (written) => {
      // drivers_autoprobe_store: the first character decides.
      drivers.autoprobe = !decoder.decode(written).startsWith("0");
    },
  });
  folder.file("drivers_probe", {
    mode: 0o200,
    store: (written) => (drivers as DriverCore).probeByName(decoder.decode(written)),
  });
  folder.file("rescan", {
    mode: 0o200,
    store: async (written) => {
      if (kstrtoul(decoder.decode(written)) === 0n) return;
      await rescanRemove.run(() => rescanBus(linux, rootBus));
    },
  });
  folder.file("uevent", { mode: 0o200, store: () => {} });
}
