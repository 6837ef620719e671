import { NvmeDriver } from "../../../hardware/guests/nvme-driver.ts";
import { NVME_CNS } from "../../../hardware/nvme/opcodes.ts";
import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { configureSriov } from "../iov.ts";
import type { DriverMemory } from "../kernel-dma.ts";
import { KernelError } from "../kernel-error.ts";
import { devpathOf, type KernelModule, type Linux, type PciDriver } from "../linux.ts";
import { mapRegisters } from "../mapped-registers.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";
import type { PciDev } from "../pci-dev.ts";
import type { Folder } from "../sysfs-tree.ts";
import { addNamespaces, isSubsystemNumber, removeNamespaces } from "./nvme-namespaces.ts";

export const CLASS_NVME = 0x01_08_02;
const CNTLID = 78;
/** An admin queue's vector, and one for each processor. */
const VECTORS = 3;
const PROCESSORS = 2;
const ENTRIES = 16;
const PAGE_BYTES = 4096;
/** For each controller: its queues and the pages of their commands. */
const DRIVER_BYTES = 0x8_0000;

/** A controller as the driver has it. */
interface NvmeController {
  readonly dev: PciDev;
  readonly folder: Folder;
  readonly instance: number;
  readonly id: number;
  readonly hardware: NvmeDriver;
  readonly memory: DriverMemory;
  /** `new`, `connecting`, `live`, `resetting`, `deleting`, `dead` (`nvme_sysfs_show_state`). */
  state: string;
}

/** nvme_instance_ida */
const INSTANCES = new WeakMap<Linux, Set<number>>();

/** drivers/nvme/host/pci.c */
const NVME: PciDriver = {
  name: "nvme",
  module: "nvme",
  ids: [{ classCode: CLASS_NVME, classMask: 0xff_ffff }],

  /** `nvme_probe`; what takes time is waited for, as with asynchronous probing it is by udev. */
  async probe(linux, dev) {
    const { folder } = dev;
    if (folder === undefined) throw new KernelError("ENODEV");
    const instance = takeInstance(linux);
    const name = `nvme${instance}`;
    linux.log.print(`nvme ${name}: pci function ${dev.bdf}`);
    let memory: DriverMemory | undefined;
    try {
      enableDevice(linux, dev, true);
      dev.setCommand(PCI_COMMAND_MASTER);
      const vectors = allocateVectors(linux, dev, VECTORS);
      memory = linux.dma.allocate(dev, DRIVER_BYTES);
      const hardware = new NvmeDriver({
        mmio: mapRegisters(linux, dev),
        memory: memory.memory,
        ioQueues: PROCESSORS,
        vectors,
        entries: ENTRIES,
        slotBytes: PAGE_BYTES,
      });
      const id = await start(linux, name, hardware);
      const controller = addController(linux, { dev, folder, instance, id, hardware, memory });
      dev.driverData = controller;
      addNamespaces(linux, controller);
    } catch (error) {
      if (memory !== undefined) linux.dma.free(dev, memory);
      freeVectors(dev);
      disableDevice(dev);
      instancesOf(linux).delete(instance);
      throw error;
    }
  },

  /** `nvme_remove`: it disables no VFs (nvme_pci_driver has pci_sriov_configure_simple, and no more). */
  async remove(linux, dev) {
    const controller = dev.driverData as NvmeController;
    const { folder, hardware, instance, memory } = controller;
    removeNamespaces(linux, controller);
    hardware.shutDown();
    linux.root.folders("dev").removeChild(folder.name);
    linux.uevents.send("remove", devpathOf(folder), "nvme", {});
    linux.sys.folders("class/nvme").removeChild(folder.name);
    folder.parent?.remove();
    instancesOf(linux).delete(instance);
    linux.dma.free(dev, memory);
    freeVectors(dev);
    disableDevice(dev);
  },

  /** `pci_sriov_configure_simple` */
  sriovConfigure: configureSriov,

  /** `nvme_reset_prepare` */
  resetPrepare(_linux, dev) {
    const controller = dev.driverData as NvmeController;
    controller.state = "resetting";
    controller.hardware.shutDown();
  },

  /** `nvme_reset_done`, `nvme_reset_work`: a controller that does not come back is given up. */
  async resetDone(linux, dev) {
    const controller = dev.driverData as NvmeController;
    try {
      await start(linux, controller.folder.name, controller.hardware);
      controller.state = "live";
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      controller.state = "dead";
    }
  },
};

