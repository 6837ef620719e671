import { DevlinkDevice, type DevlinkPortItem, type EswitchMode } from "../devlink-device.ts";
import { errnoNumber, errnoOf, KernelError } from "../kernel-error.ts";
import type { Linux } from "../linux.ts";
import { randomMac } from "../mac-address.ts";
import { LINK_WHEN_UP } from "../net-device.ts";
import type { Folder } from "../sysfs-tree.ts";
import { addNsimHealth, debugBool, debugNumber, parseMaxVfs } from "./netdevsim-debugfs.ts";
import { type NsimVf, newNsimVfs, nsimVfOperations } from "./netdevsim-vfs.ts";
import { rateOperations } from "./rate-operations.ts";

/** NSIM_BUS_DEV_MAX_VFS */
const MAX_VFS = 4;
/** NSIM_DEV_VF_PORT_INDEX_BASE */
const VF_PORT_BASE = 128;
/** NSIM_LINK_SPEED_MAX */
const MAX_MBPS = 5000;
/** ETH_MAX_MTU */
const MAX_MTU = 65_535;
const FIRMWARE = { "fw.mgmt": "10.20.30" };

/** A device of netdevsim: its ports, VFs and eSwitch (drivers/net/netdevsim/dev.c). */
export class NsimDevice {
  readonly #linux: Linux;
  readonly #name: string;
  readonly #folder: Folder;
  readonly #debug: Folder;
  readonly #portCount: number;
  readonly #devlink: DevlinkDevice;
  readonly #settings = { max_macs: 32, test1: true, dont_allow_reload: false, fail_reload: false };
  #configs: NsimVf[] = newNsimVfs(MAX_VFS);
  #numVfs = 0;
  #mode: EswitchMode = "legacy";

