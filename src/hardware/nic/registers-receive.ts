import type { RegisterSpec } from "./register-spec.ts";

const QUEUES = { count: 16, stride: 0x40 } as const;
/** The first four queues are at an older place too. */
const aliases = (at: number) => [{ at, stride: 0x100, count: 4 }];

/** Receive rings and filters (82576 data sheet §8.10, §8.11). Rings lie on 128 bytes. What can be written is
 * what igb's reg_test_82576 tests (igb_ethtool.c). */
export const RECEIVE_REGISTERS = {
  RCTL: { at: 0x00100, access: "RW" },
  QDE: { at: 0x02408, access: "RW", writable: 0xffff },
  RXCSUM: { at: 0x05000, access: "RW", reset: 0x300 },
  RLPML: { at: 0x05004, access: "RW", reset: 0x2600, writable: 0x3fff },
  RFCTL: { at: 0x05008, access: "RW" },
  MTA: { at: 0x05200, access: "RW", count: 128, aliases: [{ at: 0x00200, count: 128 }] },
  RAL: { at: 0x05400, access: "RW", count: 16, stride: 8, aliases: [{ at: 0x00040, stride: 8, count: 16 }] },
  RAH: {
    at: 0x05404,
    access: "RW",
    count: 16,
    stride: 8,
    writable: 0x83ff_ffff,
    aliases: [{ at: 0x00044, stride: 8, count: 16 }],
  },
  PSRTYPE: { at: 0x05480, access: "RW", count: 8 },
  RPLPSRTYPE: { at: 0x054c0, access: "RW" },
  /** Of receive addresses 16 to 23. */
  RAL2: { at: 0x054e0, access: "RW", count: 8, stride: 8 },
  RAH2: { at: 0x054e4, access: "RW", count: 8, stride: 8, writable: 0x83ff_ffff },
  SYNQF: { at: 0x055fc, access: "RW" },
  VLAPQF: { at: 0x055b0, access: "RW" },
  VFTA: { at: 0x05600, access: "RW", count: 128, aliases: [{ at: 0x00600, count: 128 }] },
  MRQC: { at: 0x05818, access: "RW" },
  SAQF: { at: 0x05980, access: "RW", count: 8 },
  DAQF: { at: 0x059a0, access: "RW", count: 8 },
  SPQF: { at: 0x059c0, access: "RW", count: 8 },
  FTQF: { at: 0x059e0, access: "RW", count: 8 },
  IMIR: { at: 0x05a80, access: "RW", count: 8 },
  IMIREXT: { at: 0x05aa0, access: "RW", count: 8 },
  IMIRVP: { at: 0x05ac0, access: "RW" },
  RETA: { at: 0x05c00, access: "RW", count: 32 },
  RSSRK: { at: 0x05c80, access: "RW", count: 10 },
  ETQF: { at: 0x05cb0, access: "RW", count: 8 },
  UTA: { at: 0x0a000, access: "RW", count: 128 },
  RDBAL: { at: 0x0c000, access: "RW", ...QUEUES, writable: 0xffff_ff80, aliases: aliases(0x02800) },
  RDBAH: { at: 0x0c004, access: "RW", ...QUEUES, aliases: aliases(0x02804) },
  RDLEN: { at: 0x0c008, access: "RW", ...QUEUES, writable: 0x000f_fff0, aliases: aliases(0x02808) },
  SRRCTL: { at: 0x0c00c, access: "RW", ...QUEUES, aliases: aliases(0x0280c) },
  RDH: { at: 0x0c010, access: "RW", ...QUEUES, writable: 0xffff, aliases: aliases(0x02810) },
  RXCTL: { at: 0x0c014, access: "RW", ...QUEUES, aliases: aliases(0x02814) },
  RDT: { at: 0x0c018, access: "RW", ...QUEUES, writable: 0xffff, aliases: aliases(0x02818) },
  /** WTHRESH 1. Queue 0 is enabled after reset, which igb_setup_rctl undoes. */
  RXDCTL: { at: 0x0c028, access: "RW", ...QUEUES, reset: 0x0001_0000, aliases: aliases(0x02828) },
  RQDPC: { at: 0x0c030, access: "RC", ...QUEUES, aliases: aliases(0x02830) },
} as const satisfies Readonly<Record<string, RegisterSpec>>;
