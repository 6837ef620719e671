import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { disableSriov, enableSriov } from "../iov.ts";
import { KernelError } from "../kernel-error.ts";
import { devpathOf, type KernelModule, type Linux, type PciDriver } from "../linux.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";
import type { PciDev } from "../pci-dev.ts";
import type { Folder } from "../sysfs-tree.ts";

const CLASS_NVME = 0x01_08_02;
/** CAP.TO of QEMU's controllers: 7.5 s. */
const READY_TIMEOUT_MS = 7500;

/** A controller as the driver has it. */
interface NvmeController {
  readonly dev: PciDev;
  readonly folder: Folder;
  /** `new`, `connecting`, `live`, `resetting`, `deleting`, `dead` (`nvme_sysfs_show_state`). */
  state: string;
}

/** What answers behind a controller's BAR; a secondary controller that is offline never gets ready. */
interface NvmeHardware {
  /** CSTS after CC.EN was set and CAP.TO is over: 1 is ready. */
  statusOf(dev: PciDev): number;
}

/** Hardware without an admin queue: the primary controller gets ready, secondary controllers are offline. */
const OFFLINE_VFS: NvmeHardware = { statusOf: (dev) => (dev.isVf ? 2 : 1) };

/** drivers/nvme/host/pci.c */
function nvmeDriver(hardware: NvmeHardware = OFFLINE_VFS): PciDriver {
  return {
    name: "nvme",
    module: "nvme",
    ids: [{ classCode: CLASS_NVME, classMask: 0xff_ffff }],

    /** `nvme_probe`; what takes time is waited for, as with asynchronous probing it is by udev. */
    async probe(linux, dev) {
      const { folder } = dev;
      if (folder === undefined) throw new KernelError("ENODEV");
      const name = freeName(linux);
      linux.log.print(`nvme ${name}: pci function ${dev.bdf}`);
      enableDevice(linux, dev, true);
      dev.setCommand(PCI_COMMAND_MASTER);
      const status = hardware.statusOf(dev);
      if (status !== 1) {
        await linux.time.sleep(READY_TIMEOUT_MS);
        linux.log.print(`nvme ${name}: Device not ready; aborting initialisation, CSTS=0x${status.toString(16)}`);
        disableDevice(dev);
        throw new KernelError("ENODEV");
      }
      allocateVectors(linux, dev, 3);
      dev.driverData = addController(linux, dev, folder, name);
    },

    async remove(linux, dev) {
      // nvme_remove: it disables no VFs (nvme_pci_driver has pci_sriov_configure_simple, and no more).
      const { folder } = dev.driverData as NvmeController;
      linux.uevents.send("remove", devpathOf(folder), "nvme", {});
      linux.sys.folders("class/nvme").removeChild(folder.name);
      folder.parent?.remove();
      freeVectors(dev);
      disableDevice(dev);
    },

    /** `pci_sriov_configure_simple` */
    async sriovConfigure(linux, dev, numVfs) {
      if (numVfs === 0) await disableSriov(linux, dev);
      else await enableSriov(linux, dev, numVfs);
      return numVfs;
    },
  };
}

/** `ida_alloc` of nvme_instance_ida. */
function freeName({ sys }: Linux): string {
  const { children } = sys.folders("class/nvme");
  for (let number = 0; ; number++) if (!children.has(`nvme${number}`)) return `nvme${number}`;
}

function addController(linux: Linux, dev: PciDev, above: Folder, name: string): NvmeController {
  const folder = above.folder("nvme").folder(name);
  const controller: NvmeController = { dev, folder, state: "live" };
  folder.link("device", above);
  folder.link("subsystem", linux.sys.folders("class/nvme"));
  folder.shows("address", () => dev.bdf);
  folder.shows("cntlid", () => String(dev.vfIndex === undefined ? 0 : dev.vfIndex + 1));
  folder.shows("state", () => controller.state);
  folder.shows("transport", () => "pcie");
  linux.sys.folders("class/nvme").link(name, folder);
  linux.uevents.send("add", devpathOf(folder), "nvme", { DEVNAME: name });
  return controller;
}

export const NVME_MODULES: readonly KernelModule[] = [
  { name: "nvme_core" },
  {
    name: "nvme",
    version: "1.0",
    needs: ["nvme_core"],
    drivers: [nvmeDriver()],
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
