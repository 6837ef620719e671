import type { PasidPrefix } from "../pasid-request.ts";
import type { EventInterrupt } from "./event-interrupt.ts";
import type { AddressType } from "./fault-reason.ts";
import type { RegisterFile } from "./register-file.ts";
import {
  DMA_FRCD_F,
  DMA_FSTS_IQE,
  DMA_FSTS_ITE,
  DMA_FSTS_PFO,
  DMA_FSTS_PPF,
  DMAR_FSTS_REG,
  DMAR_IQER_REG,
  FRCD_BYTES,
  FRCD_REG,
} from "./vtd-registers.ts";

const DMA_FSTS_ICE = 0x20;
/** Any of these set already: what comes after is no new interrupt condition (§10.4.10). */
const EVENT_STATUS = DMA_FSTS_PFO | DMA_FSTS_PPF | DMA_FSTS_IQE | DMA_FSTS_ICE | DMA_FSTS_ITE;
const FRI_SHIFT = 8;
const FRI_MASK = 0xff00;
const HIGH = 0x1_0000_0000;

/** Primary fault logging (VT-d §7.2.1): the fault recording registers and Fault Status. */
export class FaultLog {
  readonly #registers: RegisterFile;
  readonly #event: EventInterrupt;
  readonly #records: number;
  /** The recording register that is to be used next; they are used in turn. */
  #next = 0;

  constructor(registers: RegisterFile, event: EventInterrupt, records: number) {
    this.#registers = registers;
    this.#event = event;
    this.#records = records;
  }

  /**
   * A fault of a memory request: with its page, kind and address type.
   * @param address as the request has it
   */
  recordRequest(reason: number, requesterId: number, address: number, read: boolean, type: AddressType): void {
    this.#record(Math.floor(address / HIGH), address >>> 0, requesterId, reason | (type << 28) | (read ? 1 << 30 : 0));
  }

  /** A fault of a memory request with a PASID, which is in the record too (§10.4.14). */
  recordPasid(reason: number, requesterId: number, address: number, read: boolean, prefix: PasidPrefix): void {
    const { pasid, execute = false, privileged = false } = prefix;
    const flags = 2 ** 31 + (execute ? 2 ** 30 : 0) + (privileged ? 2 ** 29 : 0);
    const last = reason | (pasid << 8) | (read ? 1 << 30 : 0);
    this.#record(Math.floor(address / HIGH), address >>> 0, flags + requesterId, last);
  }

  /** A fault of an interrupt request; bits 63:48 are the index of its entry (§10.4.14). */
  recordInterrupt(reason: number, requesterId: number, index: number): void {
    this.#record(index << 16, 0, requesterId, reason);
  }

  #record(infoUpper: number, infoLower: number, requesterId: number, last: number): void {
    const registers = this.#registers;
    if (registers.get(DMAR_FSTS_REG) & DMA_FSTS_PFO) return;
    const offset = FRCD_REG + this.#next * FRCD_BYTES;
    if (registers.get(offset + 12) & DMA_FRCD_F) {
      registers.setBits(DMAR_FSTS_REG, DMA_FSTS_PFO);
      return;
    }
    registers.set(offset, (infoLower & 0xffff_f000) >>> 0);
    registers.set(offset + 4, infoUpper >>> 0);
    registers.set(offset + 8, requesterId);
    registers.set(offset + 12, (last | DMA_FRCD_F) >>> 0);
    const status = registers.get(DMAR_FSTS_REG);
    if ((status & DMA_FSTS_PPF) === 0) {
      // FRI: the first of those that are pending.
      registers.set(DMAR_FSTS_REG, ((status & ~FRI_MASK) | (this.#next << FRI_SHIFT) | DMA_FSTS_PPF) >>> 0);
    }
    this.#next = (this.#next + 1) % this.#records;
    if ((status & EVENT_STATUS) === 0) this.#event.raise();
  }

  /** The queue holds what hardware cannot do: it stops until software clears IQE (§6.5.2.10). */
  queueError(info: number): void {
    if ((this.#registers.get(DMAR_FSTS_REG) & DMA_FSTS_IQE) === 0) this.#registers.set(DMAR_IQER_REG, info);
    this.#setError(DMA_FSTS_IQE);
  }

  /** A device did not answer the invalidation of its TLB. */
  timeOutError(requesterId: number): void {
    if ((this.#registers.get(DMAR_FSTS_REG) & DMA_FSTS_ITE) === 0) {
      this.#registers.set(DMAR_IQER_REG + 4, requesterId);
    }
    this.#setError(DMA_FSTS_ITE);
  }

  #setError(bit: number): void {
    const status = this.#registers.get(DMAR_FSTS_REG);
    this.#registers.setBits(DMAR_FSTS_REG, bit);
    if ((status & EVENT_STATUS) === 0) this.#event.raise();
  }

  /** After software wrote Fault Status or a recording register: PPF is the OR of all F bits. */
  written(): void {
    let pending = false;
    for (let index = 0; index < this.#records; index++) {
      if (this.#registers.get(FRCD_REG + index * FRCD_BYTES + 12) & DMA_FRCD_F) pending = true;
    }
    if (!pending) this.#registers.clearBits(DMAR_FSTS_REG, DMA_FSTS_PPF);
    if ((this.#registers.get(DMAR_FSTS_REG) & EVENT_STATUS) === 0) this.#event.served();
  }

  /** Whether the invalidation queue stands still. */
  get queueStopped(): boolean {
    return (this.#registers.get(DMAR_FSTS_REG) & (DMA_FSTS_IQE | DMA_FSTS_ITE)) !== 0;
  }

  get next(): number {
    return this.#next;
  }

  restore(next: number): void {
    this.#next = next;
  }
}
