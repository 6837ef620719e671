import { type ModelClock, NS_PER_MS, type Timer } from "../clock.ts";
import type { IgbvfDriver } from "./igbvf-driver.ts";

/** Of Debian's kernel, HZ is 250. */
const JIFFY_NS = 4 * NS_PER_MS;
const PERIOD_NS = 2000 * NS_PER_MS;
/** No reset sooner after another (igbvf_has_link). */
const RESET_NS = 10_000 * NS_PER_MS;
/** So often it looks again without news; Linux looks for ever, where this clock would never come to rest. */
const MOST_LOOKS = 8;

export interface IgbvfWatchdogOptions {
  readonly driver: IgbvfDriver;
  readonly clock: ModelClock;
  /** The link came, or went. */
  readonly link?: (up: boolean) => void;
  /** The driver has begun anew, maybe with another address. */
  readonly reinitialised?: () => void;
}

/** The time that igbvf takes for its link (igbvf_watchdog, igbvf_reset_task of netdev.c): what it waits for, it looks at again. */
export class IgbvfWatchdog {
  readonly #options: IgbvfWatchdogOptions;
  #timer: Timer | undefined;
  #carrier = false;
  #lastResetNs: number;
  #looks = 0;
  #running = false;

  constructor(options: IgbvfWatchdogOptions) {
    this.#options = options;
    this.#lastResetNs = options.clock.nowNs;
  }

  get carrier(): boolean {
    return this.#carrier;
  }

  /** The interface has been opened. */
  start(): void {
    this.#running = true;
    this.news();
  }

  /** The interface is closed: nobody is told of its link. */
  stop(): void {
    this.#running = false;
    this.#carrier = false;
    this.#timer?.cancel();
  }

  /** From the driver's interrupt. */
  news(): void {
    if (!this.#running) return;
    this.#looks = 0;
    this.#lookIn(JIFFY_NS);
  }

  /** Something is different that no interrupt tells of, as a PF's reset takes them: the next regular look will find it. */
  expectNews(): void {
    if (!this.#running) return;
    this.#looks = 0;
    this.#lookIn(PERIOD_NS);
  }

  #lookIn(delayNs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(delayNs, () => this.#look());
  }

  #look(): void {
    const { driver, clock, link, reinitialised } = this.#options;
    const up = driver.watchdog();
    if (up !== this.#carrier) {
      this.#carrier = up;
      link?.(up);
    }
    if (driver.lost && clock.nowNs > this.#lastResetNs + RESET_NS) {
      driver.reinit();
      this.#lastResetNs = clock.nowNs;
      reinitialised?.();
      this.news();
    } else if (!up && this.#looks++ < MOST_LOOKS) this.#lookIn(PERIOD_NS);
  }
}
