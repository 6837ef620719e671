import { type ModelClock, NS_PER_MS } from "../../hardware/clock.ts";

/**
 * `instant`: delays pass at once, and what is to happen by itself soon has happened before the next call. `real`: the
 * model's clock goes with the world's, and delays are waited for.
 */
export type Pace = "instant" | "real";

/** Of `instant`: how far ahead what happens by itself is brought forward, and how many such things at the most. */
const HORIZON_NS = 10_000 * NS_PER_MS;
const MOST_EVENTS = 10_000;

/**
 * Time as the modelled kernel has it. Where a driver is busy with its device (`udelay`, `usleep_range` under a lock), it lets the
 * model's clock go on itself, at once: with `real`, the clock is ahead of the world then, which comes after it.
 */
export class KernelTime {
  readonly clock: ModelClock;
  readonly #pace: Pace;
  /** By the world's clock, at the model's time 0; of `real` alone. */
  readonly #beganMs: number;

  constructor(clock: ModelClock, pace: Pace) {
    this.clock = clock;
    this.#pace = pace;
    this.#beganMs = performance.now() - clock.nowNs / NS_PER_MS;
  }

  /** `msleep` */
  async sleep(ms: number): Promise<void> {
    const untilNs = this.clock.nowNs + ms * NS_PER_MS;
    if (this.#pace === "instant") {
      this.clock.advance(ms * NS_PER_MS);
      return;
    }
    while (this.clock.nowNs < untilNs) {
      const leftMs = (untilNs - this.clock.nowNs) / NS_PER_MS;
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(leftMs)));
      this.catchUp();
    }
  }

  /** `schedule_delayed_work` and timers. */
  after(ms: number, action: () => void): { cancel(): void } {
    return this.clock.schedule(ms * NS_PER_MS, action);
  }

  /** The world's time has gone on so far, while nobody asked. With `real`, all that is due happens. */
  pass(ms: number): void {
    if (this.#pace === "instant") this.clock.advance(Math.round(ms * NS_PER_MS));
    else this.catchUp();
  }

  /** Lets happen what is due; called before the outside world looks. */
  catchUp(): void {
    if (this.#pace === "real") {
      const nowNs = Math.floor((performance.now() - this.#beganMs) * NS_PER_MS);
      if (nowNs > this.clock.nowNs) this.clock.advance(nowNs - this.clock.nowNs);
      return;
    }
    const until = this.clock.nowNs + HORIZON_NS;
    for (let count = 0; count < MOST_EVENTS; count++) {
      const { nextNs } = this.clock;
      if (nextNs === undefined || nextNs > until) return;
      this.clock.advance(nextNs - this.clock.nowNs);
    }
  }
}
