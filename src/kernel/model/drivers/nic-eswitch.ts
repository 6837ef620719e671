import { DevlinkDevice, type DevlinkOperations, type DevlinkPortItem } from "../devlink-device.ts";
import { KernelError } from "../kernel-error.ts";
import type { Linux } from "../linux.ts";
import { randomMac } from "../mac-address.ts";
import { LINK_WHEN_UP, type NetDevice } from "../net-device.ts";
import type { PciDev } from "../pci-dev.ts";

interface EswitchOfNic {
  readonly operations: DevlinkOperations;
  /** The index of the port that stands for the card's own. */
  readonly physicalIndex: number;
  /** What the port of a VF has beside what all have. */
  vfPort(vfIndex: number): Pick<DevlinkPortItem, "index" | "setHardwareAddress"> & {
    /** The VF's address; the rest of its function needs firmware that manages functions. */
    hardwareAddress(): string;
  };
}

/** A PF's devlink device, with its port, and in switchdev mode one for each VF with a representor's interface. */
export class NicEswitch {
  readonly #linux: Linux;
  readonly #dev: PciDev;
  readonly #nic: EswitchOfNic;
  readonly devlink: DevlinkDevice;

  constructor(linux: Linux, dev: PciDev, netdev: NetDevice, nic: EswitchOfNic) {
    this.#linux = linux;
    this.#dev = dev;
    this.#nic = nic;
    this.devlink = new DevlinkDevice(`pci/${dev.bdf}`, nic.operations);
    this.devlink.addPort({ index: nic.physicalIndex, flavour: "physical", netdev });
    linux.devlink.register(this.devlink);
  }

  addRepresentors(count: number): void {
    const { folder } = this.#dev;
    if (folder === undefined) throw new KernelError("ENODEV");
    const pfNumber = this.#dev.devfn & 7;
    for (let vfIndex = 0; vfIndex < count; vfIndex++) {
      const netdev = this.#linux.net.register({
        dev: this.#dev,
        folder,
        mac: randomMac(this.#linux),
        addrAssignType: 1,
        physPortName: `pf${pfNumber}vf${vfIndex}`,
        operations: LINK_WHEN_UP,
      });
      const { hardwareAddress, ...port } = this.#nic.vfPort(vfIndex);
      const vfFunction = () => ({
        hwAddress: hardwareAddress(),
        state: null,
        opState: null,
        roce: null,
        migratable: null,
      });
      this.devlink.addPort({ flavour: "pcivf", pfNumber, vfIndex, netdev, function: vfFunction, ...port });
    }
  }

  removeRepresentors(): void {
    this.devlink.removeRateNodes();
    for (const port of this.devlink.ports.values()) {
      if (port.flavour !== "pcivf") continue;
      this.devlink.removePort(port);
      this.#linux.net.unregister(port.netdev);
    }
  }

  /** The driver leaves the card. */
  remove(): void {
    this.#linux.devlink.unregister(this.devlink);
    this.removeRepresentors();
  }
}
