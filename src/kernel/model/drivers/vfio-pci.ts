import { disableDevice, enableDevice } from "../enable-device.ts";
import { disableSriov, enableSriov } from "../iov.ts";
import { KernelError } from "../kernel-error.ts";
import { devpathOf, type KernelModule, type Linux, logOf, type PciDriver } from "../linux.ts";
import type { PciDev } from "../pci-dev.ts";
import type { Folder } from "../sysfs-tree.ts";

/** `struct vfio_pci_core_device` */
interface VfioDevice {
  readonly folder: Folder;
}

/** drivers/vfio/pci/vfio_pci.c, vfio_pci_core.c. */
const VFIO_PCI: PciDriver = {
  name: "vfio-pci",
  module: "vfio_pci",
  // PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID)
  ids: [{ overrideOnly: true }],
  managesDma: true,

  probe(linux, dev) {
    // vfio_device_set_group: without a group, and without enable_unsafe_noiommu_mode.
    const { iommuGroup: group, folder } = dev;
    if (group === undefined || folder === undefined) throw new KernelError("EINVAL");
    const devices = linux.sys.folders("class/vfio-dev");
    let number = 0;
    while (devices.children.has(`vfio${number}`)) number++;
    const own = folder.folder("vfio-dev").folder(`vfio${number}`);
    own.link("device", folder);
    devices.link(own.name, own);
    addGroupFile(linux, dev);
    linux.uevents.send("add", devpathOf(own), "vfio-dev", {});
    dev.driverData = { folder: own } satisfies VfioDevice;
  },

  async remove(linux, dev) {
    // vfio_pci_core_unregister_device: the VFs go first.
    await disableSriov(linux, dev);
    // vfio_unregister_group_dev: waits for whoever has the device, and asks for it.
    for (let [user] = linux.processes.usersOf(dev.bdf); user !== undefined; [user] = linux.processes.usersOf(dev.bdf)) {
      logOf(linux, dev, "Relaying device request to user (#0)");
      await user.ended;
    }
    const { folder } = dev.driverData as VfioDevice;
    linux.uevents.send("remove", devpathOf(folder), "vfio-dev", {});
    linux.sys.folders("class/vfio-dev").removeChild(folder.name);
    folder.parent?.remove();
    const { iommuGroup: group } = dev;
    const others = [...(group?.devices ?? [])].some((other) => other !== dev && other.driver === dev.driver);
    if (group !== undefined && !others) {
      linux.root.folders("dev/vfio").removeChild(String(group.id));
      linux.sys.folders("devices/virtual/vfio").removeChild(String(group.id));
      linux.sys.folders("class/vfio").removeChild(String(group.id));
    }
  },

  /** `vfio_pci_sriov_configure`, `vfio_pci_core_sriov_configure` */
  async sriovConfigure(linux, dev, numVfs) {
    if (linux.modules.parameter("vfio_pci", "enable_sriov") !== "Y") throw new KernelError("ENOENT");
    if (numVfs === 0) {
      await disableSriov(linux, dev);
      disableDevice(dev);
      return 0;
    }
    enableDevice(linux, dev);
    try {
      await enableSriov(linux, dev, numVfs);
    } catch (error) {
      disableDevice(dev);
      throw error;
    }
    return numVfs;
  },

  /** `vfio_pci_bus_notifier`: VFs of a PF that a program has go to programs, too. */
  deviceAdded(linux, dev) {
    const { physfn } = dev;
    if (physfn === undefined || linux.drivers.of(physfn) !== VFIO_PCI) return;
    logOf(linux, physfn, `Captured SR-IOV VF ${dev.bdf} driver_override`);
    dev.driverOverride = VFIO_PCI.name;
  },

  deviceBound(linux, { physfn, bdf, driver }) {
    if (physfn === undefined || driver === undefined || driver === VFIO_PCI) return;
    if (linux.drivers.of(physfn) !== VFIO_PCI) return;
    const pfDriver = physfn.driver?.name;
    logOf(linux, physfn, `VF ${bdf} bound to driver ${driver.name} while PF bound to driver ${pfDriver}`);
  },
};

/** vfio_pci_core for VFs of one kind alone, by a driver that can do more with them; it takes no PF. */
function variant(name: string, vendor: number, device: number): PciDriver {
  const { probe, remove } = VFIO_PCI;
  const ids = [{ vendor, device, overrideOnly: true }] as const;
  return { name, module: name, ids, managesDma: true, probe, ...(remove !== undefined && { remove }) };
}

/** drivers/vfio/pci/mlx5/main.c: of ConnectX, with migration, which is not modelled. */
const MLX5_VFIO_PCI = variant("mlx5_vfio_pci", 0x15b3, 0x101e);

/**
 * Of the 82576, with migration: of the model alone, as no Linux has such a driver (docs/decisions/0020). Who wants it names it among
 * the model's modules; without, these VFs go to vfio-pci, and cannot be moved.
 */
const MODEL_VFIO_PCI = variant("model_vfio_pci", 0x8086, 0x10ca);

function addGroupFile(linux: Linux, { iommuGroup: group }: PciDev): void {
  if (group === undefined) return;
  const name = String(group.id);
  if (linux.root.folders("dev/vfio").children.has(name)) return;
  const folder = linux.sys.folders("devices/virtual/vfio").folder(name);
  linux.sys.folders("class/vfio").link(name, folder);
  let opened = false;
  linux.root.folders("dev/vfio").file(name, {
    mode: 0o600,
    // vfio_group_fops_open: one opener a group.
    open: () => {
      if (opened) throw new KernelError("EBUSY");
      opened = true;
    },
    release: () => {
      opened = false;
    },
  });
  linux.uevents.send("add", devpathOf(folder), "vfio", {});
}

export const VFIO_MODULES: readonly KernelModule[] = [
  {
    name: "vfio",
    version: "0.3",
    init(linux) {
      linux.log.print("VFIO - User Level meta-driver version: 0.3");
      linux.root.folders("dev/vfio").file("vfio", { mode: 0o666 });
    },
    exit: (linux) => linux.root.folders("dev/vfio").remove(),
  },
  {
    name: "vfio_iommu_type1",
    version: "0.2",
    needs: ["vfio"],
    parameters: {
      allow_unsafe_interrupts: { value: "N", type: "bool", writable: true },
      disable_hugepages: { value: "N", type: "bool", writable: true },
      dma_entry_limit: { value: "65535", type: "uint", writable: true },
    },
  },
  { name: "vfio_pci_core", needs: ["vfio"] },
  {
    name: "vfio_pci",
    needs: ["vfio_pci_core"],
    wants: ["vfio_iommu_type1"],
    drivers: [VFIO_PCI],
    parameters: {
      disable_denylist: { value: "N", type: "bool" },
      disable_idle_d3: { value: "N", type: "bool" },
      disable_vga: { value: "N", type: "bool" },
      enable_sriov: { value: "N", type: "bool", writable: true },
      nointxmask: { value: "N", type: "bool" },
    },
  },
  { name: "mlx5_vfio_pci", needs: ["vfio_pci_core"], wants: ["vfio_iommu_type1"], drivers: [MLX5_VFIO_PCI] },
  {
    name: "model_vfio_pci",
    needs: ["vfio_pci_core"],
    wants: ["vfio_iommu_type1"],
    drivers: [MODEL_VFIO_PCI],
    modelOnly: true,
  },
];
