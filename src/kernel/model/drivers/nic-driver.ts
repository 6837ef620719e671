import type { EswitchMode } from "../devlink-device.ts";
import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { disableSriov, setDriverLimit } from "../iov.ts";
import { KernelError } from "../kernel-error.ts";
import type { KernelModule, Linux, PciDeviceId, PciDriver } from "../linux.ts";
import { permanentMac, randomMac, ZERO_MAC } from "../mac-address.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";
import { type NetDevice, setCarrier } from "../net-device.ts";
import type { PciDev } from "../pci-dev.ts";
import type { NicEswitch } from "./nic-eswitch.ts";
import type { NicVf, VfOperations } from "./nic-vfs.ts";

/** What autonegotiation takes. */
const LINK_MS = 1000;

/** A family of network cards, as its driver is to the PCI core and to the network core. */
export interface NicFamily {
  readonly driver: string;
  readonly module: string;
  readonly needs?: readonly string[];
  readonly ids: readonly PciDeviceId[];
  readonly speedMbps: number;
  readonly maxMtu?: number;
  /** `pci_sriov_set_totalvfs` in its probe. */
  limit?(dev: PciDev): number;
  /** What it logs when a card is there. */
  greet?(linux: Linux, dev: PciDev, netdev: NetDevice): void;
  /** `sriov_configure` for a number above 0; it refuses by a KernelError. A family of VFs has none. */
  enable?(linux: Linux, dev: PciDev, numVfs: number): Promise<number>;
  /** For 0; `pci_disable_sriov` where left out. */
  disable?(linux: Linux, dev: PciDev): Promise<void>;
  /** Settings of VFs. */
  vfs?(linux: Linux, dev: PciDev, nic: () => Nic): VfOperations;
  /** What else a PF has when its interface is there. */
  attach?(linux: Linux, dev: PciDev, nic: Nic): void;
}

/** What such a driver keeps of a function. */
export class Nic {
  readonly netdev: NetDevice;
  /** What a PF holds of its VFs. */
  vfs: NicVf[] = [];
  mode: EswitchMode = "legacy";
  eswitch: NicEswitch | undefined;

  constructor(netdev: NetDevice) {
    this.netdev = netdev;
  }
}

export function nicOf({ driverData }: PciDev): Nic {
  return driverData as Nic;
}

/** The address that the PF's driver has for a VF; undefined where the VF is to choose its own. */
function administrativeMac({ physfn, vfIndex = 0 }: PciDev): string | undefined {
  const nic = physfn?.driverData;
  const mac = nic instanceof Nic ? nic.vfs[vfIndex]?.mac : undefined;
  return mac === ZERO_MAC ? undefined : mac;
}

/** The module of a family. */
export function nicModule(family: NicFamily): KernelModule {
  return {
    name: family.module,
    drivers: [nicDriver(family)],
    ...(family.needs === undefined ? {} : { needs: family.needs }),
  };
}

function nicDriver(family: NicFamily): PciDriver {
  const { enable } = family;
  const disable = family.disable?.bind(family) ?? disableSriov;
  return {
    name: family.driver,
    module: family.module,
    ids: family.ids,
    probe: (linux, dev) => probe(linux, dev, family),
    async remove(linux, dev) {
      if (!dev.isVf) {
        await disable(linux, dev);
        // bnxt_remove_one: also where the interface is down, and a write to sriov_numvfs is refused for that.
        await disableSriov(linux, dev);
      }
      const { netdev, eswitch } = nicOf(dev);
      eswitch?.remove();
      linux.net.unregister(netdev);
      freeVectors(dev);
      disableDevice(dev);
    },
    ...(enable === undefined
      ? {}
      : {
          async sriovConfigure(linux: Linux, dev: PciDev, numVfs: number) {
            if (numVfs > 0) return enable(linux, dev, numVfs);
            await disable(linux, dev);
            return 0;
          },
        }),
  };
}

function probe(linux: Linux, dev: PciDev, family: NicFamily): void {
  const { folder } = dev;
  if (folder === undefined) throw new KernelError("ENODEV");
  enableDevice(linux, dev, true);
  dev.setCommand(PCI_COMMAND_MASTER);
  if (!dev.isVf && family.limit !== undefined) setDriverLimit(dev, family.limit(dev));
  allocateVectors(linux, dev, 3);
  const given = dev.isVf ? administrativeMac(dev) : undefined;
  const netdev = linux.net.register({
    dev,
    folder,
    mac: dev.isVf ? (given ?? randomMac(linux)) : permanentMac(linux, dev),
    addrAssignType: dev.isVf && given === undefined ? 1 : 0,
    devPort: dev.devfn & 7,
    maxMtu: family.maxMtu ?? 9702,
    operations: {
      up: (opened) => void linux.time.after(LINK_MS, () => linkUp(opened, family.speedMbps)),
      down: (closed) => setCarrier(closed, false),
      setMac: () => {},
      setMtu: () => {},
      ...(dev.isVf ? {} : family.vfs?.(linux, dev, () => nicOf(dev))),
    },
  });
  const nic = new Nic(netdev);
  dev.driverData = nic;
  if (!dev.isVf) family.attach?.(linux, dev, nic);
  family.greet?.(linux, dev, netdev);
}

function linkUp(netdev: NetDevice, speedMbps: number): void {
  if (netdev.up) setCarrier(netdev, true, speedMbps);
}
