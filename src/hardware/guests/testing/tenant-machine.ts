import { NS_PER_MS } from "../../clock.ts";
import { assignResources } from "../../firmware.ts";
import { CardHost } from "../../guests/card-host.ts";
import { Guest } from "../../guests/guest.ts";
import { Vtd } from "../../iommu/vtd.ts";
import { SERVER_VTD } from "../../iommu/vtd-capabilities.ts";
import { buildMachine, type Machine } from "../../machine.ts";
import { Igb82576 } from "../../nic/igb-82576.ts";
import type { NetworkSegment } from "../../nic/wire.ts";
import { below, functionNamed } from "../../testing/assigned-machine.ts";

const MIB = 2 ** 20;
const TABLES = { start: MIB, sizeBytes: 3 * MIB };
const DRIVER_MEMORY = { start: 4 * MIB, sizeBytes: 4 * MIB };
const GUESTS_FROM = 8 * MIB;

export interface TenantOptions {
  readonly numVfs: number;
  readonly guestBytes?: number;
  readonly descriptors?: number;
  /** Frames that guests get, beside the lists. */
  readonly receive?: (guest: number, bytes: Uint8Array, at: number, length: number) => void;
  /** Machines on one network. */
  readonly wire?: NetworkSegment;
  /** In the addresses of card and guests, to tell machines apart. */
  readonly site?: number;
}

/** A machine with VT-d and an 82576 below a root port, its host, and guests that each have a VF. */
export class TenantMachine {
  readonly machine: Machine;
  readonly vtd: Vtd;
  readonly card: Igb82576;
  readonly host: CardHost;
  readonly guests: Guest[] = [];
  /** Frames that guests got; the host's at the end, at index `numVfs`. */
  readonly received: Uint8Array[][];
  readonly guestBytes: number;
  readonly log: string[] = [];
  /** Who gets the host's frames; the list where left out. */
  hostReceive: ((bytes: Uint8Array, at: number, length: number) => void) | undefined;
  readonly #options: TenantOptions;

  constructor(options: TenantOptions) {
    const { numVfs, guestBytes = 2 * MIB, wire, site = 0 } = options;
    this.#options = options;
    this.guestBytes = guestBytes;
    this.received = Array.from({ length: numVfs + 1 }, () => []);
    let unit: Vtd | undefined;
    let made: Igb82576 | undefined;
    // Room for one guest more, which has come from elsewhere.
    const memoryBytes = GUESTS_FROM + (numVfs + 1) * guestBytes;
    this.machine = buildMachine(
      { memoryBytes, seed: 1, root: [below("82576")] },
      {
        iommu: (memory, fabric) => {
          unit = new Vtd(memory, SERVER_VTD, {
            sendMessage: (address, data) => fabric.platformInterrupt(address, data),
            invalidateDevice: (requesterId) => fabric.invalidateDevice(requesterId),
          });
          return unit;
        },
        model: ({ fn, port, vfPort }) => {
          if (fn.vfs === undefined) return undefined;
          const macAddress = Uint8Array.of(0x00, 0x1b, 0x21, 0x82, 0x57, site);
          made = new Igb82576({ port, vfPort, macAddress, ...(wire && { wire }) });
          wire?.join(made);
          return made;
        },
      },
    );
    if (unit === undefined || made === undefined) throw new Error("the machine was built without IOMMU or card");
    this.vtd = unit;
    this.card = made;
    assignResources(this.machine.fabric, this.machine.windows);
    this.host = new CardHost({
      machine: this.machine,
      vtd: this.vtd,
      pf: functionNamed(this.machine, "82576"),
      tables: TABLES,
      driverMemory: DRIVER_MEMORY,
      receive: (bytes, at, length) => {
        if (this.hostReceive === undefined) this.received[numVfs]?.push(bytes.slice(at, at + length));
        else this.hostReceive(bytes, at, length);
      },
      log: (text) => this.log.push(...text.split("\n")),
    });
    this.host.setNumVfs(numVfs);
    for (let index = 0; index < numVfs; index++) {
      this.guests.push(this.#guest(index));
      this.guests[index]?.attach(index);
    }
    // Until the link is up.
    this.machine.clock.advance(600 * NS_PER_MS);
  }

  baseOf(guest: number): number {
    return GUESTS_FROM + guest * this.guestBytes;
  }

  addressOf(guest: number): Uint8Array {
    return Uint8Array.of(0x52, 0x54, 0, 0, this.#options.site ?? 0, guest);
  }

  guest(index: number): Guest {
    const guest = this.guests[index];
    if (guest === undefined) throw new RangeError(`guest ${index} of ${this.guests.length}`);
    return guest;
  }

  #guest(index: number): Guest {
    const { descriptors, receive } = this.#options;
    return new Guest({
      host: this.host,
      base: this.baseOf(index),
      sizeBytes: this.guestBytes,
      receive: (bytes, at, length) => {
        if (receive === undefined) this.received[index]?.push(bytes.slice(at, at + length));
        else receive(index, bytes, at, length);
      },
      randomAddress: () => this.addressOf(index),
      ...(descriptors !== undefined && { descriptors }),
    });
  }
}
