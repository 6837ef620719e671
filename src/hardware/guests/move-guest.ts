import { NS_PER_MS } from "../clock.ts";
import type { DeviceState } from "../device-model.ts";

/** A page as it is copied; without bytes it is all zeros. */
export interface CopiedPage {
  readonly address: number;
  readonly bytes: Uint8Array | undefined;
}

/** What a destination has to know before anything is copied. */
export interface GuestOnTheMove {
  readonly memoryBytes: number;
  /** What there is of each VF's data while it still runs: what it is (PRE_COPY). */
  readonly devices: readonly Uint8Array[];
}

/** The next of a VF's data. */
export interface DevicePiece {
  readonly device: number;
  readonly bytes: Uint8Array;
}

/** What processor and software of a guest are beside its memory, as JSON keeps it. */
export type GuestSoftware = DeviceState;

export type Awaitable<T> = T | Promise<T>;

/** A guest that goes away: from where it runs. */
export interface MoveSource {
  /** It runs on; from now on what it writes is kept. Where this fails, it is as before. */
  start(): Awaitable<GuestOnTheMove>;
  /** Looks at what was written since the last round. @returns how many pages there are to copy */
  nextRound(): Awaitable<number>;
  /** @returns the next pages of the round, at most so many with bytes; of zeros there may be more */
  takePages(most: number): Awaitable<readonly CopiedPage[]>;
  /** Processor and VFs stand still. What was written last is a round, too. */
  stop(): Awaitable<void>;
  /** @returns the next of the VFs' data, one VF after the other; undefined at the end */
  takeDevice(most: number): Awaitable<DevicePiece | undefined>;
  software(): Awaitable<GuestSoftware>;
  /** It goes on where it was, as if nothing had been. */
  cancel(): Awaitable<void>;
  /** It runs elsewhere: here it is no more. */
  complete(): Awaitable<void>;
}

/** A guest that comes. */
export interface MoveDestination {
  /** Makes room for it, with VFs that wait for their states. */
  prepare(guest: GuestOnTheMove): Awaitable<void>;
  takePages(pages: readonly CopiedPage[]): Awaitable<void>;
  takeDevice(piece: DevicePiece): Awaitable<void>;
  /** All is there: it runs. */
  run(software: GuestSoftware): Awaitable<void>;
  /** Nothing of it stays. */
  abort(): Awaitable<void>;
}

/** By which way memory is copied: takes its time, during which all else goes on. */
export interface MoveLink {
  readonly bytesPerSecond: number;
  pass(ns: number): Awaitable<void>;
}

export interface MoveLimits {
  /** The guest is stopped once what is left takes no longer; 300 ms where left out, as QEMU's downtime-limit. */
  readonly downtimeMs?: number;
  /** The guest is stopped then in any case; 30 where left out. */
  readonly mostRounds?: number;
}

export interface MoveReport {
  /** Pages copied in each round; the last one's while the guest stood still. */
  readonly rounds: readonly number[];
  /** Over the link, all told. */
  readonly bytes: number;
  /** How long the guest stood still, as far as the link is what it waited for. */
  readonly stoppedNs: number;
}

const PAGE_BYTES = 4096;
/** Address and flags (QEMU's RAM_SAVE_FLAG): all that a page of zeros takes. */
const PAGE_HEAD_BYTES = 8;
const PAGES_AT_ONCE = 64;
const DEVICE_BYTES_AT_ONCE = 1 << 16;
const NS_PER_S = 1e9;

/**
 * Moves a guest, as QEMU does (migration/migration.c, hw/vfio/migration.c): memory in rounds while it runs, then the rest and its
 * VF's state while it stands still. Where anything fails it goes on at the source; that has it until it runs at the destination.
 */
export async function moveGuest(
  source: MoveSource,
  destination: MoveDestination,
  link: MoveLink,
  limits: MoveLimits = {},
): Promise<MoveReport> {
  const copier = new Copier(source, destination, link);
  const guest = await source.start();
  try {
    await destination.prepare(guest);
    await copier.rounds(limits);
    await source.stop();
    await copier.rest();
    await destination.run(await source.software());
  } catch (error) {
    // A destination that cannot even give up is no reason for the guest to stand still.
    try {
      await destination.abort();
    } finally {
      await source.cancel();
    }
    throw error;
  }
  await source.complete();
  return copier.report;
}

class Copier {
  readonly #source: MoveSource;
  readonly #destination: MoveDestination;
  readonly #link: MoveLink;
  readonly #rounds: number[] = [];
  #bytes = 0;
  #stoppedNs = 0;

  constructor(source: MoveSource, destination: MoveDestination, link: MoveLink) {
    this.#source = source;
    this.#destination = destination;
    this.#link = link;
  }

  get report(): MoveReport {
    return { rounds: this.#rounds, bytes: this.#bytes, stoppedNs: this.#stoppedNs };
  }

  async rounds({ downtimeMs = 300, mostRounds = 30 }: MoveLimits): Promise<void> {
    const restNs = downtimeMs * NS_PER_MS;
    for (let round = 0; round < mostRounds; round++) {
      const pages = await this.#source.nextRound();
      if (round > 0 && this.#timeOf(pages * (PAGE_BYTES + PAGE_HEAD_BYTES)) <= restNs) return;
      await this.#round();
    }
  }

  async rest(): Promise<void> {
    await this.#source.nextRound();
    this.#stoppedNs += await this.#round();
    for (;;) {
      const piece = await this.#source.takeDevice(DEVICE_BYTES_AT_ONCE);
      if (piece === undefined) return;
      this.#stoppedNs += await this.#pass(piece.bytes.length);
      await this.#destination.takeDevice(piece);
    }
  }

  /** @returns how long it took */
  async #round(): Promise<number> {
    let copied = 0;
    let tookNs = 0;
    for (;;) {
      const pages = await this.#source.takePages(PAGES_AT_ONCE);
      if (pages.length === 0) break;
      copied += pages.length;
      tookNs += await this.#pass(pages.reduce((bytes, page) => bytes + PAGE_HEAD_BYTES + (page.bytes?.length ?? 0), 0));
      await this.#destination.takePages(pages);
    }
    this.#rounds.push(copied);
    return tookNs;
  }

  async #pass(bytes: number): Promise<number> {
    const ns = this.#timeOf(bytes);
    this.#bytes += bytes;
    await this.#link.pass(ns);
    return ns;
  }

  #timeOf(bytes: number): number {
    return (bytes / this.#link.bytesPerSecond) * NS_PER_S;
  }
}
