import type { DeviceState, MigratableModel, Quiet, ResetKind } from "../device-model.ts";
import { shiftOf } from "./interrupts.ts";
import { E1000, QUEUE_DWORDS } from "./registers-82576.ts";

/** BAR 0 of a VF. BAR 3, with the MSI-X table, is its function's own. */
const VF_BAR0_BYTES = 0x4000;
const REGISTER_BLOCK = 0x100;
const MAILBOX_BYTES = 64;
const QUEUE_BYTES = QUEUE_DWORDS * 4;
const E1000_VFGPRC = 0x00f10;
const E1000_VFGPTC = 0x00f14;
const E1000_VFGORC = 0x00f18;
const E1000_VFGOTC = 0x00f34;
const E1000_VFMPRC = 0x00f3c;
const E1000_VFGPRLBC = 0x00f40;
const E1000_VFGPTLBC = 0x00f44;
const E1000_VFGORLBC = 0x00f48;
const E1000_VFGOTLBC = 0x00f50;
const VF_PBACL = 0x00f04;
const VF_PSRTYPE = 0x00f0c;
const ALL_ONES = 0xffff_ffff;

/** What a VF needs of its card. */
export interface VfCard {
  read(offset: number): number;
  write(offset: number, value: number): void;
  /** What a VF reads as STATUS. */
  vfStatus(vfIndex: number): number;
  resetVf(vfIndex: number): void;
  saveVf(vfIndex: number): DeviceState;
  restoreVf(vfIndex: number, state: DeviceState): void;
  vfAccepts(vfIndex: number, state: DeviceState): boolean;
  vfQuiet(vfIndex: number): Quiet;
  setVfQuiet(vfIndex: number, quiet: Quiet): void;
}

/**
 * Where each register of VF n is in the PF's space (82576 data sheet §8.26; igbvf/regs.h; QEMU's vf_to_pf_addr): its queues
 * 0 and 1 are queues n and n + 8 of the card.
 */
function vfRegisters(vf: number): Int32Array {
  const map = new Int32Array(VF_BAR0_BYTES >> 2).fill(-1);
  const put = (offset: number, target: number) => {
    map[offset >> 2] = target;
  };
  const perVf: readonly (readonly [number, number])[] = [
    [E1000.CTRL, E1000.PVTCTRL],
    [E1000.EICS, E1000.PVTEICS],
    [E1000.EIMS, E1000.PVTEIMS],
    [E1000.EIMC, E1000.PVTEIMC],
    [E1000.EIAC, E1000.PVTEIAC],
    [E1000.EIAM, E1000.PVTEIAM],
    [E1000.EICR, E1000.PVTEICR],
    [E1000_VFGPRC, E1000.PVFGPRC],
    [E1000_VFGPTC, E1000.PVFGPTC],
    [E1000_VFGORC, E1000.PVFGORC],
    [E1000_VFGOTC, E1000.PVFGOTC],
    [E1000_VFMPRC, E1000.PVFMPRC],
    [E1000_VFGPRLBC, E1000.PVFGPRLBC],
    [E1000_VFGPTLBC, E1000.PVFGPTLBC],
    [E1000_VFGORLBC, E1000.PVFGORLBC],
    [E1000_VFGOTLBC, E1000.PVFGOTLBC],
  ];
  for (const [offset, target] of perVf) put(offset, target + vf * REGISTER_BLOCK);
  put(0x00004, E1000.PVTCTRL + vf * REGISTER_BLOCK);
  put(E1000.FRTIMER, E1000.FRTIMER);
  put(E1000.IVAR0, E1000.VTIVAR + vf * 4);
  put(E1000.IVAR_MISC, E1000.VTIVAR_MISC + vf * 4);
  put(VF_PBACL, E1000.PBACL);
  put(VF_PSRTYPE, E1000.PSRTYPE + vf * 4);
  put(E1000.V2PMAILBOX, E1000.V2PMAILBOX + vf * 4);
  for (let vector = 0; vector < 3; vector++) {
    put(E1000.EITR + vector * 4, E1000.EITR + (shiftOf(vf) + vector) * 4);
  }
  for (let byte = 0; byte < MAILBOX_BYTES; byte += 4) {
    put(E1000.VMBMEM + byte, E1000.VMBMEM + vf * MAILBOX_BYTES + byte);
  }
  const rx = ["RDBAL", "RDBAH", "RDLEN", "SRRCTL", "RDH", "RXCTL", "RDT", "RXDCTL", "RQDPC"] as const;
  const tx = ["TDBAL", "TDBAH", "TDLEN", "TDH", "TXCTL", "TDT", "TXDCTL", "TDWBAL", "TDWBAH"] as const;
  for (let queue = 0; queue < 2; queue++) {
    const from = (vf + queue * 8) * QUEUE_BYTES;
    for (const name of rx) put(0x2800 + queue * 0x100 + E1000[name] - E1000.RDBAL, E1000[name] + from);
    for (const name of tx) put(0x3800 + queue * 0x100 + E1000[name] - E1000.TDBAL, E1000[name] + from);
  }
  return map;
}

/** A VF of an 82576: a window on its part of the card. */
export class Vf82576 implements MigratableModel {
  readonly stateKind = "82576 VF";
  readonly stateVersion = 1;
  readonly #card: VfCard;
  readonly #vfIndex: number;
  readonly #registers: Int32Array;

  constructor(card: VfCard, vfIndex: number) {
    this.#card = card;
    this.#vfIndex = vfIndex;
    this.#registers = vfRegisters(vfIndex);
  }

  readBar(bar: number, offset: number, size: 1 | 2 | 4): number {
    if (bar !== 0) return 0;
    if (this.quiet === "all") return ALL_ONES >>> (32 - size * 8);
    const value = this.#read(offset & ~3);
    if (size === 4) return value;
    return (value >>> ((offset & 3) * 8)) & (size === 2 ? 0xffff : 0xff);
  }

  /** Registers are written as dwords only (82576 data sheet §8.1). */
  writeBar(bar: number, offset: number, size: 1 | 2 | 4, value: number): void {
    if (bar !== 0 || size !== 4 || this.quiet === "all") return;
    const target = this.#registers[offset >> 2] ?? -1;
    if (target >= 0 && target !== E1000.FRTIMER) this.#card.write(target, value);
  }

  reset(_kind: ResetKind): void {
    this.#card.resetVf(this.#vfIndex);
  }

  get quiet(): Quiet {
    return this.#card.vfQuiet(this.#vfIndex);
  }

  set quiet(quiet: Quiet) {
    this.#card.setVfQuiet(this.#vfIndex, quiet);
  }

  accepts(state: DeviceState): boolean {
    return this.#card.vfAccepts(this.#vfIndex, state);
  }

  save(): DeviceState {
    return this.#card.saveVf(this.#vfIndex);
  }

  restore(state: DeviceState): void {
    this.#card.restoreVf(this.#vfIndex, state);
  }

  #read(offset: number): number {
    if (offset === E1000.STATUS) return this.#card.vfStatus(this.#vfIndex);
    const target = this.#registers[offset >> 2] ?? -1;
    return target < 0 ? 0 : this.#card.read(target);
  }
}
