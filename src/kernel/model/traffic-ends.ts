import type { IgbPfDriver } from "../../hardware/guests/igb-pf-driver.ts";
import type { IgbvfDriver } from "../../hardware/guests/igbvf-driver.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { igbAdapterOf } from "./drivers/igb.ts";
import { igbvfAdapterOf } from "./drivers/igbvf.ts";
import type { TrafficEnd } from "./flow-report.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import { formatMac, macBytes, ZERO_MAC } from "./mac-address.ts";

/** Whoever drives an end now. */
export interface EndDriver {
  readonly address: Uint8Array;
  readonly driver: IgbPfDriver | IgbvfDriver;
}

/** The ends of traffic on one 82576, as they are at the time of asking. */
export class TrafficEnds {
  readonly #linux: Linux;
  readonly #netdev: string;

  constructor(linux: Linux, netdev: string) {
    this.#linux = linux;
    this.#netdev = netdev;
  }

  /** The PF's driver. @throws KernelError ENODEV where the interface is none of igb */
  get card(): IgbPfDriver {
    return this.#adapter.driver;
  }

  /** VFs that somebody drives, by number. */
  get drivenVfs(): ReadonlyMap<number, IgbvfDriver> {
    const found = new Map<number, IgbvfDriver>();
    for (const vf of this.#adapter.dev.sriov?.vfs.keys() ?? []) {
      const driver = this.drivenVf(vf);
      if (driver !== undefined) found.set(vf, driver);
    }
    return found;
  }

  /** The driver of a VF; undefined where nobody drives it. */
  drivenVf(vf: number): IgbvfDriver | undefined {
    return this.#vfDriver(vf)?.driver;
  }

  /** @throws KernelError ENODEV where there is no such end, ENETDOWN where nobody uses it */
  driver(end: TrafficEnd): EndDriver {
    if (end === "pf") {
      const { driver, netdev } = this.#adapter;
      if (!netdev.up) throw new KernelError("ENETDOWN");
      return { address: driver.address, driver };
    }
    const found = this.#vfDriver(end);
    if (found === undefined) throw new KernelError(this.#vf(end) === undefined ? "ENODEV" : "ENETDOWN");
    return found;
  }

  /**
   * What others know an end by: an interface goes by its own address even where igb has given the VF another meanwhile.
   * @throws KernelError ENODEV where it has none
   */
  address(end: TrafficEnd): Uint8Array {
    if (end === "pf") return this.#adapter.driver.address;
    const dev = this.#vf(end);
    const own = igbvfAdapterOf(this.#linux, dev)?.netdev.mac;
    if (own !== undefined) return macBytes(own);
    const address = this.#vfDriver(end)?.address ?? this.#adapter.driver.vfs?.config(end)?.address;
    if (address === undefined || formatMac(address) === ZERO_MAC) throw new KernelError("ENODEV");
    return address;
  }

  /** A VF's address; undefined of the PF, and where there is no such VF now. */
  bdf(end: TrafficEnd): Bdf | undefined {
    if (end === "pf") return undefined;
    const dev = this.#linux.net.byName(this.#netdev)?.options.dev;
    return igbAdapterOf(this.#linux, dev)?.dev.sriov?.vfs.get(end)?.bdf;
  }

  /** An interface of igbvf that is up, or the driver of a guest. */
  #vfDriver(vf: number): { readonly address: Uint8Array; readonly driver: IgbvfDriver } | undefined {
    const dev = this.#vf(vf);
    if (dev === undefined) return undefined;
    const adapter = igbvfAdapterOf(this.#linux, dev);
    if (adapter !== undefined) {
      const { netdev, driver } = adapter;
      return netdev.up ? { address: macBytes(netdev.mac), driver } : undefined;
    }
    const driver = this.#linux.guests.igbvfOf(dev.bdf);
    return driver && { address: driver.address, driver };
  }

  #vf(vf: number) {
    return this.#adapter.dev.sriov?.vfs.get(vf);
  }

  get #adapter() {
    const adapter = igbAdapterOf(this.#linux, this.#linux.net.byName(this.#netdev)?.options.dev);
    if (adapter === undefined) throw new KernelError("ENODEV");
    return adapter;
  }
}
