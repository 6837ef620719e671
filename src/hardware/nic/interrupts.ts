import type { ModelClock, Timer } from "../clock.ts";
import type { DeviceState } from "../device-model.ts";
import type { DevicePort } from "../device-port.ts";
import type { RegisterFile } from "./register-file.ts";
import { DWORD } from "./registers-82576.ts";

const E1000_ICR_TXDW = 0x0000_0001;
export const E1000_ICR_LSC = 0x0000_0004;
const E1000_ICR_RXDW = 0x0000_0080;
export const E1000_ICR_VMMB = 0x0000_0100;
export const E1000_ICR_DOUTSYNC = 0x1000_0000;
const E1000_ICR_INT_ASSERTED = 0x8000_0000;
const E1000_GPIE_NSICR = 0x0000_0001;
const E1000_GPIE_MSIX_MODE = 0x0000_0010;
const E1000_GPIE_EIAME = 0x4000_0000;
const E1000_EITR_CNT_IGNR = 0x8000_0000;
const E1000_IVAR_VALID = 0x80;

/** Interrupt causes, and so MSI-X vectors, of the whole card. */
const VECTORS = 25;
const VECTOR_BITS = 0x01ff_ffff;
const VECTORS_OF_VF = 3;
/** The first cause of VF 0; each further VF's are three lower (82576 data sheet §7.3; QEMU's igb_set_vteics). */
const FIRST_OF_VF0 = 22;
const VF_BITS = (1 << VECTORS_OF_VF) - 1;
/** The registers in which a VF has three bits. */
const VF_MASKS = ["EICR", "EIMS", "EIAC", "EIAM"] as const;
const NS_PER_US = 1000;

/**
 * From causes to messages (82576 data sheet §7.3, §8.8). Each vector is a bit of EICR; those of VFs are at its upper end,
 * where only the VF changes them. A message is sent when a bit of EICR & EIMS becomes set, no sooner after the last one than
 * EITR says. Messages wait until `flush`, so that who receives one finds the card at rest.
 */
export class Interrupts {
  readonly #registers: RegisterFile;
  readonly #values: Uint32Array;
  readonly #clock: ModelClock;
  readonly #port: DevicePort;
  readonly #vfPorts: readonly DevicePort[];
  /** Until when each vector stays silent. */
  readonly #silentUntilNs = new Float64Array(VECTORS);
  readonly #timers: (Timer | undefined)[] = Array.from({ length: VECTORS }, () => undefined);
  #due = 0;
  /** A message without MSI-X, which has one vector. */
  #legacyDue = false;
  #flushing = false;
  /** The level of INTx, which there is without MSI-X alone. */
  #intx = false;
  /** The bits of EICR that belong to VFs. */
  #vfBits = 0;
  /** Those of VFs that are quiet, and of them those whose messages wait until they are not. */
  #quietBits = 0;
  #held = 0;
  #numVfs = 0;

  constructor(registers: RegisterFile, port: DevicePort, vfPorts: readonly DevicePort[]) {
    this.#registers = registers;
    this.#values = registers.values;
    this.#clock = port.clock;
    this.#port = port;
    this.#vfPorts = vfPorts;
    this.#installPfHooks();
    this.#installVfHooks();
  }

  set numVfs(numVfs: number) {
    this.#numVfs = numVfs;
    this.#vfBits = 0;
    for (let vf = 0; vf < numVfs; vf++) this.#vfBits |= VF_BITS << shiftOf(vf);
  }

