import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { configureSriov, disableSriov } from "../iov.ts";
import { KernelError } from "../kernel-error.ts";
import { devpathOf, type KernelModule, type Linux, type PciDriver } from "../linux.ts";
import { randomMac } from "../mac-address.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";
import { LINK_WHEN_UP, type NetDevice } from "../net-device.ts";
import type { PciDev } from "../pci-dev.ts";
import type { Folder } from "../sysfs-tree.ts";

const VENDOR_ID_REDHAT_QUMRANET = 0x1af4;
/** Virtio 1.0: 1040h and the device type, of which 1 is a network card. */
const DEVICE_ID_NET = 0x1041;
const VIRTIO_ID_NET = 1;

/** VIRTIO_F_SR_IOV: a PF takes VFs. */
const SR_IOV = 37;
/** What QEMU's card and Linux agree upon, a character a bit. */
const FEATURES = "0010010000000001111101010000110010000000100100000000000000000000";

interface VirtioDevice {
  readonly folder: Folder;
  netdev: NetDevice | undefined;
}

/** drivers/virtio/virtio_pci_common.c */
const VIRTIO_PCI: PciDriver = {
  name: "virtio-pci",
  module: "virtio_pci",
  ids: [{ vendor: VENDOR_ID_REDHAT_QUMRANET }],

  /** `virtio_pci_probe`: makes a device of the virtio bus, which virtio_net has where it is there. */
  probe(linux, dev) {
    const { folder } = dev;
    // Other types need drivers that the model has not.
    if (folder === undefined || dev.device !== DEVICE_ID_NET) throw new KernelError("ENODEV");
    enableDevice(linux, dev);
    dev.setCommand(PCI_COMMAND_MASTER);
    allocateVectors(linux, dev, 3);
    const bus = linux.sys.folders("bus/virtio/devices");
    let number = 0;
    while (bus.children.has(`virtio${number}`)) number++;
    const own = folder.folder(`virtio${number}`);
    own.shows("device", () => `0x${VIRTIO_ID_NET.toString(16).padStart(4, "0")}`);
    own.shows("vendor", () => "0x1af4");
    own.shows("status", () => "0x0000000f");
    own.shows("features", () => (dev.isVf ? FEATURES : `${FEATURES.slice(0, SR_IOV)}1${FEATURES.slice(SR_IOV + 1)}`));
    bus.link(own.name, own);
    linux.uevents.send("add", devpathOf(own), "virtio", {});
    const device: VirtioDevice = { folder: own, netdev: undefined };
    dev.driverData = device;
    if (linux.modules.isLoaded("virtio_net")) attachNet(linux, dev, device);
  },

  /** `virtio_pci_remove`: the VFs first. */
  async remove(linux, dev) {
    await disableSriov(linux, dev);
    const device = dev.driverData as VirtioDevice;
    if (device.netdev !== undefined) linux.net.unregister(device.netdev);
    linux.sys.folders("bus/virtio/devices").removeChild(device.folder.name);
    linux.uevents.send("remove", devpathOf(device.folder), "virtio", {});
    device.folder.remove();
    freeVectors(dev);
    disableDevice(dev);
  },

  /** `virtio_pci_sriov_configure` */
  sriovConfigure: configureSriov,
};

/** `virtnet_probe`; QEMU gives every device an address, and settings of VFs have no way into it. */
function attachNet(linux: Linux, dev: PciDev, device: VirtioDevice): void {
  device.netdev = linux.net.register({
    dev,
    folder: device.folder,
    mac: randomMac(linux),
    maxMtu: 65_535,
    operations: LINK_WHEN_UP,
  });
}

function virtioDevices(linux: Linux): [PciDev, VirtioDevice][] {
  return [...linux.devices.values()]
    .filter((dev) => linux.drivers.of(dev) === VIRTIO_PCI)
    .map((dev) => [dev, dev.driverData as VirtioDevice]);
}

export const VIRTIO_MODULES: readonly KernelModule[] = [
  {
    name: "virtio_pci",
    version: "1",
    builtIn: true,
    drivers: [VIRTIO_PCI],
    parameters: { force_legacy: { value: "N", type: "bool" } },
  },
  {
    name: "virtio_net",
    init(linux) {
      for (const [dev, device] of virtioDevices(linux)) attachNet(linux, dev, device);
    },
    exit(linux) {
      for (const [, device] of virtioDevices(linux)) {
        if (device.netdev !== undefined) linux.net.unregister(device.netdev);
        device.netdev = undefined;
      }
    },
  },
];
