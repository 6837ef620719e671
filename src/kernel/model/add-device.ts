import { configureSerr, initAer } from "./aer-init.ts";
import { attributeFiles } from "./attributes.ts";
import { sriovInit } from "./iov-init.ts";
import { type Linux, pciUevent } from "./linux.ts";

import type { PciDev } from "./pci-dev.ts";
import { initResetMethods } from "./reset-methods.ts";
import { configureExtendedTags } from "./setup-device.ts";

const PCI_EXP_DEVCAP2 = 0x24;
const PCI_EXP_DEVCTL2 = 0x28;
const PCI_EXP_DEVCAP2_ARI = 0x20;
const PCI_EXP_DEVCTL2_ARI = 0x20;
const PCI_ACS_CAP = 0x04;
const PCI_ACS_CTRL = 0x06;
/** Source Validation, P2P Request and Completion Redirect, Upstream Forwarding (`pci_std_enable_acs`). */
const ACS_FLAGS = 0x1d;

/** `pci_device_add`: the function's capabilities are put to use, and the function becomes known to the world. */
export async function addDevice(linux: Linux, dev: PciDev): Promise<void> {
  configureExtendedTags(linux, dev);
  configureSerr(dev);
  configureAri(linux, dev);
  if (!dev.isVf) await sriovInit(linux, dev);
  enableAcs(linux, dev);
  initAer(linux, dev);
  initResetMethods(dev);
  dev.resettable = dev.resetMethods.length > 0;
  // pci_pm_init; pcie_portdrv_probe forbids it to ports.
  dev.d3coldAllowed = dev.capabilities.power !== 0 && !dev.isBridge;
  dev.bus.devices.push(dev);
  linux.devices.set(dev.bdf, dev);
  addToSysfs(linux, dev);
  // bus_notify(BUS_NOTIFY_ADD_DEVICE) of device_add: the IOMMU's own, then drivers that listen.
  linux.iommuGroups.add(linux, dev);
  linux.drivers.deviceAdded(dev);
  pciUevent(linux, "add", dev);
}

/** `pci_configure_ari`: by function 0 of a device, in the bridge above. */
function configureAri({ options }: Linux, dev: PciDev): void {
  const { bridge } = dev;
  if (options.noAri || dev.isVf || dev.devfn !== 0 || dev.capabilities.express === 0 || bridge === undefined) return;
  const { express } = bridge.capabilities;
  if (express === 0 || (bridge.read(express + PCI_EXP_DEVCAP2, 4) & PCI_EXP_DEVCAP2_ARI) === 0) return;
  bridge.ariEnabled = dev.capabilities.ari !== 0;
  bridge.update(
    express + PCI_EXP_DEVCTL2,
    bridge.ariEnabled ? 0 : PCI_EXP_DEVCTL2_ARI,
    bridge.ariEnabled ? PCI_EXP_DEVCTL2_ARI : 0,
  );
}

/** `pci_enable_acs`, which an IOMMU driver asked for (`pci_request_acs`). */
function enableAcs({ options }: Linux, dev: PciDev): void {
  const { acs } = dev.capabilities;
  if (!options.iommu || acs === 0) return;
  dev.update(acs + PCI_ACS_CTRL, 0, dev.read(acs + PCI_ACS_CAP, 2) & ACS_FLAGS);
}

function addToSysfs(linux: Linux, dev: PciDev): void {
  const { sys } = linux;
  const folder = dev.bus.folder(sys.folders("devices/pci0000:00")).folder(dev.bdf);
  dev.folder = folder;
  folder.tables.push(attributeFiles(dev, linux.pciAttributes));
  folder.link("subsystem", sys.folders("bus/pci"));
  const power = folder.folder("power");
  power.shows("control", () => "on");
  power.shows("runtime_status", () => "active");
  sys.folders("bus/pci/devices").link(dev.bdf, folder);
}

/** `device_del`, `pci_destroy_dev`: it is gone from the world. */
export function deleteDevice(linux: Linux, dev: PciDev): void {
  linux.iommuGroups.remove(linux, dev);
  linux.sys.folders("bus/pci/devices").removeChild(dev.bdf);
  pciUevent(linux, "remove", dev);
  dev.folder?.remove();
  dev.folder = undefined;
  linux.devices.delete(dev.bdf);
  const siblings = dev.bus.devices;
  siblings.splice(siblings.indexOf(dev), 1);
}
