import { IGBVF_MEMORY_BYTES, IgbvfDriver, type IgbvfState } from "../../hardware/guests/igbvf-driver.ts";
import { IgbvfWatchdog } from "../../hardware/guests/igbvf-watchdog.ts";
import type { Mmio } from "../../hardware/guests/mmio.ts";
import type { WrittenPart } from "../../hardware/guests/movable-guest.ts";
import type { PageRange } from "../../hardware/iommu/page-allocator.ts";
import { igbAdapterOf } from "./drivers/igb.ts";
import { PCI_COMMAND_MASTER } from "./enable-device.ts";
import type { GuestRam } from "./guest-ram.ts";
import type { DriverMemory } from "./kernel-dma.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import { macBytes, randomMac } from "./mac-address.ts";
import { mapRegisters } from "./mapped-registers.ts";
import { allocateVectors } from "./message-interrupts.ts";
import type { PciDev } from "./pci-dev.ts";

const VECTORS = 3;
const ALL_ONES = 0xffff_ffff;

/** What the guest's kernel has of its igbvf beside memory and the VF, as JSON keeps it. */
export interface GuestIgbvfState {
  readonly own: PageRange;
  /** Vectors that came while it stood still. */
  readonly waiting: readonly number[];
  readonly busMaster: boolean;
  readonly driver: IgbvfState;
}

interface Started {
  readonly own: DriverMemory;
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
    if (this.#started === undefined) return undefined;
    const { range, memory } = this.#started.own;
    return { start: range.start, memory: memory.memory };
  }

  /** The guest's kernel takes the VF up. */
  start(): void {
    const own = this.#ram.allocate(IGBVF_MEMORY_BYTES);
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
      own: own.range,
      waiting: [...this.#waiting],
      busMaster: (this.#dev.read(PCI_COMMAND, 2) & PCI_COMMAND_MASTER) !== 0,
      driver: driver.save(),
    };
  }

  /** Of a guest that has come, with all of its memory. @throws KernelError EINVAL where its memory has no such part */
  restore(state: GuestIgbvfState | null): void {
    if (state === null) return;
    const own = this.#ram.take(state.own);
    if (own === undefined) throw new KernelError("EINVAL");
    this.#newDriver(own, state.driver);
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
    this.#ram.free(own);
  }

  #newDriver(own: DriverMemory, state?: IgbvfState): Started {
    const linux = this.#linux;
    const { clock } = linux.machine;
    const driver = new IgbvfDriver({
      mmio: this.#mmio,
      memory: own.memory,
      clock,
      receive: (bytes, at, length) => linux.flows.received(bytes, at, length),
      randomAddress: () => macBytes(randomMac(linux)),
      news: () => watchdog.news(),
      ...(state !== undefined && { state }),
    });
    const watchdog = new IgbvfWatchdog({ driver, clock });
    this.#watchdogs?.add(watchdog);
    const started = { own, driver, watchdog };
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
