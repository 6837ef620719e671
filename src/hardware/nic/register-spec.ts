/**
 * How software may use a register: RO; RW; WO (reads as zero); RC, cleared by a read; RW1C, whose bits a written 1 clears;
 * RU, a counter that is read without being changed and wraps.
 */
type Access = "RO" | "RW" | "WO" | "RC" | "RW1C" | "RU";

/** A register of the card, or an array of them. What an access brings about besides is a hook's (register-file.ts). */
export interface RegisterSpec {
  /** Its offset in BAR 0; of the first, where it is an array. */
  readonly at: number;
  readonly access: Access;
  /** Its value after reset; zero where left out. */
  readonly reset?: number;
  /** The bits that a write changes; all where left out. */
  readonly writable?: number;
  readonly count?: number;
  /** Bytes from one of an array to the next; 4 where left out. */
  readonly stride?: number;
  /** Older places at which the first ones of it are found too. */
  readonly aliases?: readonly { readonly at: number; readonly stride?: number; readonly count?: number }[];
}
