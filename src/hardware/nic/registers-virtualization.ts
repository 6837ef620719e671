import type { RegisterSpec } from "./register-spec.ts";

const VFS = { count: 8, stride: 0x100 } as const;

/** Mailboxes, pools, the switch, and what VFs see (82576 data sheet §8.14, §8.26). */
export const VIRTUALIZATION_REGISTERS = {
  VMBMEM: { at: 0x00800, access: "RW", count: 128 },
  P2VMAILBOX: { at: 0x00c00, access: "RW", count: 8 },
  /** RSTI, until the PF says that its reset is done. */
  V2PMAILBOX: { at: 0x00c40, access: "RW", reset: 0x40, count: 8 },
  MBVFICR: { at: 0x00c80, access: "RW1C" },
  MBVFIMR: { at: 0x00c84, access: "RW", reset: 0xff },
  VFLRE: { at: 0x00c88, access: "RW1C" },
  VFRE: { at: 0x00c8c, access: "RW", reset: 0xff, writable: 0xff },
  VFTE: { at: 0x00c90, access: "RW", reset: 0xff, writable: 0xff },
  DTXSWC: { at: 0x03500, access: "RW" },
  WVBR: { at: 0x03554, access: "RC" },
  VMVIR: { at: 0x03700, access: "RW", count: 8 },
  VT_CTL: { at: 0x0581c, access: "RW" },
  TXSWC: { at: 0x05acc, access: "RW" },
  VMOLR: { at: 0x05ad0, access: "RW", reset: 0x8000_2600, count: 8 },
  RPLOLR: { at: 0x05af0, access: "RW", reset: 0x8000_0000 },
  IOVCTL: { at: 0x05bbc, access: "RW" },
  VLVF: { at: 0x05d00, access: "RW", count: 32 },
  VMRCTL: { at: 0x05d80, access: "RW", writable: 0x70f, count: 4 },
  VMRVLAN: { at: 0x05d90, access: "RW", count: 4 },
  VMRVM: { at: 0x05da0, access: "RW", writable: 0xff, count: 4 },
  PVTCTRL: { at: 0x10000, access: "WO", ...VFS },
  PVFGPRC: { at: 0x10010, access: "RU", ...VFS },
  PVFGPTC: { at: 0x10014, access: "RU", ...VFS },
  PVFGORC: { at: 0x10018, access: "RU", ...VFS },
  PVTEICS: { at: 0x10020, access: "WO", ...VFS },
  PVTEIMS: { at: 0x10024, access: "RW", ...VFS },
  PVTEIMC: { at: 0x10028, access: "WO", ...VFS },
  PVTEIAC: { at: 0x1002c, access: "RW", ...VFS },
  PVTEIAM: { at: 0x10030, access: "RW", ...VFS },
  PVFGOTC: { at: 0x10034, access: "RU", ...VFS },
  PVFMPRC: { at: 0x1003c, access: "RU", ...VFS },
  PVFGPRLBC: { at: 0x10040, access: "RU", ...VFS },
  PVFGPTLBC: { at: 0x10044, access: "RU", ...VFS },
  PVFGORLBC: { at: 0x10048, access: "RU", ...VFS },
  PVFGOTLBC: { at: 0x10050, access: "RU", ...VFS },
  PVTEICR: { at: 0x10080, access: "RC", ...VFS },
  /** A VF's VTIVAR and VTIVAR_MISC, which the PF has no address for: these places are the model's own, as in QEMU. */
  VTIVAR: { at: 0x11700, access: "RW", writable: 0x8383_8383, count: 8 },
  VTIVAR_MISC: { at: 0x11720, access: "RW", writable: 0x83, count: 8 },
} as const satisfies Readonly<Record<string, RegisterSpec>>;
