import { IncomingGuest } from "../../hardware/guests/incoming-guest.ts";
import type { CopiedPage, DevicePiece, GuestOnTheMove, GuestSoftware } from "../../hardware/guests/move-guest.ts";
import { OutgoingGuest } from "../../hardware/guests/outgoing-guest.ts";
import type { VfEnd } from "../../hardware/vfio/move-verdict.ts";
import { StateRefused } from "../../hardware/vfio/state-stream.ts";
import { VfioRefused } from "../../hardware/vfio/vfio-device.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { FlowToGuest } from "./flow-report.ts";
import { KernelError } from "./kernel-error.ts";
import type { GuestDescription, Linux } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";
import { MOVING_DRIVER, vfEnd } from "./vfio-migration.ts";

const MIB = 2 ** 20;
const MOST_PAGES = 256;
const MOST_DEVICE_BYTES = 1 << 18;
const LONGEST_PASS_NS = 1e9;

/** What was asked for, or why it was refused. */
export type MoveAnswer<T> = { readonly done: T } | { readonly refused: string };

interface Leaving {
  readonly guest: OutgoingGuest;
  /** Its software was handed over: it may run elsewhere, so that it does not go on here by itself. */
  handedOver: boolean;
}

/** What a verdict has to know of one end. */
export interface MoveEnd {
  /** The guest's VFs, or those that could be its own, in the order in which they would be paired. */
  readonly devices: readonly { readonly bdf: Bdf; readonly end: VfEnd }[];
}

/** Guests that move between this machine and another, as a QEMU moves one: `migrate` at one end, `-incoming` at the other. */
export class GuestMoves {
  readonly #linux: Linux;
  readonly #leaving = new Map<string, Leaving>();
  readonly #coming = new Map<string, IncomingGuest>();

  constructor(linux: Linux) {
    this.#linux = linux;
  }

