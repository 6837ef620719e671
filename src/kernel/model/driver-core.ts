import { type Attribute, attributeFiles, attributeTable } from "./attributes.ts";
import { addId, matchId, removeId } from "./driver-ids.ts";
import { errnoNumber, errnoOf, KernelError } from "./kernel-error.ts";
import { type Linux, logOf, type PciDeviceId, type PciDriver, type PciDriverCore, pciUevent } from "./linux.ts";
import { sysfsStreq } from "./parse-value.ts";
import type { PciDev } from "./pci-dev.ts";
import type { Folder } from "./sysfs-tree.ts";

/** A driver that is there, with what it was taught. */
interface Registered {
  readonly driver: PciDriver;
  readonly folder: Folder;
  readonly dynamicIds: PciDeviceId[];
  /** In the order in which they were bound. */
  readonly devices: Set<PciDev>;
}

/** The PCI bus's drivers: who takes which device. */
export class DriverCore implements PciDriverCore {
  readonly #linux: () => Linux;
  readonly #registered = new Map<string, Registered>();
  readonly #attributes: ReadonlyMap<string, Attribute<Registered>>;
  /** /sys/bus/pci/drivers_autoprobe */
  autoprobe = true;

  constructor(linux: () => Linux) {
    this.#linux = linux;
    this.#attributes = attributeTable<Registered>([
      { name: "bind", mode: 0o200, store: (of, text) => this.#bind(of, text) },
      { name: "unbind", mode: 0o200, store: (of, text) => this.#unbind(of, text) },
      { name: "new_id", mode: 0o200, store: (of, text) => this.#newId(of, text) },
      { name: "remove_id", mode: 0o200, store: (of, text) => removeId(of, text) },
      { name: "uevent", mode: 0o200, store: () => {} },
    ]);
  }

  of(dev: PciDev): PciDriver | undefined {
    return dev.driver === undefined ? undefined : this.#registered.get(dev.driver.name)?.driver;
  }

  /** `pci_register_driver`: it takes all that it matches and nobody has (`driver_attach`). */
  async register(driver: PciDriver): Promise<void> {
    const linux = this.#linux();
    const folder = linux.sys.folders("bus/pci/drivers").folder(driver.name);
    const entry: Registered = { driver, folder, dynamicIds: [], devices: new Set() };
    folder.tables.push(attributeFiles(entry, this.#attributes));
    if (driver.module !== undefined) {
      const module = linux.sys.folders(`module/${driver.module}`);
      folder.link("module", module);
      // `module_add_driver` (drivers/base/module.c)
      module.folder("drivers").link(`pci:${driver.name}`, folder);
    }
    this.#registered.set(driver.name, entry);
    linux.uevents.send("add", `/bus/pci/drivers/${driver.name}`, "drivers", {});
    if (this.autoprobe) await this.#attachAll(entry);
  }

  /** `driver_detach`: the last that came is the first that goes. */
  async unregister(driver: PciDriver): Promise<void> {
    const entry = this.#registered.get(driver.name);
    if (entry === undefined) return;
    for (let last = [...entry.devices].at(-1); last !== undefined; last = [...entry.devices].at(-1)) {
      await this.releaseDevice(last);
    }
    this.#registered.delete(driver.name);
    entry.folder.remove();
    if (driver.module !== undefined) {
      this.#linux().sys.folders(`module/${driver.module}/drivers`).removeChild(`pci:${driver.name}`);
    }
    this.#linux().uevents.send("remove", `/bus/pci/drivers/${driver.name}`, "drivers", {});
  }

  deviceAdded(dev: PciDev): void {
    for (const { driver } of this.#registered.values()) driver.deviceAdded?.(this.#linux(), dev);
  }

  async attachDevice(dev: PciDev): Promise<boolean> {
    return dev.lock.run(async () => {
      if (dev.driver !== undefined) return true;
      for (const entry of this.#registered.values()) {
        if (matchId(entry, dev) === undefined) continue;
        // __device_attach_driver: errors of a probe are not told, and the next driver can try.
        try {
          await this.#probe(entry, dev);
          return true;
        } catch (error) {
          errnoOf(error);
        }
      }
      return false;
    });
  }

  async releaseDevice(dev: PciDev): Promise<void> {
    await dev.lock.run(async () => {
      const entry = dev.driver && this.#registered.get(dev.driver.name);
      if (entry !== undefined) await this.#release(entry, dev);
    });
  }

  /** `drivers_probe_store` */
  async probeByName(text: string): Promise<void> {
    const dev = this.#deviceNamed(text);
    if (dev === undefined) throw new KernelError("ENODEV");
    await this.attachDevice(dev);
  }

  /** `drivers_autoprobe_store`: of two characters, the first counts. */
  storeAutoprobe(text: string): void {
    this.autoprobe = !text.startsWith("0");
  }

  async #attachAll(entry: Registered): Promise<void> {
    // driver_attach goes by the bus's list: in the order in which the devices came.
    for (const dev of [...this.#linux().devices.values()]) {
      if (matchId(entry, dev) === undefined) continue;
      await dev.lock.run(async () => {
        if (dev.driver !== undefined || dev.folder === undefined) return;
        try {
          await this.#probe(entry, dev);
        } catch (error) {
          errnoOf(error);
        }
      });
    }
  }

  /** `really_probe`, under the device's lock. @throws KernelError as the driver's probe refuses */
  async #probe(entry: Registered, dev: PciDev): Promise<void> {
    const linux = this.#linux();
    const { driver, folder } = entry;
    // pci_device_can_probe
    if (dev.physfn?.sriov?.driversAutoprobe === false && dev.driverOverride === undefined) {
      throw new KernelError("ENODEV");
    }
    dev.driver = driver;
    try {
      await driver.probe(linux, dev);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== "ENODEV" && errno !== "ENXIO") {
        logOf(linux, dev, `probe with driver ${driver.name} failed with error -${errnoNumber(errno)}`);
      }
      dev.driver = undefined;
      dev.driverData = undefined;
      throw error;
    }
    entry.devices.add(dev);
    if (dev.folder !== undefined) {
      folder.link(dev.bdf, dev.folder);
      dev.folder.link("driver", folder);
    }
    pciUevent(linux, "bind", dev);
    this.#boundNotify(dev);
  }

  /** `BUS_NOTIFY_BOUND_DRIVER` */
  #boundNotify(dev: PciDev): void {
    for (const { driver } of this.#registered.values()) driver.deviceBound?.(this.#linux(), dev);
  }

  /** `__device_release_driver` */
  async #release(entry: Registered, dev: PciDev): Promise<void> {
    const linux = this.#linux();
    dev.folder?.removeChild("driver");
    entry.folder.removeChild(dev.bdf);
    await entry.driver.remove?.(linux, dev);
    entry.devices.delete(dev);
    dev.driver = undefined;
    dev.driverData = undefined;
    dev.powerState = "unknown";
    // pci_iov_remove: the driver's limit goes with it.
    if (dev.sriov !== undefined) {
      dev.sriov.driverMaxVfs = dev.sriov.totalVfs;
      if (dev.sriov.numVfs > 0) logOf(linux, dev, "driver left SR-IOV enabled after remove");
    }
    pciUevent(linux, "unbind", dev);
  }

  #deviceNamed(text: string): PciDev | undefined {
    for (const dev of this.#linux().devices.values()) if (sysfsStreq(text, dev.bdf)) return dev;
    return undefined;
  }

  /** `bind_store` */
  async #bind(entry: Registered, text: string): Promise<void> {
    const dev = this.#deviceNamed(text);
    if (dev === undefined || matchId(entry, dev) === undefined) throw new KernelError("ENODEV");
    await dev.lock.run(async () => {
      if (dev.driver !== undefined) throw new KernelError("EBUSY");
      await this.#probe(entry, dev);
    });
  }

  /** `unbind_store` */
  async #unbind(entry: Registered, text: string): Promise<void> {
    const dev = this.#deviceNamed(text);
    if (dev === undefined || dev.driver !== entry.driver) throw new KernelError("ENODEV");
    await this.releaseDevice(dev);
  }

  /** `new_id_store` */
  async #newId(entry: Registered, text: string): Promise<void> {
    addId(entry, text);
    await this.#attachAll(entry);
  }
}
