/**
 * Why a request was blocked (VT-d §7.1.3; the codes as Linux's dma_remap_fault_reasons and irq_remap_fault_reasons, and
 * QEMU's VTDFaultReason, have them).
 */
export const FaultReason = {
  rootNotPresent: 0x01,
  contextNotPresent: 0x02,
  contextInvalid: 0x03,
  beyondAddressWidth: 0x04,
  writeNotPermitted: 0x05,
  readNotPermitted: 0x06,
  badPagingEntryPointer: 0x07,
  badRootTableAddress: 0x08,
  badContextTableAddress: 0x09,
  rootReserved: 0x0a,
  contextReserved: 0x0b,
  pagingEntryReserved: 0x0c,
  blockedByTranslationType: 0x0d,
  /** A table leads to the interrupt address range: such a page could otherwise send any interrupt. */
  outputInInterruptRange: 0x0e,

  interruptRequestReserved: 0x20,
  interruptIndexTooLarge: 0x21,
  interruptEntryNotPresent: 0x22,
  interruptTableAccess: 0x23,
  interruptEntryReserved: 0x24,
  compatibilityFormatBlocked: 0x25,
  sourceIdVerification: 0x26,
  // The two of posting: VirtualBox's VTDIRFAULT_PID_READ_FAILED and VTDIRFAULT_PID_RSVD.
  postedDescriptorAccess: 0x27,
  postedDescriptorReserved: 0x28,

  /** "TTM 0 for request with PASID" (dma_remap_sm_fault_reasons): the root table is of legacy mode, which has no PASIDs. */
  pasidInLegacyMode: 0x31,
} as const;

export type FaultReason = (typeof FaultReason)[keyof typeof FaultReason];

/** How an address in a request is meant: the AT field of a TLP (PCIe 6.0 §10.2.1), and of a fault record. */
export const AddressType = { untranslated: 0, translationRequest: 1, translated: 2 } as const;

export type AddressType = (typeof AddressType)[keyof typeof AddressType];
