import { GuestMemory } from "../../hardware/guests/guest-memory.ts";
import { IGBVF_MEMORY_BYTES, IgbvfDriver, type IgbvfState } from "../../hardware/guests/igbvf-driver.ts";
import { IgbvfWatchdog } from "../../hardware/guests/igbvf-watchdog.ts";
import type { Mmio } from "../../hardware/guests/mmio.ts";
import type { WrittenPart } from "../../hardware/guests/movable-guest.ts";
import type { PageRange } from "../../hardware/iommu/page-allocator.ts";
import { igbAdapterOf } from "./drivers/igb.ts";
import { PCI_COMMAND_MASTER } from "./enable-device.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import { macBytes, randomMac } from "./mac-address.ts";
import { mapRegisters } from "./mapped-registers.ts";
import { allocateVectors } from "./message-interrupts.ts";
import type { PageRanges } from "./page-ranges.ts";
import type { PciDev } from "./pci-dev.ts";

const VECTORS = 3;
const ALL_ONES = 0xffff_ffff;

/** A guest's memory, as its kernel gives it out. */
interface GuestRam {
  readonly range: PageRange;
  readonly pages: PageRanges;
}

/** What the guest's kernel has of its igbvf beside memory and the VF, as JSON keeps it. */
export interface GuestIgbvfState {
  readonly own: PageRange;
  /** Vectors that came while it stood still. */
  readonly waiting: readonly number[];
  readonly busMaster: boolean;
  readonly driver: IgbvfState;
}

interface Started {
  readonly own: PageRange;
  readonly memory: GuestMemory;
  readonly driver: IgbvfDriver;
  readonly watchdog: IgbvfWatchdog;
}

/** A guest's igbvf: registers by VFIO's mapping, which is gone with the function, and the guest's own memory. */
export class GuestIgbvf {
  readonly #linux: Linux;
  readonly #dev: PciDev;
  readonly #ram: GuestRam;
  readonly #mmio: Mmio;
  #mapped = true;
  #paused = false;
  #waiting: number[] = [];
  #started: Started | undefined;

  /** The VF, which was reset, has its vectors; nobody drives it yet. */
  constructor(linux: Linux, dev: PciDev, ram: GuestRam) {
    this.#linux = linux;
    this.#dev = dev;
    this.#ram = ram;
    const registers = mapRegisters(linux, dev);
    this.#mmio = {
      read32: (offset) => (this.#mapped ? registers.read32(offset) : ALL_ONES),
      write32: (offset, value) => {
        if (this.#mapped) registers.write32(offset, value);
      },
    };
    allocateVectors(linux, dev, VECTORS, (vector) => this.#interrupt(vector));
  }

  /** Undefined while the guest stands still, or is too small for a driver. */
  get driver(): IgbvfDriver | undefined {
    return this.#paused ? undefined : this.#started?.driver;
  }

  /** Where the driver writes. */
  get part(): WrittenPart | undefined {
    return this.#started && { start: this.#started.own.start, memory: this.#started.memory.memory };
  }

  /** The guest's kernel takes the VF up. */
  start(): void {
    const own = this.#ram.pages.allocate(IGBVF_MEMORY_BYTES);
    // The guest is too small for a driver: its function is idle.
    if (own === undefined) return;
    const { driver, watchdog } = this.#newDriver(own);
    this.#dev.setCommand(PCI_COMMAND_MASTER);
    driver.probe();
    driver.open();
    watchdog.start();
  }

  save(): GuestIgbvfState | null {
    if (this.#started === undefined) return null;
    const { own, driver } = this.#started;
    return {
      own,
      waiting: [...this.#waiting],
      busMaster: (this.#dev.read(PCI_COMMAND, 2) & PCI_COMMAND_MASTER) !== 0,
      driver: driver.save(),
    };
  }

  /** Of a guest that has come, with all of its memory. @throws KernelError EINVAL where its memory has no such part */
  restore(state: GuestIgbvfState | null): void {
    if (state === null) return;
    if (!this.#ram.pages.take(state.own)) throw new KernelError("EINVAL");
    this.#newDriver(state.own, state.driver);
    this.#waiting = [...state.waiting];
    if (state.busMaster) this.#dev.setCommand(PCI_COMMAND_MASTER);
  }

  pause(): void {
    this.#paused = true;
    this.#started?.watchdog.stop();
  }

  resume(): void {
    this.#paused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const vector of waiting) this.#interrupt(vector);
    this.#started?.watchdog.start();
  }

  stop(): void {
    const started = this.#started;
    this.#mapped = false;
    this.#started = undefined;
    if (started === undefined) return;
    const { own, watchdog } = started;
    watchdog.stop();
    this.#watchdogs?.delete(watchdog);
    const from = this.#ram.range.start + own.start;
    this.#linux.machine.memory.bytes.fill(0, from, from + own.sizeBytes);
    this.#ram.pages.free(own);
  }

  #newDriver(own: PageRange, state?: IgbvfState): Started {
    const linux = this.#linux;
    const { clock, memory: ram } = linux.machine;
    const memory = new GuestMemory(ram, this.#ram.range.start + own.start, own.sizeBytes, own.start);
    const driver = new IgbvfDriver({
      mmio: this.#mmio,
      memory,
      clock,
      receive: (bytes, at, length) => linux.flows.received(bytes, at, length),
      randomAddress: () => macBytes(randomMac(linux)),
      news: () => watchdog.news(),
      ...(state !== undefined && { state }),
    });
    const watchdog = new IgbvfWatchdog({ driver, clock });
    this.#watchdogs?.add(watchdog);
    const started = { own, memory, driver, watchdog };
    this.#started = started;
    return started;
  }

  get #watchdogs() {
    return igbAdapterOf(this.#linux, this.#dev.physfn)?.vfWatchdogs;
  }

  #interrupt(vector: number): void {
    if (!this.#paused) this.#started?.driver.interrupt(vector);
    else if (!this.#waiting.includes(vector)) this.#waiting.push(vector);
  }
}

const PCI_COMMAND = 0x04;
