/** A thing that is to happen at a time of the model's clock. */
export interface Timer {
  readonly atNs: number;
  cancel(): void;
}

interface Entry {
  readonly atNs: number;
  readonly order: number;
  readonly action: () => void;
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
    const entry: Entry = { atNs: this.#nowNs + Math.max(0, delayNs), order: this.#order++, action, cancelled: false };
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

  /** Lets time pass; what falls due meanwhile happens at its own time. */
  advance(byNs: number): void {
    const until = this.#nowNs + byNs;
    for (let next = this.#entries[0]; next !== undefined && next.atNs <= until; next = this.#entries[0]) {
      this.#entries.shift();
      this.#nowNs = next.atNs;
      if (!next.cancelled) next.action();
    }
    this.#nowNs = until;
  }

  /** Goes to the time of a saved state. What was scheduled is forgotten: whoever restores itself schedules its own anew. */
  restore(nowNs: number): void {
    this.#nowNs = nowNs;
    this.#entries = [];
  }

  /** When the next thing is due, or undefined where nothing is. */
  get nextNs(): number | undefined {
    return this.#entries[0]?.atNs;
  }
}

export const NS_PER_MS = 1_000_000;
