import { createHash } from "node:crypto";
import type { IgbvfDriver } from "../../hardware/guests/igbvf-driver.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { GuestHardware } from "./guest-hardware.ts";
import { KernelError } from "./kernel-error.ts";
import type { GuestDescription, Linux, ModelGuest, ModelGuests, ModelProcess } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";
import { resetFunction } from "./reset.ts";

const COMMAND = "qemu-system-x86";
/** As many as a guest's root ports in the lab. */
const SLOTS = 4;

interface Running extends GuestDescription {
  readonly uuid: string;
  readonly pid: number;
  readonly hardware: GuestHardware;
  /** An open file a VF: each group has one opener. */
  readonly opened: Map<Bdf, Opened>;
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
    return [...this.#guests.values()].map(({ opened, hardware: _, ...guest }) => ({
      ...guest,
      devices: [...opened.keys()].sort(),
    }));
  }

  start({ name, memoryMib }: GuestDescription): number {
    if (this.#guests.has(name)) throw new KernelError("EEXIST");
    const linux = this.#linux();
    const pid = linux.processes.newPid();
    const hardware = new GuestHardware(linux, { name, memoryMib });
    this.#guests.set(name, { name, memoryMib, uuid: uuidOf(name), pid, hardware, opened: new Map() });
    return pid;
  }

  async stop(name: string): Promise<void> {
    const guest = this.#guest(name);
    for (const bdf of [...guest.opened.keys()]) await this.unplug(name, bdf);
    this.#guests.delete(name);
    guest.hardware.free();
  }

  async plug(name: string, bdf: Bdf): Promise<void> {
    const guest = this.#guest(name);
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
    if (guest.opened.get(bdf)?.process === process) hardware.attach(dev);
  }

  async unplug(name: string, bdf: Bdf): Promise<void> {
    const guest = this.#guest(name);
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

  #guest(name: string): Running {
    const guest = this.#guests.get(name);
    if (guest === undefined) throw new KernelError("ENOENT");
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
