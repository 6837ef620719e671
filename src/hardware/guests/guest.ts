import { barAddressOf } from "./bar-address.ts";
import type { CardHost } from "./card-host.ts";
import type { FrameReceiver } from "./descriptor-rings.ts";
import type { DmaDomain } from "./dma-domain.ts";
import { GuestMemory } from "./guest-memory.ts";
import { IgbvfDriver } from "./igbvf-driver.ts";
import { addressWords, E1000_VF_RESET, E1000_VF_SET_MAC_ADDR } from "./mailbox-messages.ts";
import type { Mmio } from "./mmio.ts";
import { VfMailbox } from "./vf-mailbox.ts";

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

interface Attachment {
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
  #host: CardHost;
  #domain: DmaDomain;
  #attachment: Attachment | undefined;
  #driver: IgbvfDriver | undefined;

  constructor(options: GuestOptions) {
    const { host, base, sizeBytes } = options;
    this.#options = options;
    this.#host = host;
    this.sizeBytes = sizeBytes;
    this.memory = new GuestMemory(host.machine.memory, base, sizeBytes, 0);
    this.#domain = this.#domainOf(host, base);
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

  get domain(): DmaDomain {
    return this.#domain;
  }

  /** vfio_pci_core_enable and all that the guest does then: a VF that has been reset, with the guest's domain and vectors. */
  attach(vfIndex: number): void {
    this.#plug(vfIndex);
    this.memory.free();
    const { receive, randomAddress, descriptors } = this.#options;
    this.#driver = new IgbvfDriver({
      mmio: this.mmio,
      memory: this.memory,
      clock: { advance: (ns) => this.#host.machine.clock.advance(ns) },
      receive,
      randomAddress,
      ...(descriptors !== undefined && { descriptors }),
    });
    this.setBusMaster(true);
    this.#driver.probe();
    this.#driver.open();
  }

  /** vfio_pci_core_disable, whatever the guest is doing: no more requests, a reset, and only then out of the domain. */
  detach(): void {
    this.#unplug();
    this.#driver = undefined;
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

  /**
   * Goes to another machine with its VF's state, and does not notice (VFIO migration, STOP_COPY to RESUMING): there the
   * addresses of RAM, the Routing ID and the vectors may all be others. What the PF knew of the VF beyond its address, such
   * as VLANs, is for the other host's administrator to set.
   */
  migrate(host: CardHost, base: number, vfIndex: number): void {
    const source = this.#host;
    const { rid } = this;
    // Stopped first: what a device wrote after its guest's memory was copied would be lost.
    this.setBusMaster(false);
    const state = JSON.stringify(source.function(rid).model?.save());
    host.machine.memory.bytes.set(this.memory.memory.bytes, base);
    this.#unplug();
    this.#domain.free();
    this.#host = host;
    this.#domain = this.#domainOf(host, base);
    this.memory.moveTo(host.machine.memory, base);
    this.#plug(vfIndex);
    this.#announce();
    this.setBusMaster(true);
    host.function(this.rid).model?.restore(JSON.parse(state));
  }

  #domainOf(host: CardHost, base: number): DmaDomain {
    const domain = host.newDomain();
    domain.map(0, base, this.sizeBytes);
    return domain;
  }

  #plug(vfIndex: number): void {
    const host = this.#host;
    const rid = host.vf(vfIndex).routingId;
    host.resetFunction(rid);
    const fn = host.vf(vfIndex);
    this.#domain.attach(rid);
    const handles = host.interrupts.enable(fn, (vector) => this.#driver?.interrupt(vector));
    this.#attachment = { rid, bar: barAddressOf(fn, 0), handles };
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

  /** The other PF learns of the VF as if its driver had just begun: its state comes on top. */
  #announce(): void {
    const mailbox = new VfMailbox(this.mmio, { advance: (ns) => this.#host.machine.clock.advance(ns) });
    mailbox.restart();
    const messages = [[E1000_VF_RESET], [E1000_VF_SET_MAC_ADDR, ...addressWords(this.driver.address)]];
    for (const message of messages) {
      if (mailbox.writePosted(message)) mailbox.readPosted(message.length === 1 ? 3 : message.length);
    }
  }
}
