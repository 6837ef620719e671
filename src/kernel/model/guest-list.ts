import { createHash } from "node:crypto";
import type { Bdf } from "../../pci/bdf.ts";
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
  /** An open file a VF: each group has one opener. */
  readonly opened: Map<Bdf, ModelProcess>;
}

/** Virtual machines of a model. */
export class GuestList implements ModelGuests {
  readonly #linux: () => Linux;
  readonly #guests = new Map<string, Running>();

  constructor(linux: () => Linux) {
    this.#linux = linux;
  }

  get all(): readonly ModelGuest[] {
    return [...this.#guests.values()].map(({ opened, ...guest }) => ({ ...guest, devices: [...opened.keys()].sort() }));
  }

  start({ name, memoryMib }: GuestDescription): number {
    if (this.#guests.has(name)) throw new KernelError("EEXIST");
    const pid = this.#linux().processes.newPid();
    this.#guests.set(name, { name, memoryMib, uuid: uuidOf(name), pid, opened: new Map() });
    return pid;
  }

  async stop(name: string): Promise<void> {
    const guest = this.#guest(name);
    for (const bdf of [...guest.opened.keys()]) await this.unplug(name, bdf);
    this.#guests.delete(name);
  }

  async plug(name: string, bdf: Bdf): Promise<void> {
    const guest = this.#guest(name);
    const dev = this.#device(bdf);
    const group = dev.iommuGroup;
    if (group === undefined || !dev.driver?.name.includes("vfio")) throw new KernelError("ENODEV");
    if (guest.opened.size >= SLOTS) throw new KernelError("ENOSPC");
    const { pid, uuid } = guest;
    const process = this.#linux().processes.start(COMMAND, `/dev/vfio/${group.id}`, [bdf], {
      pid,
      guest: { name, uuid },
    });
    guest.opened.set(bdf, process);
    await resetFunction(this.#linux(), dev);
  }

  async unplug(name: string, bdf: Bdf): Promise<void> {
    const guest = this.#guest(name);
    const process = guest.opened.get(bdf);
    if (process === undefined) return;
    guest.opened.delete(bdf);
    const dev = this.#linux().devices.get(bdf);
    process.end();
    // Who takes the VF away has its lock, and waits for this very process: then it is not reset (`pci_dev_trylock`).
    if (dev !== undefined && !dev.lock.held) await resetFunction(this.#linux(), dev);
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
