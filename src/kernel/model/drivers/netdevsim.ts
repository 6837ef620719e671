import { KernelError } from "../kernel-error.ts";
import { devpathOf, type KernelModule, type Linux } from "../linux.ts";
import { kstrtouint } from "../parse-value.ts";
import type { Folder } from "../sysfs-tree.ts";
import { NsimDevice } from "./netdevsim-device.ts";

const INT_MAX = 0x7fff_ffff;
/** The model's own; Linux has what its memory holds. */
const MOST_PORTS = 1024;
const BUS = "bus/netdevsim";
const decoder = new TextDecoder();

/** `struct nsim_bus_dev` */
interface BusDevice {
  readonly device: NsimDevice;
  readonly folder: Folder;
}

/** netdevsim's bus of a kernel (drivers/net/netdevsim/bus.c). */
class NsimBus {
  readonly #linux: Linux;
  readonly #devices = new Map<number, BusDevice>();

  /** `nsim_bus_init` */
  constructor(linux: Linux) {
    this.#linux = linux;
    const bus = linux.sys.folders(BUS);
    bus.folder("devices");
    bus.folder("drivers").folder("netdevsim");
    bus.file("new_device", { mode: 0o200, store: (written) => this.#newDevice(decoder.decode(written)) });
    bus.file("del_device", { mode: 0o200, store: (written) => this.#deleteDevice(decoder.decode(written)) });
    linux.sys.folders("kernel/debug/netdevsim");
  }

  /** `nsim_bus_exit` */
  remove(): void {
    for (const id of [...this.#devices.keys()]) this.#delete(id);
    this.#linux.sys.folders(BUS).remove();
    this.#linux.sys.folders("kernel/debug/netdevsim").remove();
  }

  /** `new_device_store` */
  #newDevice(text: string): void {
    const [id, portCount = 1] = this.#numbers(text, 'Format for adding new device is "id port_count" (uint uint).');
    // ida_alloc_range of this number alone
    if (this.#devices.has(id)) throw new KernelError("ENOSPC");
    if (portCount > MOST_PORTS) throw new KernelError("ENOMEM");
    const { sys, uevents } = this.#linux;
    const name = `netdevsim${id}`;
    const folder = sys.folders("devices").folder(name);
    const bus = sys.folders(BUS);
    folder.link("subsystem", bus);
    bus.folder("devices").link(name, folder);
    uevents.send("add", devpathOf(folder), "netdevsim", {});
    const device = new NsimDevice(this.#linux, name, folder, portCount);
    const driver = bus.folders("drivers/netdevsim");
    folder.link("driver", driver);
    driver.link(name, folder);
    uevents.send("bind", devpathOf(folder), "netdevsim", { DRIVER: "netdevsim" });
    this.#devices.set(id, { device, folder });
    addAttributes(folder, device);
  }

  /** `del_device_store` */
  #deleteDevice(text: string): void {
    const [id] = this.#numbers(text, 'Format for deleting device is "id" (uint).');
    if (!this.#devices.has(id)) throw new KernelError("ENOENT");
    this.#delete(id);
  }

  /** `nsim_bus_dev_del` */
  #delete(id: number): void {
    const entry = this.#devices.get(id);
    if (entry === undefined) return;
    const { device, folder } = entry;
    const { sys, uevents } = this.#linux;
    this.#devices.delete(id);
    device.remove();
    const bus = sys.folders(BUS);
    bus.folders("drivers/netdevsim").removeChild(folder.name);
    folder.removeChild("driver");
    uevents.send("unbind", devpathOf(folder), "netdevsim", {});
    bus.folder("devices").removeChild(folder.name);
    uevents.send("remove", devpathOf(folder), "netdevsim", {});
    folder.remove();
  }

  /** `sscanf` of "%u %u" */
  #numbers(text: string, format: string): [id: number, more: number | undefined] {
    const [, id, more] = /^\s*(\d+)(?:\s*(\d+))?/.exec(text) ?? [];
    if (id === undefined) {
      this.#linux.log.print(format);
      throw new KernelError("EINVAL");
    }
    if (Number(id) > INT_MAX) {
      this.#linux.log.print('Value of "id" is too big.');
      throw new KernelError("EINVAL");
    }
    return [Number(id), more === undefined ? undefined : Number(more)];
  }
}

/** `nsim_bus_dev_attrs`: its own, and no PCI device's. */
function addAttributes(folder: Folder, device: NsimDevice): void {
  const number = (written: Uint8Array) => Number(kstrtouint(decoder.decode(written), 0xffff_ffffn));
  folder.file("sriov_numvfs", {
    mode: 0o664,
    show: () => `${device.numVfs}\n`,
    store: (written) => device.configureVfs(number(written)),
  });
  folder.file("new_port", { mode: 0o200, store: (written) => device.addPort(number(written)) });
  folder.file("del_port", { mode: 0o200, store: (written) => device.removePort(number(written)) });
}

/** Of each kernel that has the module. */
const buses = new WeakMap<Linux, NsimBus>();

export const NETDEVSIM_MODULE: KernelModule = {
  name: "netdevsim",
  init(linux) {
    buses.set(linux, new NsimBus(linux));
  },
  exit(linux) {
    buses.get(linux)?.remove();
    buses.delete(linux);
  },
};
