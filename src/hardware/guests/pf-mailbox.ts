import {
  E1000_MBVFICR_VFACK_VF1,
  E1000_MBVFICR_VFREQ_VF1,
  E1000_P2VMAILBOX_ACK,
  E1000_P2VMAILBOX_PFU,
  E1000_P2VMAILBOX_STS,
} from "../nic/mailbox.ts";
import { E1000 } from "../nic/registers-82576.ts";
import type { Mmio } from "./mmio.ts";

const MAILBOX_BYTES = 64;
const MAILBOX_WORDS = 16;

/** The PF's side of all mailboxes (igb/e1000_mbx.c). */
export class PfMailbox {
  readonly #mmio: Mmio;

  constructor(mmio: Mmio) {
    this.#mmio = mmio;
  }

  /** igb_check_for_msg_pf. */
  hasMessage(vf: number): boolean {
    return this.#take(E1000.MBVFICR, E1000_MBVFICR_VFREQ_VF1 << vf);
  }

  /** igb_check_for_ack_pf. */
  hasAck(vf: number): boolean {
    return this.#take(E1000.MBVFICR, E1000_MBVFICR_VFACK_VF1 << vf);
  }

  /** igb_check_for_rst_pf. */
  hasReset(vf: number): boolean {
    return this.#take(E1000.VFLRE, 1 << vf);
  }

  /** igb_write_mbx_pf. @returns false where the VF holds the mailbox */
  write(vf: number, message: readonly number[]): boolean {
    if (!this.#lock(vf)) return false;
    this.hasMessage(vf);
    this.hasAck(vf);
    message.forEach((word, index) => {
      this.#mmio.write32(E1000.VMBMEM + vf * MAILBOX_BYTES + index * 4, word >>> 0);
    });
    this.#mmio.write32(E1000.P2VMAILBOX + vf * 4, E1000_P2VMAILBOX_STS);
    return true;
  }

  /** igb_read_mbx_pf, which keeps the mailbox locked: the answer is written next, or `unlock` called. */
  read(vf: number): number[] | undefined {
    if (!this.#lock(vf)) return undefined;
    const at = E1000.VMBMEM + vf * MAILBOX_BYTES;
    const message = Array.from({ length: MAILBOX_WORDS }, (_, word) => this.#mmio.read32(at + word * 4));
    this.#mmio.write32(E1000.P2VMAILBOX + vf * 4, E1000_P2VMAILBOX_ACK | E1000_P2VMAILBOX_PFU);
    return message;
  }

  /** igb_unlock_mbx. */
  unlock(vf: number): void {
    const value = this.#mmio.read32(E1000.P2VMAILBOX + vf * 4);
    if ((value & E1000_P2VMAILBOX_PFU) !== 0) {
      this.#mmio.write32(E1000.P2VMAILBOX + vf * 4, value & ~E1000_P2VMAILBOX_PFU);
    }
  }

  #take(register: number, bit: number): boolean {
    if ((this.#mmio.read32(register) & bit) === 0) return false;
    this.#mmio.write32(register, bit);
    return true;
  }

  /** igb_obtain_mbx_lock_pf. */
  #lock(vf: number): boolean {
    this.#mmio.write32(E1000.P2VMAILBOX + vf * 4, E1000_P2VMAILBOX_PFU);
    return (this.#mmio.read32(E1000.P2VMAILBOX + vf * 4) & E1000_P2VMAILBOX_PFU) !== 0;
  }
}
