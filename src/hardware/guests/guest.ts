import { barAddressOf } from "./bar-address.ts";
import type { CardHost } from "./card-host.ts";
import type { FrameReceiver } from "./descriptor-rings.ts";
import type { DmaDomain } from "./dma-domain.ts";
import { GuestMemory } from "./guest-memory.ts";
import { IgbvfDriver, type IgbvfState } from "./igbvf-driver.ts";
import type { Mmio } from "./mmio.ts";
import type { GuestSoftware } from "./move-guest.ts";

const PCI_COMMAND = 0x04;
const PCI_COMMAND_MASTER = 0x4;
const ALL_ONES = 0xffff_ffff;

export interface GuestOptions {
  readonly host: CardHost;
  /** Where its memory is in RAM: nobody else's. For the guest, and the functions that it has, it begins at 0. */
  readonly base: number;
  readonly sizeBytes: number;
  readonly receive: FrameReceiver;
  /** For a VF that has no address (eth_hw_addr_random). */
  readonly randomAddress: () => Uint8Array;
  readonly descriptors?: number;
}

/** What processor and software of a guest are beside its memory and its VF, as JSON keeps it. */
interface SavedSoftware {
  readonly allocated: number;
  /** Interrupts that came while it stood still. */
  readonly waiting: readonly number[];
  /** Of a VF, where it has one. */
  readonly vf: { readonly busMaster: boolean; readonly driver: IgbvfState } | null;
}

interface Attachment {
  readonly vfIndex: number;
  readonly rid: number;
  readonly bar: number;
  readonly handles: readonly number[];
}

/**
 * A virtual machine, as far as a VF sees it: a part of RAM, a domain of the IOMMU that has it and nothing else, and a driver in
 * it that reaches the VF's registers and its own memory only. VFs come and go as VFIO has it (drivers/vfio/pci).
 */
export class Guest {
  readonly memory: GuestMemory;
  readonly sizeBytes: number;
  readonly #options: GuestOptions;
  readonly #host: CardHost;
  readonly #domain: DmaDomain;
  #paused = false;
  #waiting: number[] = [];
  #attachment: Attachment | undefined;
  #driver: IgbvfDriver | undefined;

  constructor(options: GuestOptions) {
    const { host, base, sizeBytes } = options;
    this.#options = options;
    this.#host = host;
    this.sizeBytes = sizeBytes;
    this.memory = new GuestMemory(host.machine.memory, base, sizeBytes, 0);
    this.#domain = host.newDomain();
    this.#domain.map(0, base, sizeBytes);
  }

  /** What the guest reaches of its VF: all ones once it is gone, as a mapping that VFIO took back. */
  readonly mmio: Mmio = {
    read32: (offset) => {
      const attachment = this.#attachment;
      return attachment === undefined ? ALL_ONES : this.#host.machine.fabric.memoryRead(attachment.bar + offset, 4);
    },
    write32: (offset, value) => {
      const attachment = this.#attachment;
      if (attachment !== undefined) this.#host.machine.fabric.memoryWrite(attachment.bar + offset, 4, value);
    },
  };

  /** The driver of the VF; only while there is one. */
  get driver(): IgbvfDriver {
    if (this.#driver === undefined) throw new RangeError("the guest has no VF");
    return this.#driver;
  }

  /** The VF's Routing ID. */
  get rid(): number {
    if (this.#attachment === undefined) throw new RangeError("the guest has no VF");
    return this.#attachment.rid;
  }

  get hasVf(): boolean {
    return this.#attachment !== undefined;
  }

  get vfIndex(): number {
    if (this.#attachment === undefined) throw new RangeError("the guest has no VF");
    return this.#attachment.vfIndex;
  }

  get host(): CardHost {
    return this.#host;
  }

  get domain(): DmaDomain {
    return this.#domain;
  }

  /** vfio_pci_core_enable and all that the guest does then: a VF that has been reset, with the guest's domain and vectors. */
  attach(vfIndex: number): void {
    this.plug(vfIndex);
    this.memory.free();
    this.#driver = this.#newDriver();
    this.setBusMaster(true);
    this.#driver.probe();
    this.#driver.open();
  }

  /** vfio_pci_core_disable, whatever the guest is doing: no more requests, a reset, and only then out of the domain. */
  detach(): void {
    this.#unplug();
    this.#driver = undefined;
    this.#waiting = [];
  }

  /** The guest ends: its domain's tables are freed, its memory is the host's again. */
  destroy(): void {
    this.detach();
    this.#domain.free();
  }

  /** PCI_COMMAND_MASTER, which VFIO lets a guest set. */
  setBusMaster(on: boolean): void {
    this.#host.machine.fabric.configWrite(this.rid, PCI_COMMAND, 2, on ? PCI_COMMAND_MASTER : 0);
  }

  /** Its processor stops: it runs no driver; interrupts that come wait. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const vector of waiting) this.#interrupt(vector);
  }

  /** What processor and software hold beside memory and VF. */
  saveSoftware(): SavedSoftware {
    const { fabric } = this.#host.machine;
    const vf = this.#attachment && {
      busMaster: (fabric.configRead(this.rid, PCI_COMMAND, 2) & PCI_COMMAND_MASTER) !== 0,
      driver: this.driver.save(),
    };
    return { allocated: this.memory.allocated, waiting: [...this.#waiting], vf: vf ?? null };
  }

  /** It has come from elsewhere, stands still, and has all of its memory and a VF with its state: its software goes on in them. */
  restoreSoftware(software: GuestSoftware): void {
    const { allocated, waiting, vf } = software as SavedSoftware;
    this.memory.allocated = allocated;
    this.#waiting = [...waiting];
    if (vf === null) return;
    this.#driver = this.#newDriver(vf.driver);
    this.setBusMaster(vf.busMaster);
  }

  /** vfio_pci_core_enable alone: a VF that has been reset, with the guest's domain and vectors, and no driver yet. */
  plug(vfIndex: number): void {
    const host = this.#host;
    const rid = host.vf(vfIndex).routingId;
    host.resetFunction(rid);
    const fn = host.vf(vfIndex);
    this.#domain.attach(rid);
    const handles = host.interrupts.enable(fn, (vector) => this.#interrupt(vector));
    this.#attachment = { vfIndex, rid, bar: barAddressOf(fn, 0), handles };
  }

  #newDriver(state?: IgbvfState): IgbvfDriver {
    const { receive, randomAddress, descriptors } = this.#options;
    return new IgbvfDriver({
      mmio: this.mmio,
      memory: this.memory,
      clock: { advance: (ns) => this.#host.machine.clock.advance(ns) },
      receive,
      randomAddress,
      ...(descriptors !== undefined && { descriptors }),
      ...(state !== undefined && { state }),
    });
  }

  #interrupt(vector: number): void {
    if (!this.#paused) this.#driver?.interrupt(vector);
    else if (!this.#waiting.includes(vector)) this.#waiting.push(vector);
  }

  /** Where the VF is gone already, its context and vectors still are there to be taken back. */
  #unplug(): void {
    const attachment = this.#attachment;
    if (attachment === undefined) return;
    const { rid, handles } = attachment;
    const host = this.#host;
    const { fabric } = host.machine;
    const fn = fabric.functionAt(rid);
    fabric.configWrite(rid, PCI_COMMAND, 2, 0);
    host.interrupts.disable(fn, handles);
    if (fn !== undefined) host.resetFunction(rid);
    this.#domain.detach(rid);
    this.#attachment = undefined;
  }
}
