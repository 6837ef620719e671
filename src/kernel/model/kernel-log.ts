import type { ModelClock } from "../../hardware/clock.ts";
import type { LogPart } from "../port-change.ts";

/** Records that the buffer holds; Debian's of 256 KiB has some 2,000. */
const CAPACITY = 4096;

/** The kernel log: `printk` and its record buffer. */
export class KernelLog {
  readonly #clock: ModelClock;
  #records: string[] = [];
  #lost = 0;

  constructor(clock: ModelClock) {
    this.#clock = clock;
  }

  /** One line, with its time as dmesg writes it. */
  print(text: string): void {
    const microseconds = String(Math.floor(this.#clock.nowNs / 1000)).padStart(7, "0");
    const stamp = `${microseconds.slice(0, -6).padStart(5)}.${microseconds.slice(-6)}`;
    this.#records.push(`[${stamp}] ${text}`);
    if (this.#records.length > CAPACITY * 2) {
      this.#lost += this.#records.length - CAPACITY;
      this.#records = this.#records.slice(-CAPACITY);
    }
  }

  get lines(): readonly string[] {
    return this.#records.slice();
  }

  /** The sequence number of the record that is to come. */
  get end(): number {
    return this.#lost + this.#records.length;
  }

  since(mark: number): LogPart {
    const from = Math.max(0, mark - this.#lost);
    return { lines: this.#records.slice(from), lost: Math.max(0, this.#lost - mark), end: this.end };
  }
}
