import { FRCD_REG, IVA_REG } from "./vtd-registers.ts";

/** What a unit can do, as its CAP and ECAP say. */
export interface VtdCapabilities {
  /** Physical addresses have so many bits: at most 52. */
  readonly hostAddressWidth: number;
  /** Depths of second-level tables that contexts may choose: 3, 4 and 5 levels are 39, 48 and 57 bits. */
  readonly levels: readonly (3 | 4 | 5)[];
  readonly superpages2M: boolean;
  readonly superpages1G: boolean;
  /** Fault recording registers, from 1 to 256. */
  readonly faultRecords: number;
  /**
   * CAP.CM: software is to invalidate after making an entry present, too, as hardware may have cached that it was not
   * (§6.1). Here nothing absent is cached, with it or without, as in QEMU.
   */
  readonly cachingMode: boolean;
  /** CAP.ZLR: a read of length 0 passes on a page that may only be written. */
  readonly zeroLengthReads: boolean;
  readonly passThrough: boolean;
  readonly snoopControl: boolean;
  /** ECAP.DT: address translation services. */
  readonly deviceTlb: boolean;
  readonly interruptRemapping: boolean;
  /** ECAP.EIM: destinations are x2APIC ids where software says so. */
  readonly extendedInterruptMode: boolean;
  readonly postedInterrupts: boolean;
  /** Entries of the IOTLB, a power of two; the specification leaves that to the implementation. */
  readonly iotlbEntries: number;
}

/** A server's unit. */
export const SERVER_VTD: VtdCapabilities = {
  hostAddressWidth: 46,
  levels: [3, 4],
  superpages2M: true,
  superpages1G: true,
  faultRecords: 8,
  cachingMode: false,
  zeroLengthReads: true,
  passThrough: true,
  snoopControl: true,
  deviceTlb: true,
  interruptRemapping: true,
  extendedInterruptMode: true,
  postedInterrupts: true,
  iotlbEntries: 4096,
};

/** Addresses are numbers below 2^53 here, so a unit with five levels still translates no more than 52 bits. */
const WIDEST = 52;
/** MAMV: the largest address mask of a page-selective invalidation, 1 GiB (QEMU's VTD_MAMV). */
export const MAX_ADDRESS_MASK = 18;

/** The bits that a table of so many levels translates. */
export function guestAddressWidth(levels: number): number {
  return 12 + 9 * levels;
}

/** MGAW: the widest address that is translated. */
export function maxGuestAddressWidth({ levels }: VtdCapabilities): number {
  return Math.min(WIDEST, guestAddressWidth(Math.max(...levels)));
}

/** CAP, §10.4.2, as its halves. */
export function capRegister(capabilities: VtdCapabilities): { lower: number; upper: number } {
  const { levels, superpages2M, superpages1G, faultRecords, cachingMode, zeroLengthReads } = capabilities;
  const domains16Bits = 6;
  const sagaw = levels.reduce((mask, depth) => mask | (1 << (depth - 2)), 0);
  const faultOffset = FRCD_REG / 16;
  return {
    lower:
      (domains16Bits |
        (Number(cachingMode) << 7) |
        (sagaw << 8) |
        ((maxGuestAddressWidth(capabilities) - 1) << 16) |
        (Number(zeroLengthReads) << 22) |
        (faultOffset << 24)) >>>
      0,
    upper:
      ((faultOffset >>> 8) |
        (Number(superpages2M) << 2) |
        (Number(superpages1G) << 3) |
        // PSI: page-selective invalidation.
        (1 << 7) |
        ((faultRecords - 1) << 8) |
        (MAX_ADDRESS_MASK << 16) |
        // DWD, DRD: draining is at once where everything is synchronous.
        (3 << 22) |
        (Number(capabilities.postedInterrupts) << 27)) >>>
      0,
  };
}

/**
 * ECAP, §10.4.3, as its halves. Scalable mode, PASIDs, nesting and page requests are absent, and said to be: SMTS, PASID,
 * NEST and PRS are 0.
 */
export function ecapRegister(capabilities: VtdCapabilities): { lower: number; upper: number } {
  const { deviceTlb, interruptRemapping, extendedInterruptMode, passThrough, snoopControl } = capabilities;
  const coherentWalks = 1;
  const queuedInvalidation = 1;
  const maxHandleMask = 15;
  return {
    lower:
      (coherentWalks |
        (queuedInvalidation << 1) |
        (Number(deviceTlb) << 2) |
        (Number(interruptRemapping) << 3) |
        (Number(extendedInterruptMode) << 4) |
        (Number(passThrough) << 6) |
        (Number(snoopControl) << 7) |
        ((IVA_REG / 16) << 8) |
        (maxHandleMask << 20)) >>>
      0,
    // DIT: invalidations of VFs' device TLBs name their PF.
    upper: Number(deviceTlb) << 9,
  };
}
