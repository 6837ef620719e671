import type { DeviceState } from "../device-model.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Receiver } from "./receive.ts";
import type { RegisterFile } from "./register-file.ts";
import { DWORD, POOLS, QUEUE_DWORDS, type RegisterName, VF_DWORDS } from "./registers-82576.ts";
import type { Transmitter } from "./transmit.ts";

const RECEIVE: readonly RegisterName[] = [
  "RDBAL",
  "RDBAH",
  "RDLEN",
  "SRRCTL",
  "RDH",
  "RXCTL",
  "RDT",
  "RXDCTL",
  "RQDPC",
];
const TRANSMIT: readonly RegisterName[] = [
  "TDBAL",
  "TDBAH",
  "TDLEN",
  "TDH",
  "TXCTL",
  "TDT",
  "TXDCTL",
  "TDWBAL",
  "TDWBAH",
];
const COUNTERS: readonly RegisterName[] = [
  "PVFGPRC",
  "PVFGPTC",
  "PVFGORC",
  "PVFGOTC",
  "PVFMPRC",
  "PVFGPRLBC",
  "PVFGPTLBC",
  "PVFGORLBC",
  "PVFGOTLBC",
];
const MAILBOX_DWORDS = 16;

interface SavedVf {
  readonly queues: number[];
  readonly counters: number[];
  readonly mailbox: number[];
  readonly own: number[];
  readonly interrupts: DeviceState;
  readonly contexts: DeviceState;
}

/** What of the card's state is a VF's: what its reset clears, and what moves with it. */
export class VfState {
  readonly #registers: RegisterFile;
  readonly #interrupts: Interrupts;
  readonly #receiver: Receiver;
  readonly #transmitter: Transmitter;

  constructor(registers: RegisterFile, interrupts: Interrupts, receiver: Receiver, transmitter: Transmitter) {
    this.#registers = registers;
    this.#interrupts = interrupts;
    this.#receiver = receiver;
    this.#transmitter = transmitter;
  }

  /** Queues and interrupts as after reset. Counters go on (igbvf_initialize_last_counter_stats reads where they begin). */
  reset(vf: number): void {
    for (const queue of [vf, vf + POOLS]) {
      for (const name of [...RECEIVE, ...TRANSMIT]) this.#registers.reset(name, queue);
      this.#receiver.forget(queue);
      this.#transmitter.forget(queue);
    }
    this.#interrupts.resetVf(vf);
  }

  save(vf: number): DeviceState {
    const values = this.#registers.values;
    const saved: SavedVf = {
      queues: this.#queueDwords(vf).map((dword) => values[dword] as number),
      counters: COUNTERS.map((name) => values[DWORD[name] + vf * VF_DWORDS] as number),
      mailbox: [...values.subarray(...mailboxRange(vf))],
      own: ownDwords(vf).map((dword) => values[dword] as number),
      interrupts: this.#interrupts.saveVf(vf),
      contexts: this.#transmitter.saveContexts(vf),
    };
    return saved;
  }

  /** A state is of numbers in fixed places: as many, of the same kinds, as the VF's own. */
  accepts(vf: number, state: DeviceState): boolean {
    return hasShapeOf(this.save(vf), state);
  }

  restore(vf: number, state: DeviceState): void {
    const { queues, counters, mailbox, own, interrupts, contexts } = state as SavedVf;
    const values = this.#registers.values;
    this.reset(vf);
    this.#queueDwords(vf).forEach((dword, index) => {
      values[dword] = queues[index] as number;
    });
    COUNTERS.forEach((name, index) => {
      values[DWORD[name] + vf * VF_DWORDS] = counters[index] as number;
    });
    values.set(mailbox, mailboxRange(vf)[0]);
    ownDwords(vf).forEach((dword, index) => {
      values[dword] = own[index] as number;
    });
    this.#interrupts.restoreVf(vf, interrupts);
    this.#transmitter.restoreContexts(vf, contexts);
    this.#transmitter.kick((1 << vf) | (1 << (vf + POOLS)));
  }

  #queueDwords(vf: number): readonly number[] {
    return [vf, vf + POOLS].flatMap((queue) =>
      [...RECEIVE, ...TRANSMIT].map((name) => DWORD[name] + queue * QUEUE_DWORDS),
    );
  }
}

/** Registers are of 32 bits; how long a vector is silent, below any EITR's longest interval. */
function hasShapeOf(own: unknown, given: unknown): boolean {
  if (typeof own === "number") return typeof given === "number" && given >= 0 && given <= 0xffff_ffff;
  if (typeof own !== "object" || own === null) return typeof given === typeof own;
  if (typeof given !== "object" || given === null || Array.isArray(own) !== Array.isArray(given)) return false;
  const keys = Object.keys(own);
  return (
    Object.keys(given).length === keys.length &&
    keys.every((key) => hasShapeOf(own[key as keyof typeof own], (given as Record<string, unknown>)[key]))
  );
}

function mailboxRange(vf: number): [number, number] {
  const first = DWORD.VMBMEM + vf * MAILBOX_DWORDS;
  return [first, first + MAILBOX_DWORDS];
}

function ownDwords(vf: number): readonly number[] {
  return [DWORD.VTIVAR + vf, DWORD.VTIVAR_MISC + vf, DWORD.V2PMAILBOX + vf, DWORD.P2VMAILBOX + vf, DWORD.PSRTYPE + vf];
}
