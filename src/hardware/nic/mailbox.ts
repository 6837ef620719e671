import { E1000_ICR_VMMB, type Interrupts } from "./interrupts.ts";
import type { RegisterFile } from "./register-file.ts";
import { DWORD, POOLS } from "./registers-82576.ts";

// As igb/e1000_mbx.h and igbvf/mbx.h name them.
export const E1000_P2VMAILBOX_STS = 0x01;
export const E1000_P2VMAILBOX_ACK = 0x02;
const E1000_P2VMAILBOX_VFU = 0x04;
export const E1000_P2VMAILBOX_PFU = 0x08;
const E1000_P2VMAILBOX_RVFU = 0x10;
export const E1000_V2PMAILBOX_REQ = 0x01;
export const E1000_V2PMAILBOX_ACK = 0x02;
export const E1000_V2PMAILBOX_VFU = 0x04;
const E1000_V2PMAILBOX_PFU = 0x08;
export const E1000_V2PMAILBOX_PFSTS = 0x10;
export const E1000_V2PMAILBOX_PFACK = 0x20;
export const E1000_V2PMAILBOX_RSTI = 0x40;
export const E1000_V2PMAILBOX_RSTD = 0x80;
export const E1000_V2PMAILBOX_R2C_BITS = 0xb0;
export const E1000_MBVFICR_VFREQ_VF1 = 0x0000_0001;
export const E1000_MBVFICR_VFACK_VF1 = 0x0001_0000;

/**
 * The mailbox between the PF and each VF (82576 data sheet §7.10.2): 64 bytes of memory, a lock that either side holds, and
 * bits that tell the other side. PFU and VFU exclude each other; REQ, ACK and STS only cause something.
 */
export class Mailbox {
  readonly #values: Uint32Array;
  readonly #interrupts: Interrupts;

  constructor(registers: RegisterFile, interrupts: Interrupts) {
    this.#values = registers.values;
    this.#interrupts = interrupts;
    registers.onWrite("P2VMAILBOX", (vf, value) => this.#writeP2v(vf, value));
    registers.onWrite("V2PMAILBOX", (vf, value) => this.#writeV2p(vf, value));
    registers.onRead("V2PMAILBOX", (vf) => {
      const value = this.#values[DWORD.V2PMAILBOX + vf] as number;
      this.#values[DWORD.V2PMAILBOX + vf] = value & ~E1000_V2PMAILBOX_R2C_BITS;
      return value;
    });
  }

  /** The PF's reset is done (CTRL_EXT.PFRSTD): VFs may talk to it again. */
  resetDone(): void {
    for (let vf = 0; vf < POOLS; vf++) {
      const value = this.#values[DWORD.V2PMAILBOX + vf] as number;
      this.#values[DWORD.V2PMAILBOX + vf] = (value & ~E1000_V2PMAILBOX_RSTI) | E1000_V2PMAILBOX_RSTD;
    }
  }

  /** A VF was reset: it holds the mailbox no more, and the PF is told, by the same cause as of a message. */
  vfReset(vf: number): void {
    this.#values[DWORD.V2PMAILBOX + vf] = (this.#values[DWORD.V2PMAILBOX + vf] as number) & ~E1000_V2PMAILBOX_VFU;
    this.#values[DWORD.P2VMAILBOX + vf] = (this.#values[DWORD.P2VMAILBOX + vf] as number) & ~E1000_P2VMAILBOX_VFU;
    this.#values[DWORD.VFLRE] = (this.#values[DWORD.VFLRE] as number) | (1 << vf);
    this.#interrupts.other(E1000_ICR_VMMB);
    this.#interrupts.flush();
  }

  #writeP2v(vf: number, value: number): void {
    const p2v = DWORD.P2VMAILBOX + vf;
    const v2p = DWORD.V2PMAILBOX + vf;
    const values = this.#values;
    if ((value & E1000_P2VMAILBOX_STS) !== 0) values[v2p] = (values[v2p] as number) | E1000_V2PMAILBOX_PFSTS;
    if ((value & E1000_P2VMAILBOX_ACK) !== 0) values[v2p] = (values[v2p] as number) | E1000_V2PMAILBOX_PFACK;
    if ((value & E1000_P2VMAILBOX_RVFU) !== 0) {
      values[p2v] = (values[p2v] as number) & ~E1000_P2VMAILBOX_VFU;
      values[v2p] = (values[v2p] as number) & ~E1000_V2PMAILBOX_VFU;
      const causes = (E1000_MBVFICR_VFREQ_VF1 | E1000_MBVFICR_VFACK_VF1) << vf;
      values[DWORD.MBVFICR] = (values[DWORD.MBVFICR] as number) & ~causes;
    }
    if ((value & E1000_P2VMAILBOX_PFU) === 0) {
      values[p2v] = (values[p2v] as number) & ~E1000_P2VMAILBOX_PFU;
      values[v2p] = (values[v2p] as number) & ~E1000_V2PMAILBOX_PFU;
    } else if (((values[p2v] as number) & E1000_P2VMAILBOX_VFU) === 0) {
      values[p2v] = (values[p2v] as number) | E1000_P2VMAILBOX_PFU;
      values[v2p] = (values[v2p] as number) | E1000_V2PMAILBOX_PFU;
    }
    if ((value & (E1000_P2VMAILBOX_STS | E1000_P2VMAILBOX_ACK)) !== 0) this.#interrupts.mailboxEvent(vf);
    this.#interrupts.flush();
  }

  #writeV2p(vf: number, value: number): void {
    const p2v = DWORD.P2VMAILBOX + vf;
    const v2p = DWORD.V2PMAILBOX + vf;
    const values = this.#values;
    if ((value & E1000_V2PMAILBOX_VFU) === 0) {
      values[p2v] = (values[p2v] as number) & ~E1000_P2VMAILBOX_VFU;
      values[v2p] = (values[v2p] as number) & ~E1000_V2PMAILBOX_VFU;
    } else if (((values[v2p] as number) & E1000_V2PMAILBOX_PFU) === 0) {
      values[p2v] = (values[p2v] as number) | E1000_P2VMAILBOX_VFU;
      values[v2p] = (values[v2p] as number) | E1000_V2PMAILBOX_VFU;
    }
    let causes = 0;
    if ((value & E1000_V2PMAILBOX_REQ) !== 0) causes |= E1000_MBVFICR_VFREQ_VF1 << vf;
    if ((value & E1000_V2PMAILBOX_ACK) !== 0) causes |= E1000_MBVFICR_VFACK_VF1 << vf;
    if (causes === 0) return;
    values[DWORD.MBVFICR] = (values[DWORD.MBVFICR] as number) | causes;
    if (((values[DWORD.MBVFIMR] as number) & (1 << vf)) !== 0) this.#interrupts.other(E1000_ICR_VMMB);
    this.#interrupts.flush();
  }
}
