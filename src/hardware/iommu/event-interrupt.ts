import type { RegisterFile } from "./register-file.ts";
import { EVENT_IM, EVENT_IP } from "./vtd-registers.ts";

/** Sends an interrupt message of the unit's own: it is never remapped (VT-d §7.3). */
export type SendMessage = (address: number, data: number) => void;

/** Four registers that are alike for fault events (§10.4.10) and invalidation events (§10.4.25): control, data, address. */
export class EventInterrupt {
  readonly #registers: RegisterFile;
  readonly #control: number;
  readonly #send: SendMessage;

  constructor(registers: RegisterFile, controlOffset: number, send: SendMessage) {
    this.#registers = registers;
    this.#control = controlOffset;
    this.#send = send;
  }

  /** An interrupt condition: the message is sent, or kept pending while masked. */
  raise(): void {
    this.#registers.setBits(this.#control, EVENT_IP);
    this.controlWritten();
  }

  /** After the mask changed: what was pending goes out. */
  controlWritten(): void {
    const control = this.#registers.get(this.#control);
    if ((control & EVENT_IP) === 0 || (control & EVENT_IM) !== 0) return;
    this.#registers.clearBits(this.#control, EVENT_IP);
    this.#send(this.#registers.address(this.#control + 8, 3), this.#registers.get(this.#control + 4));
  }

  /** Software has served what there was: a message that is still pending is not sent any more. */
  served(): void {
    this.#registers.clearBits(this.#control, EVENT_IP);
  }
}
