import { NS_PER_MS } from "../../clock.ts";
import { frame } from "../../nic/testing/card-with-guests.ts";
import type { Guest } from "../guest.ts";
import { type MoveReport, moveGuest } from "../move-guest.ts";
import type { TenantMachine } from "./tenant-machine.ts";
import { TwoSites } from "./two-sites.ts";

const MIB = 2 ** 20;
const STATION = Uint8Array.of(2, 0, 0, 0, 0, 9);
const NUMBER_AT = 20;
/** Of pages that the guest's software writes to all the time. */
const WORKING_SET_BYTES = 8 * MIB;
const PAGE_BYTES = 4096;
/** The standby's buffers, as many as the VF's, each way: what comes and goes is in the guest's memory there, too. */
const BUFFERS = 256;
const BUFFER_BYTES = 2048;

export interface EchoOptions {
  readonly guestBytes: number;
  readonly bytesPerSecond: number;
  /** A frame goes to the guest so often. */
  readonly intervalNs: number;
  /** Pages that the guest's software writes in that time. */
  readonly pagesEach: number;
  readonly downtimeMs: number;
}

export interface EchoResult extends MoveReport {
  readonly sent: number;
  readonly lost: number;
  /** The longest time without an answer. */
  readonly gapMs: number;
  /** How long the guest was without a VF. */
  readonly withoutVfMs: number;
}

/** A guest that answers frames of a station by its VF, or by what stands in for it, while its software writes memory. */
class EchoTraffic {
  readonly sites: TwoSites;
  readonly address: Uint8Array;
  guest: Guest;
  /** Where a standby interface is, and whether it is the one in use (net_failover). */
  standby: TenantMachine | undefined;
  usesStandby = false;
  running = true;
  sent = 0;
  answers = 0;
  #lastNs = 0;
  #gapNs = 0;
  #elapsedNs = 0;
  #page = 0;
  readonly #options: EchoOptions;

  constructor(options: EchoOptions) {
    this.#options = options;
    const { guestBytes, bytesPerSecond } = options;
    this.sites = new TwoSites({ numVfs: 1, guestBytes }, bytesPerSecond);
    const { sites } = this;
    this.guest = sites.moving;
    this.address = this.guest.driver.address.slice();
    // Memory that is in use is not of zeros, which a copy would leave out.
    const { memory } = this.guest.memory;
    for (let at = this.guest.memory.allocated; at + PAGE_BYTES <= guestBytes; at += PAGE_BYTES)
      memory.write32(at, at + 1);
    const station = sites.station((bytes, at) => this.#answered(bytes, at));
    sites.onFrame = (bytes) => this.#answer(bytes);
    for (const machine of [sites.here, sites.there]) {
      machine.hostReceive = (bytes, at, length) => {
        if (machine !== this.standby || !this.usesStandby || !this.running) return;
        const copy = bytes.slice(at, at + length);
        this.#buffer(copy, 0);
        this.#answer(copy);
      };
    }
    sites.onSlice = (sliceNs) => {
      this.#elapsedNs += sliceNs;
      if (this.#elapsedNs < options.intervalNs) return;
      this.#elapsedNs = 0;
      if (this.running) this.#work();
      const bytes = frame(this.address, STATION, { length: 128 });
      new DataView(bytes.buffer).setUint32(NUMBER_AT, this.sent++);
      sites.wire.transmit(station, bytes, 0, bytes.length);
    };
  }

  result(report: MoveReport, withoutVfNs: number): EchoResult {
    return {
      ...report,
      sent: this.sent,
      lost: this.sent - this.answers,
      gapMs: this.#gapNs / NS_PER_MS,
      withoutVfMs: withoutVfNs / NS_PER_MS,
    };
  }

  #answer(bytes: Uint8Array): void {
    const answer = bytes.slice();
    answer.set(STATION, 0);
    answer.set(this.address, 6);
    if (this.usesStandby) {
      this.#buffer(answer, BUFFERS);
      this.standby?.host.pf.send(answer);
    } else this.guest.driver.send(answer);
  }

  #buffer(bytes: Uint8Array, first: number): void {
    const { memory, sizeBytes } = this.guest;
    const start = sizeBytes - WORKING_SET_BYTES - 2 * BUFFERS * BUFFER_BYTES;
    memory.memory.write(start + (first + (this.answers % BUFFERS)) * BUFFER_BYTES, bytes);
  }

