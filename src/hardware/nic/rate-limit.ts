import type { ModelClock, Timer } from "../clock.ts";
import type { DeviceState } from "../device-model.ts";
import type { RegisterFile } from "./register-file.ts";
import { DWORD, QUEUES } from "./registers-82576.ts";

const E1000_RTTBCNRC_RS_ENA = 0x8000_0000;
const RF_DEC_BITS = 14;
/** At 1 Gb/s a byte takes 8 ns. */
const NS_PER_BYTE = 8;
/** Preamble, check sequence and the gap between frames, which take the link's time too. */
const OVERHEAD_BYTES = 24;
/** MMW_SIZE, the memory window, is in KiB. */
const WINDOW_BYTES = 1024;

/**
 * The rate scheduler of transmit queues (82576 data sheet §7.2, §8.12; igb_set_vf_rate_limit): a queue's share of the link is
 * 1 / (RF_INT + RF_DEC / 2^14). Idle time is made up for in a burst, as far as the memory window goes.
 */
export class RateLimit {
  readonly #values: Uint32Array;
  readonly #clock: ModelClock;
  readonly #resume: (queue: number) => void;
  readonly #config = new Uint32Array(QUEUES);
  /** From when on each queue may send again. */
  readonly #freeAtNs = new Float64Array(QUEUES);
  readonly #timers: (Timer | undefined)[] = Array.from({ length: QUEUES }, () => undefined);

  constructor(registers: RegisterFile, clock: ModelClock, resume: (queue: number) => void) {
    this.#values = registers.values;
    this.#clock = clock;
    this.#resume = resume;
    registers.onRead("RTTBCNRC", () => this.#config[this.#selected()] as number);
    registers.onWrite("RTTBCNRC", (_, value) => {
      const queue = this.#selected();
      this.#config[queue] = value;
      this.#freeAtNs[queue] = 0;
      this.#timers[queue]?.cancel();
      this.#timers[queue] = undefined;
      this.#resume(queue);
    });
  }

  /** Whether a queue has to wait; it is resumed when it may go on. */
  mustWait(queue: number): boolean {
    if (((this.#config[queue] as number) & E1000_RTTBCNRC_RS_ENA) === 0) return false;
    const waitNs = (this.#freeAtNs[queue] as number) - this.#clock.nowNs;
    if (waitNs <= 0) return false;
    if (this.#timers[queue] === undefined) this.#wait(queue, waitNs);
    return true;
  }

  /** A queue sent a frame. */
  sent(queue: number, length: number): void {
    const config = this.#config[queue] as number;
    if ((config & E1000_RTTBCNRC_RS_ENA) === 0) return;
    const factor = (config & 0x7fff_ffff) / (1 << RF_DEC_BITS) || 1;
    const windowNs = ((this.#values[DWORD.RTTBCNRM] as number) & 0x3ff) * WINDOW_BYTES * NS_PER_BYTE * factor;
    const from = Math.max(this.#freeAtNs[queue] as number, this.#clock.nowNs - windowNs);
    this.#freeAtNs[queue] = from + (length + OVERHEAD_BYTES) * NS_PER_BYTE * factor;
  }

  reset(): void {
    this.#config.fill(0);
    this.#freeAtNs.fill(0);
    for (let queue = 0; queue < QUEUES; queue++) {
      this.#timers[queue]?.cancel();
      this.#timers[queue] = undefined;
    }
  }

  save(): DeviceState {
    const now = this.#clock.nowNs;
    return {
      config: [...this.#config],
      freeInNs: [...this.#freeAtNs].map((at) => at - now),
      waiting: this.#timers.map((timer) => timer !== undefined),
    };
  }

  restore(state: DeviceState): void {
    const { config, freeInNs, waiting } = state as { config: number[]; freeInNs: number[]; waiting: boolean[] };
    this.reset();
    this.#config.set(config);
    freeInNs.forEach((ns, queue) => {
      this.#freeAtNs[queue] = this.#clock.nowNs + ns;
      if (waiting[queue] === true) this.#wait(queue, ns);
    });
  }

  #selected(): number {
    return (this.#values[DWORD.RTTDQSEL] as number) & (QUEUES - 1);
  }

  #wait(queue: number, ns: number): void {
    this.#timers[queue] = this.#clock.schedule(ns, () => {
      this.#timers[queue] = undefined;
      this.#resume(queue);
    });
  }
}
