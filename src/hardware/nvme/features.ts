import type { Command } from "./command.ts";
import { NVME_FEATURE_ASYNC_EVENTS, NVME_FEATURE_NUMBER_OF_QUEUES } from "./opcodes.ts";
import { NVME_DNR, NVME_STATUS } from "./status.ts";

const SAVE = 0x8000_0000;
const SELECT_CURRENT = 0;
const SELECT_CAPABILITIES = 3;
const CHANGEABLE = 0x4;

/** Temperatures in kelvins: above the first a warning, above the second an alarm (WCTEMP, CCTEMP). */
export const WARNING_TEMPERATURE = 0x157;
export const CRITICAL_TEMPERATURE = 0x175;

interface Feature {
  readonly initial: number | ((selector: number) => number);
  /** Bits of Command Dword 11 that can be set; none of a feature that cannot be changed. */
  readonly bits: number;
  /** Bits of Command Dword 11 by which one of several values is chosen. */
  readonly selects?: number;
  /** The value is told without what chose it. */
  readonly plain?: true;
}

const TMPSEL_AND_THSEL = 0x003f_0000;

/** Features by their ids (NVM Express Base 2.0 §5.27.1); values are those of Command Dword 11. */
const FEATURES: Readonly<Record<number, Feature>> = {
  // Arbitration: bursts without a limit; the rest is of weighted round robin, which it has not.
  1: { initial: 0x7, bits: 0xffff_ff07 },
  // Power Management: there is power state 0 alone.
  2: { initial: 0, bits: 0 },
  // Temperature Threshold, of each sensor, above and below: that of the composite temperature alone has a value at first.
  4: {
    initial: (selector) => (selector === 0 ? WARNING_TEMPERATURE : 0),
    bits: 0x003f_ffff,
    selects: TMPSEL_AND_THSEL,
    plain: true,
  },
  // Error Recovery.
  5: { initial: 0, bits: 0x0000_ffff },
  // Volatile Write Cache.
  6: { initial: 1, bits: 1 },
  // Interrupt Coalescing, of which a controller may make less than it is asked for.
  8: { initial: 0, bits: 0xffff },
  // Interrupt Vector Configuration, of each vector.
  9: { initial: (vector) => vector, bits: 0x1_ffff, selects: 0xffff },
  // Write Atomicity Normal.
  10: { initial: 0, bits: 1 },
  [NVME_FEATURE_ASYNC_EVENTS]: { initial: 0, bits: 0x0000_01ff },
};

/** What a controller has of queues for features to tell. */
interface QueueCounts {
  readonly ioQueues: number;
  readonly hasIoQueues: boolean;
}

/** Get Features and Set Features (Base 2.0 §5.15, §5.27). */
export class Features {
  readonly #values = new Map<number, number>();

  /** The value of a feature that has one. */
  value(id: number): number {
    return this.#values.get(id) ?? initialOf(FEATURES[id], 0);
  }

  /** @returns the status, and Dword 0 */
  get(command: Command, { ioQueues }: QueueCounts): { readonly status: number; readonly result: number } {
    const id = command.dword(10) & 0xff;
    const select = (command.dword(10) >>> 8) & 0x7;
    if (id === NVME_FEATURE_NUMBER_OF_QUEUES) {
      return answer(select === SELECT_CAPABILITIES ? CHANGEABLE : queueCounts(ioQueues));
    }
    const feature = FEATURES[id];
    if (feature === undefined || select > SELECT_CAPABILITIES) return refuse(NVME_STATUS.invalidField);
    if (select === SELECT_CAPABILITIES) return answer(feature.bits === 0 ? 0 : CHANGEABLE);
    const selector = command.dword(11) & (feature.selects ?? 0);
    const initial = initialOf(feature, selector);
    return answer(select === SELECT_CURRENT ? (this.#values.get(keyOf(id, selector)) ?? initial) : initial);
  }

  set(command: Command, { ioQueues, hasIoQueues }: QueueCounts): { readonly status: number; readonly result: number } {
    const id = command.dword(10) & 0xff;
    const value = command.dword(11);
    if ((command.dword(10) & SAVE) !== 0) return refuse(NVME_STATUS.featureNotSaveable);
    if (id === NVME_FEATURE_NUMBER_OF_QUEUES) {
      if ((value & 0xffff) === 0xffff || value >>> 16 === 0xffff) return refuse(NVME_STATUS.invalidField);
      // Once, before any is created (§5.27.1.5).
      if (hasIoQueues) return refuse(NVME_STATUS.commandSequenceError);
      return answer(queueCounts(ioQueues));
    }
    const feature = FEATURES[id];
    if (feature === undefined || (value & ~feature.bits) !== 0) return refuse(NVME_STATUS.invalidField);
    const selector = value & (feature.selects ?? 0);
    this.#values.set(keyOf(id, selector), feature.plain === true ? value & ~selector : value);
    return answer(0);
  }

  /** Values that were not saved go with a Controller Level Reset. */
  reset(): void {
    this.#values.clear();
  }

  save(): readonly (readonly [number, number])[] {
    return [...this.#values];
  }

  restore(values: readonly (readonly [number, number])[]): void {
    this.#values.clear();
    for (const [id, value] of values) this.#values.set(id, value);
  }
}

function initialOf(feature: Feature | undefined, selector: number): number {
  const { initial } = feature ?? { initial: 0 };
  return typeof initial === "number" ? initial : initial(selector);
}

/** A selector has bits 21:0; a feature's id is the same without one. */
function keyOf(id: number, selector: number): number {
  return selector * 0x100 + id;
}

/** Submission and completion queues, both counted from 0. */
function queueCounts(ioQueues: number): number {
  return ((ioQueues - 1) | ((ioQueues - 1) << 16)) >>> 0;
}

function answer(result: number) {
  return { status: NVME_STATUS.success, result };
}

function refuse(status: number) {
  return { status: status | NVME_DNR, result: 0 };
}