  /** A guest's VFs. */
  source(name: string): Promise<MoveAnswer<MoveEnd>> {
    return this.#answer(() => {
      const guest = this.#linux.guests.all.find((each) => each.name === name);
      if (guest === undefined) throw new KernelError("ENOENT");
      return this.#endOf(guest.devices, guest.memoryMib * MIB);
    });
  }

  /** VFs that nobody has, on a driver that moves VFs. */
  free(): Promise<MoveAnswer<MoveEnd>> {
    const { devices, processes, dma } = this.#linux;
    const isFree = ({ bdf, driver }: PciDev) => driver?.name === MOVING_DRIVER && processes.usersOf(bdf).length === 0;
    const free = [...devices.values()].filter(isFree).map(({ bdf }) => bdf);
    return this.#answer(() => this.#endOf(free.sort(), dma.memory.freeBytes));
  }

  start(name: string): Promise<MoveAnswer<GuestOnTheMove>> {
    return this.#answer(() => {
      if (this.#leaving.has(name)) throw new KernelError("EBUSY");
      const guest = new OutgoingGuest(this.#linux.guests.leaving(name));
      try {
        const about = guest.start();
        this.#leaving.set(name, { guest, handedOver: false });
        return about;
      } catch (error) {
        this.#linux.guests.stays(name);
        throw error;
      }
    });
  }

  nextRound(name: string): Promise<MoveAnswer<number>> {
    return this.#answer(() => this.#source(name).guest.nextRound());
  }

  takePages(name: string, most: number): Promise<MoveAnswer<readonly CopiedPage[]>> {
    return this.#answer(() => this.#source(name).guest.takePages(within(most, MOST_PAGES)));
  }

  stop(name: string): Promise<MoveAnswer<void>> {
    return this.#answer(() => {
      this.#source(name).guest.stop();
      this.#markTraffic(name);
    });
  }

  takeDevice(name: string, most: number): Promise<MoveAnswer<DevicePiece | null>> {
    return this.#answer(() => this.#source(name).guest.takeDevice(within(most, MOST_DEVICE_BYTES)) ?? null);
  }

  software(name: string): Promise<MoveAnswer<GuestSoftware>> {
    return this.#answer(() => {
      const source = this.#source(name);
      source.handedOver = true;
      return source.guest.software();
    });
  }

  /** It goes on here. */
  cancel(name: string): Promise<MoveAnswer<void>> {
    return this.#answer(async () => {
      const { guest } = this.#source(name);
      this.#leaving.delete(name);
      await guest.cancel();
      this.#linux.guests.stays(name);
    });
  }

  /** It goes on elsewhere. */
  complete(name: string): Promise<MoveAnswer<void>> {
    return this.#answer(async () => {
      const { guest } = this.#source(name);
      this.#leaving.delete(name);
      await guest.complete();
    });
  }

  prepare(guest: GuestDescription, devices: readonly Bdf[], about: GuestOnTheMove): Promise<MoveAnswer<void>> {
    return this.#answer(async () => {
      const { name } = guest;
      if (this.#coming.has(name)) throw new KernelError("EBUSY");
      const coming = new IncomingGuest(() => this.#linux.guests.arriving(guest, devices));
      this.#coming.set(name, coming);
      try {
        await coming.prepare(about);
      } catch (error) {
        this.#coming.delete(name);
        await coming.abort();
        throw error;
      }
    });
  }

  putPages(name: string, pages: readonly CopiedPage[]): Promise<MoveAnswer<void>> {
    return this.#answer(() => this.#destination(name).takePages(pages));
  }

  putDevice(name: string, piece: DevicePiece): Promise<MoveAnswer<void>> {
    return this.#answer(() => this.#destination(name).takeDevice(piece));
  }

  run(name: string, software: GuestSoftware): Promise<MoveAnswer<void>> {
    return this.#answer(() => {
      this.#destination(name).run(software);
      this.#coming.delete(name);
      this.#linux.guests.stays(name);
      this.#markTraffic(name);
    });
  }

  /** Flows to these VFs, and how they went on as their guest stopped, or began to run. */
  traffic(vfs: readonly Bdf[]): Promise<MoveAnswer<readonly FlowToGuest[]>> {
    return this.#answer(() => this.#linux.flows.to(vfs));
  }

  abort(name: string): Promise<MoveAnswer<void>> {
    return this.#answer(async () => {
      const coming = this.#coming.get(name);
      this.#coming.delete(name);
      await coming?.abort();
    });
  }

  /** Whoever moves it has gone. What runs nowhere else goes on; what may is left for somebody to say. */
  async abandon(name: string): Promise<void> {
    await this.abort(name);
    const source = this.#leaving.get(name);
    if (source === undefined) return;
    if (!source.handedOver) await this.cancel(name);
    else this.#linux.log.print(`guest ${name} stands still: it was handed over, and nobody said that it runs there`);
  }

  /** Lets time pass, as the memory that is copied takes it. */
  pass(ns: number): void {
    const { time, machine } = this.#linux;
    time.catchUp();
    machine.clock.advance(within(ns, LONGEST_PASS_NS));
  }

  #endOf(bdfs: readonly Bdf[], memoryBytes: number): MoveEnd {
    const linux = this.#linux;
    return {
      devices: bdfs.map((bdf) => {
        const dev = linux.devices.get(bdf);
        if (dev === undefined) throw new KernelError("ENODEV");
        return { bdf, end: vfEnd(linux, dev, memoryBytes) };
      }),
    };
  }

  #markTraffic(name: string): void {
    const guest = this.#linux.guests.all.find((each) => each.name === name);
    this.#linux.flows.guestMoves(guest?.devices ?? []);
  }

  #source(name: string): Leaving {
    const found = this.#leaving.get(name);
    if (found === undefined) throw new KernelError("ENOENT");
    return found;
  }

  #destination(name: string): IncomingGuest {
    const found = this.#coming.get(name);
    if (found === undefined) throw new KernelError("ENOENT");
    return found;
  }

  async #answer<T>(what: () => T | Promise<T>): Promise<MoveAnswer<T>> {
    try {
      return { done: await what() };
    } catch (error) {
      const foreseen = [KernelError, VfioRefused, StateRefused, RangeError].some((kind) => error instanceof kind);
      if (foreseen && error instanceof Error) return { refused: error.message };
      throw error;
    }
  }
}

function within(value: number, most: number): number {
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`no number from 0 to ${most}: ${value}`);
  return Math.min(value, most);
}
