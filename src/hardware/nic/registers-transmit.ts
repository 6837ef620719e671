import type { RegisterSpec } from "./register-spec.ts";

const QUEUES = { count: 16, stride: 0x40 } as const;
/** The first four queues are at an older place too. */
const aliases = (at: number) => [{ at, stride: 0x100, count: 4 }];

/** Transmit rings and the rate scheduler (82576 data sheet §8.12). */
export const TRANSMIT_REGISTERS = {
  /** PSP, CT 15, COLD 0x40, and reserved ones. */
  TCTL: { at: 0x00400, access: "RW", reset: 0xa404_00f8 },
  TCTL_EXT: { at: 0x00404, access: "RW", reset: 0x0001_0840 },
  TIPG: { at: 0x00410, access: "RW", reset: 0x0060_1008 },
  /** 8023LL, SPOOF_INT. */
  DTXCTL: { at: 0x03590, access: "RW", reset: 0x44 },
  RTTDQSEL: { at: 0x03604, access: "RW", writable: 0xf },
  RTTBCNRM: { at: 0x03690, access: "RW" },
  /** Of the queue that RTTDQSEL selects. */
  RTTBCNRC: { at: 0x036b0, access: "RW" },
  TDBAL: { at: 0x0e000, access: "RW", ...QUEUES, writable: 0xffff_ff80, aliases: aliases(0x03800) },
  TDBAH: { at: 0x0e004, access: "RW", ...QUEUES, aliases: aliases(0x03804) },
  TDLEN: { at: 0x0e008, access: "RW", ...QUEUES, writable: 0x000f_fff0, aliases: aliases(0x03808) },
  TDH: { at: 0x0e010, access: "RW", ...QUEUES, writable: 0xffff, aliases: aliases(0x03810) },
  TXCTL: { at: 0x0e014, access: "RW", ...QUEUES, reset: 0x2a00, aliases: aliases(0x03814) },
  TDT: { at: 0x0e018, access: "RW", ...QUEUES, writable: 0xffff, aliases: aliases(0x03818) },
  TXDCTL: { at: 0x0e028, access: "RW", ...QUEUES, aliases: aliases(0x03828) },
  TDWBAL: { at: 0x0e038, access: "RW", ...QUEUES, writable: 0xffff_fffd, aliases: aliases(0x03838) },
  TDWBAH: { at: 0x0e03c, access: "RW", ...QUEUES, aliases: aliases(0x0383c) },
} as const satisfies Readonly<Record<string, RegisterSpec>>;
