import type { RegisterSpec } from "./register-spec.ts";

/**
 * General control, EEPROM, flow control, PCIe, semaphores, wake-up, PCS, time (82576 data sheet §8.2 to §8.7, §8.15 to
 * §8.17, §8.20). Names and offsets as in Linux's igb/e1000_regs.h; values after reset as QEMU's igb_core.c has them too.
 */
export const GENERAL_REGISTERS = {
  /** FD, LRST, SPD_1000, ADVD3WUC. */
  CTRL: { at: 0x00000, access: "RW", reset: 0x0010_0209, aliases: [{ at: 0x00004 }] },
  /** PHYRA (cleared by writing it as zero); what else it says is put together when it is read. */
  STATUS: { at: 0x00008, access: "RO", reset: 0x8000_0400 },
  /** FWE disabled, EEPROM present, automatic read done, 256 words. */
  EECD: { at: 0x00010, access: "RW", reset: 0x0000_1310, writable: 0x0000_007f },
  EERD: { at: 0x00014, access: "RW" },
  /** LINK_MODE 00b: the internal copper PHY (igb_get_invariants_82575). */
  CTRL_EXT: { at: 0x00018, access: "RW" },
  MDIC: { at: 0x00020, access: "RW", reset: 0x1000_0000 },
  SCTL: { at: 0x00024, access: "RW" },
  FCAL: { at: 0x00028, access: "RW" },
  FCAH: { at: 0x0002c, access: "RW", writable: 0xffff },
  FCT: { at: 0x00030, access: "RW", writable: 0xffff },
  CONNSW: { at: 0x00034, access: "RW" },
  VET: { at: 0x00038, access: "RW", reset: 0x8100_8100 },
  FCTTV: { at: 0x00170, access: "RW", writable: 0xffff },
  LEDCTL: { at: 0x00e00, access: "RW", reset: 0x0706_8302 },
  /** CFG_DONE of both ports, so that igb_get_cfg_done_82575 does not wait. */
  EEMNGCTL: { at: 0x01010, access: "RW", reset: 0x800c_0000 },
  I2CCMD: { at: 0x01028, access: "RW" },
  /** Microseconds in 9:0, milliseconds in 19:10, seconds in 31:20. */
  FRTIMER: { at: 0x01048, access: "RO" },
  TCPTIMER: { at: 0x0104c, access: "RW" },
  FCRTL: { at: 0x02160, access: "RW", writable: 0x8000_fff8 },
  FCRTH: { at: 0x02168, access: "RW", writable: 0xfff8 },
  FCRTV: { at: 0x02460, access: "RW", writable: 0xffff },
  RXPBS: { at: 0x02404, access: "RW", reset: 0x40 },
  TXPBS: { at: 0x03404, access: "RW", reset: 0x28 },
  PCS_CFG0: { at: 0x04200, access: "RW", reset: 0x8 },
  PCS_LCTL: { at: 0x04208, access: "RW" },
  PCS_LSTAT: { at: 0x0420c, access: "RO" },
  PCS_ANADV: { at: 0x04218, access: "RW" },
  PCS_LPAB: { at: 0x0421c, access: "RO" },
  WUC: { at: 0x05800, access: "RW" },
  WUFC: { at: 0x05808, access: "RW" },
  WUS: { at: 0x05810, access: "RW1C" },
  MANC: { at: 0x05820, access: "RW" },
  IPAV: { at: 0x05838, access: "RW" },
  WUPL: { at: 0x05900, access: "RO" },
  /** CMPL_TMOUT_RESEND, CAP_VER2 (igb_set_pcie_completion_timeout). */
  GCR: { at: 0x05b00, access: "RW", reset: 0x0005_0000, writable: 0xfffb_ffff },
  FACTPS: { at: 0x05b30, access: "RO" },
  /** SMBI is set by the read that finds it clear (igb_get_hw_semaphore). */
  SWSM: { at: 0x05b50, access: "RW" },
  /** FWSM.Mode 0: no manageability firmware. */
  FWSM: { at: 0x05b54, access: "RO" },
  SW_FW_SYNC: { at: 0x05b5c, access: "RW" },
  DCA_CTRL: { at: 0x05b74, access: "RW", reset: 1 },
  TSYNCRXCFG: { at: 0x05f50, access: "RW" },
  SYSTIML: { at: 0x0b600, access: "RW" },
  SYSTIMH: { at: 0x0b604, access: "RW" },
  TIMINCA: { at: 0x0b608, access: "RW" },
  TSYNCTXCTL: { at: 0x0b614, access: "RW" },
  TSYNCRXCTL: { at: 0x0b620, access: "RW" },
  TSAUXC: { at: 0x0b640, access: "RW" },
} as const satisfies Readonly<Record<string, RegisterSpec>>;