/** The driver of a controller by its name in /sys/class/nvme; undefined where there is none, or none that is alive. */
export function nvmeDriverOf(linux: Linux, name: string): NvmeDriver | undefined {
  for (const dev of linux.devices.values()) {
    if (linux.drivers.of(dev) !== NVME) continue;
    const { folder, hardware, state } = dev.driverData as NvmeController;
    if (folder.name === name) return state === "live" && hardware.ready ? hardware : undefined;
  }
  return undefined;
}

/** From `nvme_enable_ctrl` on. @returns the controller's id */
async function start(linux: Linux, name: string, hardware: NvmeDriver): Promise<number> {
  hardware.enable();
  if (!hardware.ready) await linux.time.sleep(hardware.timeoutMs);
  if (!hardware.ready) {
    const status = hardware.status.toString(16);
    linux.log.print(`nvme ${name}: Device not ready; aborting initialisation, CSTS=0x${status}`);
    throw new KernelError("ENODEV");
  }
  const identity = hardware.identify(NVME_CNS.controller);
  if (typeof identity === "number") {
    linux.log.print(`nvme ${name}: Identify Controller failed (${identity})`);
    throw new KernelError("EIO");
  }
  if (hardware.setUpIoQueues() !== 0) throw new KernelError("EIO");
  hardware.listen();
  linux.log.print(`nvme ${name}: ${hardware.ioQueues.length}/0/0 default/read/poll queues`);
  return new DataView(identity.buffer).getUint16(CNTLID, true);
}

function instancesOf(linux: Linux): Set<number> {
  const instances = INSTANCES.get(linux) ?? new Set();
  INSTANCES.set(linux, instances);
  return instances;
}

/** `ida_alloc` */
function takeInstance(linux: Linux): number {
  const taken = instancesOf(linux);
  let instance = 0;
  // A subsystem keeps the number of the controller that it was found by (`nvme_free_ctrl`).
  while (taken.has(instance) || isSubsystemNumber(linux, instance)) instance++;
  taken.add(instance);
  return instance;
}

function addController(linux: Linux, { folder: above, ...rest }: Omit<NvmeController, "state">): NvmeController {
  const name = `nvme${rest.instance}`;
  const folder = above.folder("nvme").folder(name);
  const controller: NvmeController = { ...rest, folder, state: "live" };
  folder.link("device", above);
  folder.link("subsystem", linux.sys.folders("class/nvme"));
  folder.shows("address", () => rest.dev.bdf);
  folder.shows("cntlid", () => String(rest.id));
  folder.shows("state", () => controller.state);
  folder.shows("transport", () => "pcie");
  linux.sys.folders("class/nvme").link(name, folder);
  linux.root.folders("dev").file(name, { mode: 0o600 });
  linux.uevents.send("add", devpathOf(folder), "nvme", { DEVNAME: name });
  return controller;
}

export const NVME_MODULES: readonly KernelModule[] = [
  { name: "nvme_core" },
  {
    name: "nvme",
    version: "1.0",
    needs: ["nvme_core"],
    drivers: [NVME],
    parameters: {
      io_queue_depth: { value: "1024", type: "uint" },
      max_host_mem_size_mb: { value: "128", type: "uint" },
      noacpi: { value: "N", type: "bool" },
      poll_queues: { value: "0", type: "uint" },
      sgl_threshold: { value: "32768", type: "uint" },
      use_cmb_sqes: { value: "Y", type: "bool" },
      use_threaded_interrupts: { value: "0", type: "int" },
      write_queues: { value: "0", type: "uint" },
    },
  },
];