  #answered(bytes: Uint8Array, at: number): void {
    if (STATION.some((byte, index) => bytes[at + index] !== byte)) return;
    const { nowNs } = this.sites;
    if (this.answers > 0) this.#gapNs = Math.max(this.#gapNs, nowNs - this.#lastNs);
    this.answers++;
    this.#lastNs = nowNs;
  }

  #work(): void {
    const { memory, sizeBytes } = this.guest;
    const start = sizeBytes - WORKING_SET_BYTES;
    for (let page = 0; page < this.#options.pagesEach; page++) {
      this.#page = (this.#page + 1) % (WORKING_SET_BYTES / PAGE_BYTES);
      memory.memory.write32(start + this.#page * PAGE_BYTES, this.sent + 1);
    }
  }
}

const SETTLE_NS = 50 * NS_PER_MS;

/** Moves the guest, whose software stands still meanwhile where its processor does. @param onRun before it runs at the destination */
function move(echo: EchoTraffic, options: EchoOptions, withVf: boolean, onRun: () => void): Promise<MoveReport> {
  const { sites } = echo;
  const source = sites.outgoing();
  const destination = sites.incoming(withVf ? {} : { vfIndex: undefined });
  return moveGuest(
    {
      start: () => source.start(),
      nextRound: () => source.nextRound(),
      takePages: (most) => source.takePages(most),
      stop() {
        echo.running = false;
        source.stop();
      },
      takeDevice: (most) => source.takeDevice(most),
      software: () => source.software(),
      cancel: () => source.cancel(),
      complete: () => source.complete(),
    },
    {
      prepare: (guest) => destination.prepare(guest),
      takePages: (pages) => destination.takePages(pages),
      takeDevice: (piece) => destination.takeDevice(piece),
      run(software) {
        onRun();
        echo.guest = sites.arrived;
        destination.run(software);
        echo.running = true;
      },
      abort: () => destination.abort(),
    },
    sites,
    options,
  );
}

/** The guest moves with its VF's state. */
export async function moveByVfio(options: EchoOptions): Promise<EchoResult> {
  const echo = new EchoTraffic(options);
  echo.sites.pass(SETTLE_NS);
  const report = await move(echo, options, true, () => {});
  echo.sites.pass(SETTLE_NS);
  return echo.result(report, 0);
}

/**
 * The guest gives its VF back, moves on a standby interface of its host's PF, and has a VF again there: a failover pair as it is at
 * best, where each host lets the standby's frames in before they are needed (`bridge fdb add MAC dev PF self`).
 */
export async function moveByFailover(options: EchoOptions): Promise<EchoResult> {
  const echo = new EchoTraffic(options);
  const { sites, address, guest } = echo;
  const [here, there] = [sites.here.host.pf, sites.there.host.pf];
  sites.pass(SETTLE_NS);
  const { vfIndex } = guest;
  const beganNs = sites.nowNs;
  here.setUnicast(address, true);
  echo.standby = sites.here;
  echo.usesStandby = true;
  guest.driver.close();
  guest.detach();
  here.vfs?.requests.release(vfIndex);
  const report = await move(echo, options, false, () => {
    there.setUnicast(address, true);
    here.setUnicast(address, false);
    echo.standby = sites.there;
  });
  echo.guest.attach(0);
  echo.usesStandby = false;
  const withoutVfNs = sites.nowNs - beganNs;
  there.setUnicast(address, false);
  sites.pass(SETTLE_NS);
  return echo.result(report, withoutVfNs);
}
