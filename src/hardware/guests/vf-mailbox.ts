import type { ModelClock } from "../clock.ts";
import {
  E1000_V2PMAILBOX_ACK,
  E1000_V2PMAILBOX_PFACK,
  E1000_V2PMAILBOX_PFSTS,
  E1000_V2PMAILBOX_R2C_BITS,
  E1000_V2PMAILBOX_REQ,
  E1000_V2PMAILBOX_RSTD,
  E1000_V2PMAILBOX_RSTI,
  E1000_V2PMAILBOX_VFU,
} from "../nic/mailbox.ts";
import { E1000 } from "../nic/registers-82576.ts";
import type { Mmio } from "./mmio.ts";

export const E1000_VFMAILBOX_SIZE = 16;
const E1000_VF_MBX_INIT_TIMEOUT = 2000;
const E1000_VF_MBX_INIT_DELAY_NS = 500_000;

export interface VfMailboxState {
  readonly v2pMailbox: number;
  readonly timeout: number;
}

/** A VF's side of the mailbox (igbvf/mbx.c). Waiting lets the model's time pass. */
export class VfMailbox {
  readonly #mmio: Mmio;
  readonly #clock: Pick<ModelClock, "advance">;
  /** Bits that a read has cleared, kept until they are asked about. */
  #v2pMailbox = 0;
  /** 0: the PF does not answer, all fails until a reset. */
  timeout = 0;

  constructor(mmio: Mmio, clock: Pick<ModelClock, "advance">, state?: VfMailboxState) {
    this.#mmio = mmio;
    this.#clock = clock;
    this.#v2pMailbox = state?.v2pMailbox ?? 0;
    this.timeout = state?.timeout ?? 0;
  }

  save(): VfMailboxState {
    return { v2pMailbox: this.#v2pMailbox, timeout: this.timeout };
  }

  /** After a reset, the PF may be talked to again. */
  restart(): void {
    this.timeout = E1000_VF_MBX_INIT_TIMEOUT;
  }

  /** e1000_check_for_rst_vf: whether the PF resets, or has. */
  checkForReset(): boolean {
    return this.#checkForBit(E1000_V2PMAILBOX_RSTD | E1000_V2PMAILBOX_RSTI);
  }

  /** e1000_write_posted_mbx: a message, until it is acknowledged. */
  writePosted(message: readonly number[]): boolean {
    if (this.timeout === 0 || !this.#write(message)) return false;
    return this.#poll(E1000_V2PMAILBOX_PFACK);
  }

  /** e1000_read_posted_mbx: the answer, when it comes. */
  readPosted(size: number): number[] | undefined {
    return this.#poll(E1000_V2PMAILBOX_PFSTS) ? this.read(size) : undefined;
  }

  read(size: number): number[] | undefined {
    if (!this.#lock()) return undefined;
    const message = Array.from({ length: size }, (_, word) => this.#mmio.read32(E1000.VMBMEM + word * 4));
    this.#mmio.write32(E1000.V2PMAILBOX, E1000_V2PMAILBOX_ACK);
    return message;
  }

  #write(message: readonly number[]): boolean {
    if (!this.#lock()) return false;
    this.#checkForBit(E1000_V2PMAILBOX_PFACK);
    this.#checkForBit(E1000_V2PMAILBOX_PFSTS);
    message.forEach((word, index) => {
      this.#mmio.write32(E1000.VMBMEM + index * 4, word >>> 0);
    });
    this.#mmio.write32(E1000.V2PMAILBOX, E1000_V2PMAILBOX_REQ);
    return true;
  }

  #lock(): boolean {
    this.#mmio.write32(E1000.V2PMAILBOX, E1000_V2PMAILBOX_VFU);
    return (this.#readV2p() & E1000_V2PMAILBOX_VFU) !== 0;
  }

  #poll(bit: number): boolean {
    for (let tries = this.timeout; tries > 0; tries--) {
      if (this.#checkForBit(bit)) return true;
      this.#clock.advance(E1000_VF_MBX_INIT_DELAY_NS);
    }
    this.timeout = 0;
    return false;
  }

  #checkForBit(mask: number): boolean {
    const value = this.#readV2p();
    this.#v2pMailbox &= ~mask;
    return (value & mask) !== 0;
  }

  #readV2p(): number {
    const value = this.#mmio.read32(E1000.V2PMAILBOX) | this.#v2pMailbox;
    this.#v2pMailbox |= value & E1000_V2PMAILBOX_R2C_BITS;
    return value;
  }
}
