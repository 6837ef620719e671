/** A thing that is to happen at a time of the model's clock. */
export interface Timer {
  readonly atNs: number;
  cancel(): void;
}

interface Entry {
  readonly atNs: number;
  readonly order: number;
  readonly action: () => void;
  readonly background: boolean;
  cancelled: boolean;
}

/**
 * The model's own time, in nanoseconds since power on: it passes only when told, so that a machine does the same each time.
 * Numbers are exact for 104 days.
 */
export class ModelClock {
  #nowNs = 0;
  #order = 0;
  /** By time, then by order of scheduling. */
  #entries: Entry[] = [];

  get nowNs(): number {
    return this.#nowNs;
  }

  /** Has `action` happen after `delayNs`; what is due at one time happens in the order in which it was scheduled. */
  schedule(delayNs: number, action: () => void): Timer {
    return this.#add(delayNs, action, false);
  }

  /**
   * As {@link schedule}, of what goes on for ever, such as traffic: it happens where time passes, and nobody lets time pass for
   * its sake ({@link nextNs} knows nothing of it).
   */
  scheduleBackground(delayNs: number, action: () => void): Timer {
    return this.#add(delayNs, action, true);
  }

  #add(delayNs: number, action: () => void, background: boolean): Timer {
    const atNs = this.#nowNs + Math.max(0, delayNs);
    const entry: Entry = { atNs, order: this.#order++, action, background, cancelled: false };
    let at = this.#entries.length;
    while (at > 0 && (this.#entries[at - 1]?.atNs ?? 0) > entry.atNs) at--;
    this.#entries.splice(at, 0, entry);
    return {
      atNs: entry.atNs,
      cancel: () => {
        entry.cancelled = true;
        this.#entries = this.#entries.filter((other) => other !== entry);
      },
    };
  }

  /**
   * Lets time pass; what falls due meanwhile happens at its own time. What happens may wait in its turn, as a driver does that
   * is busy with its device (`udelay`): time then has passed for all.
   */
  advance(byNs: number): void {
    const until = this.#nowNs + byNs;
    for (let next = this.#entries[0]; next !== undefined && next.atNs <= until; next = this.#entries[0]) {
      this.#entries.shift();
      this.#nowNs = Math.max(this.#nowNs, next.atNs);
      if (!next.cancelled) next.action();
    }
    this.#nowNs = Math.max(this.#nowNs, until);
  }

  /** Goes to the time of a saved state. What was scheduled is forgotten: whoever restores itself schedules its own anew. */
  restore(nowNs: number): void {
    this.#nowNs = nowNs;
    this.#entries = [];
  }

  /** When the next thing is due, or undefined where nothing is. */
  get nextNs(): number | undefined {
    return this.#entries.find(({ background }) => !background)?.atNs;
  }
}

export const NS_PER_MS = 1_000_000;
