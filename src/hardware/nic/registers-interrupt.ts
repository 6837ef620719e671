import type { RegisterSpec } from "./register-spec.ts";

/** Interrupts (82576 data sheet §8.8). What they do to each other is in interrupts.ts. */
export const INTERRUPT_REGISTERS = {
  ICR: { at: 0x000c0, access: "RC", aliases: [{ at: 0x01500 }] },
  ICS: { at: 0x000c8, access: "WO", aliases: [{ at: 0x01504 }] },
  IMS: { at: 0x000d0, access: "RW", aliases: [{ at: 0x01508 }] },
  IMC: { at: 0x000d8, access: "WO", aliases: [{ at: 0x0150c }] },
  IAM: { at: 0x000e0, access: "RW", aliases: [{ at: 0x01510 }] },
  GPIE: { at: 0x01514, access: "RW" },
  EICS: { at: 0x01520, access: "WO" },
  EIMS: { at: 0x01524, access: "RW" },
  EIMC: { at: 0x01528, access: "WO" },
  EIAC: { at: 0x0152c, access: "RW" },
  EIAM: { at: 0x01530, access: "RW" },
  EICR: { at: 0x01580, access: "RC" },
  EITR: { at: 0x01680, access: "RW", writable: 0x8000_7ffc, count: 25 },
  /** Of queues n and n + 8, from the low byte: Rx n, Tx n, Rx n + 8, Tx n + 8 (igb_assign_vector). */
  IVAR0: { at: 0x01700, access: "RW", writable: 0x9f9f_9f9f, count: 8 },
  /** The TCP timer's vector, then that of all causes in ICR. */
  IVAR_MISC: { at: 0x01740, access: "RW", writable: 0x9f9f },
  PBACL: { at: 0x05b68, access: "WO" },
} as const satisfies Readonly<Record<string, RegisterSpec>>;
