import { createHash } from "node:crypto";
import type { IgbvfDriver } from "../../hardware/guests/igbvf-driver.ts";
import type { MovableGuest } from "../../hardware/guests/movable-guest.ts";
import { forgetAddress } from "../../hardware/guests/moved-vf.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { GuestHardware } from "./guest-hardware.ts";
import { igbvfStatistics } from "./igbvf-statistics.ts";
import { KernelError } from "./kernel-error.ts";
import type { GuestDescription, Linux, ModelGuest, ModelGuests, ModelProcess } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";
import { resetFunction } from "./reset.ts";
import { vfControlOf } from "./vfio-migration.ts";

const COMMAND = "qemu-system-x86";
/** As many as a guest's root ports in the lab. */
const SLOTS = 4;

interface Running extends GuestDescription {
  readonly uuid: string;
  readonly pid: number;
  readonly hardware: GuestHardware;
  /** An open file a VF: each group has one opener. */
  readonly opened: Map<Bdf, Opened>;
  /** On its way from here, or to here. */
  move: "leaving" | "arriving" | undefined;
}

interface Opened {
  readonly process: ModelProcess;
  readonly dev: PciDev;
}

/** Virtual machines of a model. */
export class GuestList implements ModelGuests {
  readonly #linux: () => Linux;
  readonly #guests = new Map<string, Running>();

  constructor(linux: () => Linux) {
    this.#linux = linux;
  }

  get all(): readonly ModelGuest[] {
    return [...this.#guests.values()]
      .filter(({ move }) => move !== "arriving")
      .map(({ name, memoryMib, uuid, pid, opened, hardware }) => ({
        name,
        memoryMib,
        uuid,
        pid,
        devices: [...opened.keys()].sort(),
        counters: Object.fromEntries(
          [...opened.values()].flatMap(({ dev }) => {
            const driver = hardware.driverOf(dev);
            return driver === undefined ? [] : [[dev.bdf, igbvfStatistics(driver)]];
          }),
        ),
      }));
  }

  start(description: GuestDescription): number {
    return this.#start(description, undefined).pid;
  }

  async stop(name: string): Promise<void> {
    await this.#end(this.#settled(name));
  }

  async plug(name: string, bdf: Bdf): Promise<void> {
    await this.#open(this.#settled(name), bdf);
  }

  async unplug(name: string, bdf: Bdf): Promise<void> {
    await this.#close(this.#settled(name), bdf);
  }

  leaving(name: string): MovableGuest {
    const guest = this.#settled(name);
    const moving = this.#movable(guest, [...guest.opened.keys()].sort());
    guest.move = "leaving";
    return moving;
  }

  async arriving(description: GuestDescription, devices: readonly Bdf[]): Promise<MovableGuest> {
    const guest = this.#start(description, "arriving");
    try {
      for (const bdf of devices) await this.#open(guest, bdf);
      return this.#movable(guest, devices);
    } catch (error) {
      await this.#end(guest);
      throw error;
    }
  }

  stays(name: string): void {
    const guest = this.#guests.get(name);
    if (guest !== undefined) guest.move = undefined;
  }

  #start({ name, memoryMib }: GuestDescription, move: Running["move"]): Running {
    if (this.#guests.has(name)) throw new KernelError("EEXIST");
    const linux = this.#linux();
    const pid = linux.processes.newPid();
    const hardware = new GuestHardware(linux, { name, memoryMib });
    const guest = { name, memoryMib, uuid: uuidOf(name), pid, hardware, opened: new Map(), move };
    this.#guests.set(name, guest);
    return guest;
  }

  async #end(guest: Running): Promise<void> {
    for (const bdf of [...guest.opened.keys()]) await this.#close(guest, bdf);
    this.#guests.delete(guest.name);
    guest.hardware.free();
  }

  #movable(guest: Running, devices: readonly Bdf[]): MovableGuest {
    const devs = devices.map((bdf) => this.#device(bdf));
    return guest.hardware.movable(devs, async (moved) => {
      await this.#end(guest);
      for (const dev of devs) forgetAddress(vfControlOf(this.#linux(), dev), dev.vfIndex ?? 0, moved);
    });
  }

  async #open(guest: Running, bdf: Bdf): Promise<void> {
    const { name } = guest;
    const dev = this.#device(bdf);
    const group = dev.iommuGroup;
    if (group === undefined || !dev.driver?.name.includes("vfio")) throw new KernelError("ENODEV");
    if (guest.opened.size >= SLOTS) throw new KernelError("ENOSPC");
    const { pid, uuid, hardware } = guest;
    const process = this.#linux().processes.start(COMMAND, `/dev/vfio/${group.id}`, [bdf], {
      pid,
      guest: { name, uuid },
    });
    try {
      hardware.pin();
    } catch (error) {
      process.end();
      throw error;
    }
    guest.opened.set(bdf, { process, dev });
    await resetFunction(this.#linux(), dev);
    // It may have ended meanwhile.
    if (guest.opened.get(bdf)?.process === process) hardware.attach(dev, guest.move !== "arriving");
  }

  async #close(guest: Running, bdf: Bdf): Promise<void> {
    const opened = guest.opened.get(bdf);
    if (opened === undefined) return;
    const { process, dev } = opened;
    guest.opened.delete(bdf);
    guest.hardware.silence(dev);
    process.end();
    // Who takes the VF away has its lock, and waits for this very process: then it is not reset (`pci_dev_trylock`).
    if (dev.folder !== undefined && !dev.lock.held) await resetFunction(this.#linux(), dev);
    guest.hardware.detach(dev);
  }

  igbvfOf(bdf: Bdf): IgbvfDriver | undefined {
    for (const { opened, hardware } of this.#guests.values()) {
      const dev = opened.get(bdf)?.dev;
      if (dev !== undefined) return hardware.driverOf(dev);
    }
    return undefined;
  }

  /** One that is not on its way. */
  #settled(name: string): Running {
    const guest = this.#guests.get(name);
    if (guest === undefined) throw new KernelError("ENOENT");
    if (guest.move !== undefined) throw new KernelError("EBUSY");
    return guest;
  }

  #device(bdf: Bdf): PciDev {
    const dev = this.#linux().devices.get(bdf);
    if (dev === undefined) throw new KernelError("ENODEV");
    return dev;
  }
}

/** The same at each start, as of a guest that is defined with one (RFC 9562, version 8: of our own making). */
function uuidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