  /** Vectors of these VFs send nothing; what they would have sent meanwhile is due when they may again. @param vfs a bit for each */
  setQuiet(vfs: number): void {
    this.#quietBits = 0;
    for (let vf = 0; vf < this.#numVfs; vf++) if ((vfs & (1 << vf)) !== 0) this.#quietBits |= VF_BITS << shiftOf(vf);
    const released = this.#held & ~this.#quietBits;
    if (released === 0) return;
    this.#held &= ~released;
    this.#due |= released;
    this.flush();
  }

  /** A descriptor of a queue was written back. */
  queueEvent(queue: number, transmit: boolean): void {
    const pool = queue & 7;
    const upper = queue >> 3;
    if (pool < this.#numVfs) {
      const entry = ((this.#values[DWORD.VTIVAR + pool] as number) >>> (upper * 16 + (transmit ? 8 : 0))) & 0xff;
      if ((entry & E1000_IVAR_VALID) !== 0) this.#raise((1 << (entry & 3)) << shiftOf(pool));
      return;
    }
    if (((this.#values[DWORD.GPIE] as number) & E1000_GPIE_MSIX_MODE) === 0) {
      this.other(transmit ? E1000_ICR_TXDW : E1000_ICR_RXDW);
      return;
    }
    const entry = ((this.#values[DWORD.IVAR0 + pool] as number) >>> (upper * 16 + (transmit ? 8 : 0))) & 0xff;
    if ((entry & E1000_IVAR_VALID) !== 0) this.#raise(1 << (entry & 0x1f));
  }

  /** The PF wrote a VF's mailbox, or acknowledged. */
  mailboxEvent(vf: number): void {
    const entry = this.#values[DWORD.VTIVAR_MISC + vf] as number;
    if ((entry & E1000_IVAR_VALID) !== 0) this.#raise((1 << (entry & 3)) << shiftOf(vf));
  }

  /** Causes of ICR, all of which share one vector with MSI-X. */
  other(causes: number): void {
    const before = this.#otherPending();
    this.#values[DWORD.ICR] = (this.#values[DWORD.ICR] as number) | causes;
    this.#afterOther(before);
  }

  /** Sends the messages that are due. Whoever receives one may use the card meanwhile. */
  flush(): void {
    this.#settleIntx();
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      while (this.#due !== 0 || this.#legacyDue) {
        const due = this.#due;
        this.#due = 0;
        for (let vector = 0; vector < VECTORS; vector++) if ((due & (1 << vector)) !== 0) this.#send(vector);
        if (this.#legacyDue) {
          this.#legacyDue = false;
          this.#count();
          this.#port.interrupt(0);
        }
      }
    } finally {
      this.#flushing = false;
    }
  }

  /** Forgets what a VF's vectors were about. */
  resetVf(vf: number): void {
    const bits = VF_BITS << shiftOf(vf);
    for (const name of VF_MASKS) {
      this.#values[DWORD[name]] = (this.#values[DWORD[name]] as number) & ~bits;
    }
    this.#due &= ~bits;
    this.#held &= ~bits;
    for (let vector = shiftOf(vf); vector < shiftOf(vf) + VECTORS_OF_VF; vector++) this.#resetVector(vector);
    this.#registers.reset("VTIVAR", vf);
    this.#registers.reset("VTIVAR_MISC", vf);
  }

  reset(): void {
    this.#due = 0;
    this.#held = 0;
    this.#legacyDue = false;
    for (let vector = 0; vector < VECTORS; vector++) this.#resetVector(vector);
    this.#settleIntx();
  }

  save(): DeviceState {
    const now = this.#clock.nowNs;
    return {
      due: this.#due | this.#held,
      legacyDue: this.#legacyDue,
      silentForNs: [...this.#silentUntilNs].map((until) => Math.max(0, until - now)),
      waiting: this.#timers.map((timer) => timer !== undefined),
    };
  }

  restore(state: DeviceState): void {
    const saved = state as { due: number; legacyDue: boolean; silentForNs: number[]; waiting: boolean[] };
    this.reset();
    this.#due = saved.due;
    this.#legacyDue = saved.legacyDue;
    saved.silentForNs.forEach((ns, vector) => {
      if (ns > 0) this.#silentUntilNs[vector] = this.#clock.nowNs + ns;
      if (saved.waiting[vector] === true) this.#waitForSilence(vector);
    });
  }

  /** A VF's causes, masks and intervals, which move with it. */
  saveVf(vf: number): DeviceState {
    const now = this.#clock.nowNs;
    const vectors = Array.from({ length: VECTORS_OF_VF }, (_, vector) => shiftOf(vf) + vector);
    return {
      masks: VF_MASKS.map((name) => ((this.#values[DWORD[name]] as number) >>> shiftOf(vf)) & VF_BITS),
      due: ((this.#due | this.#held) >>> shiftOf(vf)) & VF_BITS,
      intervals: vectors.map((vector) => this.#values[DWORD.EITR + vector] as number),
      silentForNs: vectors.map((vector) => Math.max(0, (this.#silentUntilNs[vector] as number) - now)),
      waiting: vectors.map((vector) => this.#timers[vector] !== undefined),
    };
  }

  restoreVf(vf: number, state: DeviceState): void {
    const saved = state as {
      masks: number[];
      due: number;
      intervals: number[];
      silentForNs: number[];
      waiting: boolean[];
    };
    VF_MASKS.forEach((name, index) => {
      this.#assign(DWORD[name], (saved.masks[index] as number) << shiftOf(vf), VF_BITS << shiftOf(vf));
    });
    this.#due |= saved.due << shiftOf(vf);
    saved.intervals.forEach((interval, index) => {
      const vector = shiftOf(vf) + index;
      this.#values[DWORD.EITR + vector] = interval;
      const ns = saved.silentForNs[index] as number;
      if (ns > 0) this.#silentUntilNs[vector] = this.#clock.nowNs + ns;
      if (saved.waiting[index] === true) this.#waitForSilence(vector);
    });
  }

  #resetVector(vector: number): void {
    this.#timers[vector]?.cancel();
    this.#timers[vector] = undefined;
    this.#silentUntilNs[vector] = 0;
  }

  #raise(bits: number): void {
    const cause = this.#values[DWORD.EICR] as number;
    this.#values[DWORD.EICR] = cause | bits;
    this.#due |= bits & ~cause & (this.#values[DWORD.EIMS] as number);
  }

  #send(vector: number): void {
    const bit = 1 << vector;
    if ((this.#quietBits & bit) !== 0) {
      this.#held |= bit;
      return;
    }
    if (((this.#values[DWORD.EICR] as number) & (this.#values[DWORD.EIMS] as number) & bit) === 0) return;
    if (this.#timers[vector] !== undefined) return;
    const now = this.#clock.nowNs;
    const intervalNs = ((this.#values[DWORD.EITR + vector] as number) >>> 2) * NS_PER_US;
    if (intervalNs !== 0 && now < (this.#silentUntilNs[vector] as number)) {
      this.#waitForSilence(vector);
      return;
    }
    this.#silentUntilNs[vector] = now + intervalNs;
    if (((this.#values[DWORD.EIAC] as number) & bit) !== 0) {
      this.#values[DWORD.EICR] = (this.#values[DWORD.EICR] as number) & ~bit;
    }
    if (((this.#values[DWORD.GPIE] as number) & E1000_GPIE_EIAME) !== 0) {
      this.#values[DWORD.EIMS] = (this.#values[DWORD.EIMS] as number) & ~((this.#values[DWORD.EIAM] as number) & bit);
    }
    this.#count();
    const vf = vfOf(vector);
    if (vf < this.#numVfs) this.#vfPorts[vf]?.interrupt(vector - shiftOf(vf));
    else this.#port.interrupt(vector);
  }

  #settleIntx(): void {
    const pending = ((this.#values[DWORD.GPIE] as number) & E1000_GPIE_MSIX_MODE) === 0 && this.#otherPending() !== 0;
    if (pending === this.#intx) return;
    this.#intx = pending;
    this.#port.setIntx(pending);
  }

  #waitForSilence(vector: number): void {
    const delayNs = (this.#silentUntilNs[vector] as number) - this.#clock.nowNs;
    this.#timers[vector] = this.#clock.schedule(delayNs, () => {
      this.#timers[vector] = undefined;
      this.#due |= 1 << vector;
      this.flush();
    });
  }

  #count(): void {
    const count = this.#values[DWORD.IAC] as number;
    if (count !== 0xffff_ffff) this.#values[DWORD.IAC] = count + 1;
  }

  #otherPending(): number {
    return (this.#values[DWORD.ICR] as number) & (this.#values[DWORD.IMS] as number);
  }

  /** Causes of ICR that were not pending, and now are, become a vector's. */
  #afterOther(before: number): void {
    if ((this.#otherPending() & ~before) === 0) return;
    this.#values[DWORD.ICR] = (this.#values[DWORD.ICR] as number) | E1000_ICR_INT_ASSERTED;
    if (((this.#values[DWORD.GPIE] as number) & E1000_GPIE_MSIX_MODE) === 0) {
      this.#legacyDue = true;
      return;
    }
    const entry = ((this.#values[DWORD.IVAR_MISC] as number) >>> 8) & 0xff;
    if ((entry & E1000_IVAR_VALID) !== 0) this.#raise(1 << (entry & 0x1f));
  }

  #installPfHooks(): void {
    const values = this.#values;
    const own = () => VECTOR_BITS & ~this.#vfBits;
    this.#registers.onRead("ICR", () => {
      const value = values[DWORD.ICR] as number;
      // §8.8.6: read to clear, but only a true interrupt's causes where GPIE.NSICR is 0 and something is unmasked.
      const nonSelective = ((values[DWORD.GPIE] as number) & E1000_GPIE_NSICR) !== 0;
      if (nonSelective || values[DWORD.IMS] === 0 || (value & E1000_ICR_INT_ASSERTED) !== 0) values[DWORD.ICR] = 0;
      this.#autoMask(value, nonSelective);
      this.#settleIntx();
      return value;
    });
    this.#registers.onWrite("ICR", (_, value) => {
      const old = values[DWORD.ICR] as number;
      values[DWORD.ICR] = old & ~value;
      if (this.#otherPending() === 0) {
        values[DWORD.ICR] = (values[DWORD.ICR] as number) & ~E1000_ICR_INT_ASSERTED;
      }
      this.#autoMask(old, ((values[DWORD.GPIE] as number) & E1000_GPIE_NSICR) !== 0);
      this.#settleIntx();
    });
    this.#registers.onWrite("ICS", (_, value) => {
      this.other(value & ~E1000_ICR_INT_ASSERTED);
      this.flush();
    });
    this.#registers.onWrite("IMS", (_, value) => {
      const before = this.#otherPending();
      values[DWORD.IMS] = ((values[DWORD.IMS] as number) | value) & ~E1000_ICR_INT_ASSERTED;
      this.#afterOther(before);
      this.flush();
    });
    // §8.8.10: reading IMC gives IMS.
    this.#registers.onRead("IMC", () => values[DWORD.IMS] as number);
    this.#registers.onWrite("IMC", (_, value) => {
      values[DWORD.IMS] = (values[DWORD.IMS] as number) & ~value;
      this.#settleIntx();
    });
    this.#registers.onWrite("EICS", (_, value) => this.#set(value & own()));
    this.#registers.onWrite("EIMS", (_, value) => this.#unmask(value & own()));
    this.#registers.onWrite("EIMC", (_, value) => this.#mask(value & own()));
    this.#registers.onWrite("EIAC", (_, value) => this.#assign(DWORD.EIAC, value, own()));
    this.#registers.onWrite("EIAM", (_, value) => this.#assign(DWORD.EIAM, value, own()));
    this.#registers.onRead("EICR", () => this.#takeCauses(own()));
    this.#registers.onWrite("EICR", (_, value) => this.#clearCauses(value & own()));
    this.#registers.onWrite("EITR", (vector, value) => this.#writeEitr(vector, value));
  }

  #installVfHooks(): void {
    const values = this.#values;
    const registers = this.#registers;
    const view = (dword: number, vf: number) => ((values[dword] as number) >>> shiftOf(vf)) & VF_BITS;
    const bits = (vf: number, value: number) => (value & VF_BITS) << shiftOf(vf);
    registers.onWrite("PVTEICS", (vf, value) => this.#set(bits(vf, value)));
    registers.onRead("PVTEIMS", (vf) => view(DWORD.EIMS, vf));
    registers.onWrite("PVTEIMS", (vf, value) => this.#unmask(bits(vf, value)));
    registers.onRead("PVTEIMC", (vf) => view(DWORD.EIMS, vf));
    registers.onWrite("PVTEIMC", (vf, value) => this.#mask(bits(vf, value)));
    registers.onRead("PVTEIAC", (vf) => view(DWORD.EIAC, vf));
    registers.onWrite("PVTEIAC", (vf, value) => this.#assign(DWORD.EIAC, bits(vf, value), bits(vf, VF_BITS)));
    registers.onRead("PVTEIAM", (vf) => view(DWORD.EIAM, vf));
    registers.onWrite("PVTEIAM", (vf, value) => this.#assign(DWORD.EIAM, bits(vf, value), bits(vf, VF_BITS)));
    registers.onRead("PVTEICR", (vf) => this.#takeCauses(bits(vf, VF_BITS)) >>> shiftOf(vf));
    registers.onWrite("PVTEICR", (vf, value) => this.#clearCauses(bits(vf, value)));
  }

  /** @param value with CNT_IGNR, unless the interval is to begin anew */
  #writeEitr(vector: number, value: number): void {
    this.#values[DWORD.EITR + vector] = value & 0x7ffc;
    if ((value & E1000_EITR_CNT_IGNR) !== 0) return;
    this.#silentUntilNs[vector] = 0;
    const timer = this.#timers[vector];
    if (timer === undefined) return;
    timer.cancel();
    this.#timers[vector] = undefined;
    this.#due |= 1 << vector;
    this.flush();
  }

  /** IAM masks what a read or write of ICR acknowledged. */
  #autoMask(causes: number, nonSelective: boolean): void {
    if (!nonSelective && ((causes & E1000_ICR_INT_ASSERTED) === 0 || this.#values[DWORD.IMS] === 0)) return;
    this.#values[DWORD.IMS] = (this.#values[DWORD.IMS] as number) & ~(this.#values[DWORD.IAM] as number);
  }

  /** EICS: causes by software, which EIAM also unmasks (igbvf_intr_msix_tx relies on it). */
  #set(bits: number): void {
    this.#values[DWORD.EIMS] = (this.#values[DWORD.EIMS] as number) | (bits & (this.#values[DWORD.EIAM] as number));
    this.#raise(bits);
    this.flush();
  }

  #unmask(bits: number): void {
    const masked = bits & ~(this.#values[DWORD.EIMS] as number);
    this.#values[DWORD.EIMS] = (this.#values[DWORD.EIMS] as number) | bits;
    this.#due |= masked & (this.#values[DWORD.EICR] as number);
    this.flush();
  }

  #mask(bits: number): void {
    this.#values[DWORD.EIMS] = (this.#values[DWORD.EIMS] as number) & ~bits;
  }

  #assign(dword: number, value: number, bits: number): void {
    this.#values[dword] = ((this.#values[dword] as number) & ~bits) | (value & bits);
  }

  #takeCauses(bits: number): number {
    const causes = (this.#values[DWORD.EICR] as number) & bits;
    this.#clearCauses(causes);
    return causes;
  }

  #clearCauses(bits: number): void {
    this.#values[DWORD.EICR] = (this.#values[DWORD.EICR] as number) & ~bits;
    // Without EIAME, it is the read or write of EICR that masks, not the message.
    if (((this.#values[DWORD.GPIE] as number) & E1000_GPIE_EIAME) === 0) {
      this.#mask(bits & (this.#values[DWORD.EIAM] as number));
    }
  }
}

/** Where a VF's three causes begin in EICR. */
export function shiftOf(vf: number): number {
  return FIRST_OF_VF0 - vf * VECTORS_OF_VF;
}

/** Which VF a vector would belong to; beyond all of them for those that are always the PF's. */
function vfOf(vector: number): number {
  return Math.floor((FIRST_OF_VF0 + VECTORS_OF_VF - 1 - vector) / VECTORS_OF_VF);
}
