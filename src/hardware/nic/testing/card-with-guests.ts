import { ModelClock, NS_PER_MS } from "../../clock.ts";
import type { DevicePort } from "../../device-port.ts";
import { GuestMemory } from "../../guests/guest-memory.ts";
import { IgbPfDriver } from "../../guests/igb-pf-driver.ts";
import { IgbvfDriver } from "../../guests/igbvf-driver.ts";
import { PhysicalMemory } from "../../memory.ts";
import { FlatPort } from "../../testing/flat-port.ts";
import { type Card82576, Igb82576 } from "../igb-82576.ts";
import type { Wire } from "../wire.ts";

const MEBIBYTE = 1 << 20;
const DRIVER_BYTES = 2 * MEBIBYTE;

/** A frame that a driver got. */
export interface ReceivedFrame {
  readonly bytes: Uint8Array;
  readonly vlan: number;
  readonly status: number;
}

export interface CardOptions {
  readonly numVfs: number;
  readonly wire?: Wire;
  readonly descriptors?: number;
  readonly macAddress?: Uint8Array;
  /** Where frames go that VF drivers get, beside the lists. */
  readonly receive?: (vf: number, bytes: Uint8Array, at: number, length: number) => void;
}

/** A card whose PF is driven as by igb, each VF as by igbvf in a guest's memory of its own. Interrupts reach drivers at once. */
export class CardWithGuests {
  readonly clock = new ModelClock();
  readonly memory: PhysicalMemory;
  card: Igb82576;
  readonly pf: IgbPfDriver;
  readonly vfs: IgbvfDriver[] = [];
  readonly log: string[] = [];
  /** What drivers got: the PF's at the end, at index `numVfs`. */
  readonly received: ReceivedFrame[][];
  readonly interrupts: number[];
  readonly #options: Card82576;

  constructor(options: CardOptions) {
    const { numVfs, wire, descriptors, macAddress = Uint8Array.of(0x00, 0x1b, 0x21, 0x82, 0x57, 0x60) } = options;
    this.memory = new PhysicalMemory((numVfs + 2) * DRIVER_BYTES);
    this.received = Array.from({ length: numVfs + 1 }, () => []);
    this.interrupts = Array.from({ length: numVfs + 1 }, () => 0);
    const vfPorts = Array.from(
      { length: numVfs },
      (_, vf) =>
        new FlatPort(this.memory, this.clock, (vector) => {
          this.#interrupted(vf);
          this.vfs[vf]?.interrupt(vector);
        }),
    );
    this.#options = {
      port: new FlatPort(this.memory, this.clock, (vector) => {
        this.#interrupted(numVfs);
        this.pf.interrupt(vector);
      }),
      vfPort: (vf) => vfPorts[vf] as DevicePort,
      macAddress,
      ...(wire && { wire }),
    };
    this.card = new Igb82576(this.#options);
    this.pf = new IgbPfDriver({
      mmio: {
        read32: (offset) => this.card.readBar(0, offset, 4),
        write32: (offset, value) => this.card.writeBar(0, offset, 4, value),
      },
      memory: new GuestMemory(this.memory, 0, 2 * DRIVER_BYTES, 0),
      clock: this.clock,
      receive: (bytes, at, length, vlan, status) => this.#take(numVfs, bytes, at, length, vlan, status),
      link: (_up, text) => this.log.push(text),
      log: (text) => this.log.push(...text.split("\n")),
    });
    this.pf.probe();
    this.pf.open();
    if (numVfs > 0) this.setNumVfs(numVfs);
    this.clock.advance(600 * NS_PER_MS);
    for (let vf = 0; vf < numVfs; vf++) {
      const base = (vf + 2) * DRIVER_BYTES;
      const driver = new IgbvfDriver({
        mmio: {
          read32: (offset) => this.card.vf(vf).readBar(0, offset, 4),
          write32: (offset, value) => this.card.vf(vf).writeBar(0, offset, 4, value),
        },
        memory: new GuestMemory(this.memory, base, DRIVER_BYTES, base),
        clock: this.clock,
        receive: (bytes, at, length, vlan, status) => {
          if (options.receive === undefined) this.#take(vf, bytes, at, length, vlan, status);
          else options.receive(vf, bytes, at, length);
        },
        randomAddress: () => vfAddress(vf),
        log: (text) => this.log.push(`VF ${vf}: ${text}`),
        ...(descriptors !== undefined && { descriptors }),
      });
      this.vfs.push(driver);
      driver.probe();
      driver.open();
    }
  }

  /** @returns how igb refuses it */
  setNumVfs(numVfs: number): string | undefined {
    if (numVfs === 0) {
      this.card.disableVfs();
      this.pf.freeVfs();
      this.pf.reinit();
      return undefined;
    }
    const refused = this.pf.allocateVfs(numVfs);
    if (refused === undefined) this.card.enableVfs(numVfs);
    return refused;
  }

  /** Puts another card in the place of this one, with its state as JSON has it. */
  replaceCard(): void {
    const state = JSON.stringify(this.card.save());
    this.card.reset("conventional");
    this.card = new Igb82576(this.#options);
    this.card.restore(JSON.parse(state));
  }

  /** Empties the lists. */
  forget(): void {
    for (const list of this.received) list.length = 0;
  }

  #interrupted(index: number): void {
    this.interrupts[index] = (this.interrupts[index] ?? 0) + 1;
  }

  #take(index: number, bytes: Uint8Array, at: number, length: number, vlan: number, status: number): void {
    this.received[index]?.push({ bytes: bytes.slice(at, at + length), vlan, status });
  }
}

export function vfAddress(vf: number): Uint8Array {
  return Uint8Array.of(0x52, 0x54, 0x00, 0x00, 0x00, vf);
}

export const BROADCAST = new Uint8Array(6).fill(0xff);

/** An Ethernet frame with a payload that counts up. */
export function frame(
  destination: Uint8Array,
  source: Uint8Array,
  { length = 64, etherType = 0x88b5, vlan = -1, first = 0 } = {},
): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, index) => index + first);
  bytes.set(destination, 0);
  bytes.set(source, 6);
  const tag = vlan < 0 ? [] : [0x81, 0x00, vlan >> 8, vlan & 0xff];
  bytes.set([...tag, etherType >> 8, etherType & 0xff], 12);
  return bytes;
}