  /** `nsim_drv_probe`. @param folder the device's, in /sys/devices */
  constructor(linux: Linux, name: string, folder: Folder, portCount: number) {
    this.#linux = linux;
    this.#name = name;
    this.#folder = folder;
    this.#portCount = portCount;
    const { max_macs, test1 } = this.#settings;
    this.#devlink = new DevlinkDevice(
      `netdevsim/${name}`,
      {
        info: () => ({
          driver: "netdevsim",
          serialNumber: null,
          boardSerialNumber: null,
          fixed: {},
          running: FIRMWARE,
          stored: FIRMWARE,
        }),
        eswitch: { mode: () => this.#mode, setMode: (mode) => this.#setMode(mode) },
        ...rateOperations(linux, {
          vfOf: (index) => this.#vf(index),
          isSwitchdev: () => this.#mode === "switchdev",
          maxMbps: MAX_MBPS,
          maxText: `${MAX_MBPS}Mbps`,
          onlyInSwitchdev: "Node creation allowed only in switchdev mode",
          nested: true,
        }),
        reload: { down: () => this.#reloadDown(), up: () => this.#reloadUp() },
      },
      [
        { name: "max_macs", generic: true, value: max_macs },
        { name: "test1", generic: false, value: test1 },
      ],
    );
    this.#debug = linux.sys.folders(`kernel/debug/netdevsim/${name}`);
    this.#addDebugFiles();
    addNsimHealth(this.#devlink, this.#debug);
    this.#addAllPorts();
    linux.devlink.register(this.#devlink);
  }

  get numVfs(): number {
    return this.#numVfs;
  }

  /** `nsim_drv_configure_vfs` */
  configureVfs(numVfs: number): void {
    if (numVfs === this.#numVfs) return;
    if (numVfs !== 0 && this.#numVfs !== 0) throw new KernelError("EBUSY");
    if (numVfs > this.#configs.length) throw new KernelError("ENOMEM");
    this.#numVfs = numVfs;
    if (this.#mode === "legacy") return;
    if (numVfs === 0) {
      this.#leaveSwitchdev();
      return;
    }
    try {
      this.#addVfPorts();
    } catch (error) {
      this.#numVfs = 0;
      throw error;
    }
  }

  /** `nsim_drv_port_add` */
  addPort(index: number): void {
    if (this.#devlink.ports.has(index)) throw new KernelError("EEXIST");
    this.#addPort(index, {});
  }

  /** `nsim_drv_port_del` */
  removePort(index: number): void {
    const port = this.#devlink.ports.get(index);
    if (port?.flavour !== "physical") throw new KernelError("ENOENT");
    this.#removePort(port);
  }

  /** `nsim_drv_remove` */
  remove(): void {
    this.#linux.devlink.unregister(this.#devlink);
    this.#destroy();
    this.#debug.remove();
  }

  #vf(index: number): NsimVf {
    const vf = index < this.#numVfs ? this.#configs[index] : undefined;
    if (vf === undefined) throw new KernelError("EINVAL");
    return vf;
  }

  /** `nsim_devlink_eswitch_mode_set` */
  #setMode(mode: EswitchMode): void {
    if (mode === this.#mode) return;
    if (mode === "legacy") this.#leaveSwitchdev();
    else this.#addVfPorts();
    this.#mode = mode;
  }

  /** `nsim_esw_switchdev_enable`: those that came go again where one does not. */
  #addVfPorts(): void {
    for (let vfIndex = 0; vfIndex < this.#numVfs; vfIndex++) {
      try {
        this.#addPort(VF_PORT_BASE + vfIndex, { vfIndex });
      } catch (error) {
        const number = -errnoNumber(errnoOf(error));
        this.#linux.log.print(`Failed to initialize VF id=${vfIndex}. ${number}.`);
        this.#removeVfPorts();
        throw error;
      }
    }
  }

  #removeVfPorts(): void {
    for (const port of this.#devlink.ports.values()) if (port.flavour === "pcivf") this.#removePort(port);
  }

  /** `nsim_esw_legacy_enable`: also where the VFs go. */
  #leaveSwitchdev(): void {
    this.#devlink.removeRateNodes();
    this.#removeVfPorts();
    this.#mode = "legacy";
  }

  #addAllPorts(): void {
    for (let index = 0; index < this.#portCount; index++) this.#addPort(index, {});
  }

  /** `__nsim_dev_port_add` */
  #addPort(index: number, { vfIndex }: { readonly vfIndex?: number }): void {
    const linux = this.#linux;
    // nsim_vf_netdev_ops has no settings of VFs.
    const ofVfs =
      vfIndex === undefined
        ? nsimVfOperations(
            linux,
            (vf) => this.#vf(vf),
            () => this.#mode === "switchdev",
          )
        : {};
    const netdev = linux.net.register({
      folder: this.#folder,
      parent: { bus: "netdevsim", name: this.#name, numVfs: () => this.#numVfs },
      physPortName: vfIndex === undefined ? `p${index + 1}` : `pf0vf${vfIndex}`,
      mac: randomMac(linux),
      addrAssignType: 1,
      maxMtu: MAX_MTU,
      operations: { ...LINK_WHEN_UP, ...ofVfs },
    });
    const ofVf = vfIndex === undefined ? {} : { pfNumber: 0, vfIndex };
    this.#devlink.addPort({ index, flavour: vfIndex === undefined ? "physical" : "pcivf", netdev, ...ofVf });
    this.#debug.folder("ports").folder(String(index));
  }

  #removePort(port: DevlinkPortItem): void {
    this.#devlink.removePort(port);
    this.#linux.net.unregister(port.netdev);
    this.#debug.folder("ports").removeChild(String(port.index));
  }

  /** `nsim_dev_reload_destroy` */
  #destroy(): void {
    if (this.#devlink.reloadFailed) return;
    if (this.#numVfs > 0) {
      this.#numVfs = 0;
      if (this.#mode === "switchdev") this.#leaveSwitchdev();
    }
    for (const port of this.#devlink.ports.values()) this.#removePort(port);
    this.#debug.removeChild("health");
    this.#devlink.reporters = [];
  }

  #reloadDown(): void {
    if (this.#settings.dont_allow_reload) {
      throw new KernelError("EOPNOTSUPP", { extack: "User forbid the reload for testing purposes" });
    }
    this.#destroy();
  }

  /** `nsim_dev_reload_up`, `nsim_dev_reload_create` */
  #reloadUp(): void {
    if (this.#settings.fail_reload) {
      throw new KernelError("EINVAL", { extack: "User setup the reload to fail for testing purposes" });
    }
    for (const { name, value } of this.#devlink.params) {
      if (name === "max_macs") this.#settings.max_macs = Number(value);
      if (name === "test1") this.#settings.test1 = Boolean(value);
    }
    addNsimHealth(this.#devlink, this.#debug);
    this.#addAllPorts();
  }

  /** `nsim_dev_debugfs_init`; traps, regions and flashing are not of the model. */
  #addDebugFiles(): void {
    const debug = this.#debug;
    debug.folder("ports");
    debug.folder("rate_nodes");
    debugNumber(debug, "max_macs", this.#settings, "max_macs");
    debugBool(debug, "test1", this.#settings, "test1");
    debugBool(debug, "dont_allow_reload", this.#settings, "dont_allow_reload");
    debugBool(debug, "fail_reload", this.#settings, "fail_reload");
    debug.file("max_vfs", {
      mode: 0o600,
      show: () => `${this.#configs.length}\n`,
      store: (written) => this.#setMaxVfs(written),
    });
  }

  /** All settings of VFs are new after it. */
  #setMaxVfs(written: Uint8Array): void {
    const count = parseMaxVfs(written);
    if (this.#numVfs > 0) throw new KernelError("EBUSY");
    this.#configs = newNsimVfs(count);
  }
}
