import { bit, bits, type Register, register } from "../../pci/register.ts";

/*
 * Section numbers are those of the VT-d specification, revision 3.3 (chapter 10; chapter 11 of revision 4). Constants are
 * Linux's, drivers/iommu/intel/iommu.h; a register of 64 bits is two of 32 here, as software may access it (§10.2).
 */

export const DMAR_VER_REG = 0x00;
export const DMAR_CAP_REG = 0x08;
export const DMAR_ECAP_REG = 0x10;
export const DMAR_GCMD_REG = 0x18;
export const DMAR_GSTS_REG = 0x1c;
export const DMAR_RTADDR_REG = 0x20;
export const DMAR_CCMD_REG = 0x28;
export const DMAR_FSTS_REG = 0x34;
export const DMAR_FECTL_REG = 0x38;
export const DMAR_FEDATA_REG = 0x3c;
export const DMAR_FEADDR_REG = 0x40;
const DMAR_FEUADDR_REG = 0x44;
export const DMAR_IQH_REG = 0x80;
export const DMAR_IQT_REG = 0x88;
export const DMAR_IQA_REG = 0x90;
export const DMAR_ICS_REG = 0x9c;
export const DMAR_IECTL_REG = 0xa0;
export const DMAR_IEDATA_REG = 0xa4;
export const DMAR_IEADDR_REG = 0xa8;
const DMAR_IEUADDR_REG = 0xac;
export const DMAR_IQER_REG = 0xb0;
export const DMAR_IRTA_REG = 0xb8;
/** Where ECAP.IRO and CAP.FRO point: at QEMU's offsets (intel_iommu_internal.h). */
export const IVA_REG = 0xf0;
export const IOTLB_REG = 0xf8;
export const FRCD_REG = 0x220;
export const FRCD_BYTES = 16;

// Global Command and Global Status have the same bits (§10.4.4, §10.4.5).
export const DMA_GCMD_TE = 0x8000_0000;
export const DMA_GCMD_SRTP = 0x4000_0000;
export const DMA_GCMD_QIE = 0x0400_0000;
export const DMA_GCMD_IRE = 0x0200_0000;
export const DMA_GCMD_SIRTP = 0x0100_0000;
export const DMA_GCMD_CFI = 0x0080_0000;

export const DMA_FSTS_PFO = 0x01;
export const DMA_FSTS_PPF = 0x02;
export const DMA_FSTS_IQE = 0x10;
export const DMA_FSTS_ITE = 0x40;

/** Interrupt Mask and Interrupt Pending, alike in FECTL and IECTL. */
export const EVENT_IM = 0x8000_0000;
export const EVENT_IP = 0x4000_0000;

/** In the upper half of CCMD. */
export const DMA_CCMD_ICC = 0x8000_0000;
/** In the upper half of the IOTLB Invalidate register. */
export const DMA_TLB_IVT = 0x8000_0000;
/** In the fourth doubleword of a fault recording register. */
export const DMA_FRCD_F = 0x8000_0000;

/** Upper half of an address register. */
const upper = () => ({ address: bits(31, 0, "RW") });
const event = () => ({ interruptPending: bit(30, "RO"), interruptMask: bit(31, "RW", "no message is sent", 1) });

const FIXED: readonly Register[] = [
  register(DMAR_VER_REG, 32, "DMAR_VER_REG", "VT-d §10.4.1", {
    minor: bits(3, 0, "RO"),
    major: bits(7, 4, "RO", { reset: 1 }),
  }),
  register(DMAR_CAP_REG, 32, "DMAR_CAP_REG", "VT-d §10.4.2", { lower: bits(31, 0, "HwInit") }),
  register(DMAR_CAP_REG + 4, 32, "DMAR_CAP_REG", "VT-d §10.4.2", { upper: bits(31, 0, "HwInit") }),
  register(DMAR_ECAP_REG, 32, "DMAR_ECAP_REG", "VT-d §10.4.3", { lower: bits(31, 0, "HwInit") }),
  register(DMAR_ECAP_REG + 4, 32, "DMAR_ECAP_REG", "VT-d §10.4.3", { upper: bits(31, 0, "HwInit") }),
  register(DMAR_GSTS_REG, 32, "DMAR_GSTS_REG", "VT-d §10.4.5", { status: bits(31, 23, "RO") }),
  // TTM, 11:10, stays 00b, legacy mode: neither scalable nor abort-DMA mode is offered.
  register(DMAR_RTADDR_REG, 32, "DMAR_RTADDR_REG", "VT-d §10.4.6", { address: bits(31, 12, "RW") }),
  register(DMAR_RTADDR_REG + 4, 32, "DMAR_RTADDR_REG", "VT-d §10.4.6", upper()),
  register(DMAR_CCMD_REG, 32, "DMAR_CCMD_REG", "VT-d §10.4.7", {
    domainId: bits(15, 0, "RW"),
    sourceId: bits(31, 16, "RW"),
  }),
  register(DMAR_CCMD_REG + 4, 32, "DMAR_CCMD_REG", "VT-d §10.4.7", {
    functionMask: bits(1, 0, "RW"),
    actualGranularity: bits(28, 27, "RO"),
    requestedGranularity: bits(30, 29, "RW"),
    invalidate: bit(31, "RW"),
  }),
  register(DMAR_FSTS_REG, 32, "DMAR_FSTS_REG", "VT-d §10.4.9", {
    primaryFaultOverflow: bit(0, "RW1CS"),
    primaryPendingFault: bit(1, "ROS"),
    invalidationQueueError: bit(4, "RW1CS"),
    invalidationCompletionError: bit(5, "RW1CS"),
    invalidationTimeOutError: bit(6, "RW1CS"),
    faultRecordIndex: bits(15, 8, "ROS"),
  }),
  register(DMAR_FECTL_REG, 32, "DMAR_FECTL_REG", "VT-d §10.4.10", event()),
  register(DMAR_FEDATA_REG, 32, "DMAR_FEDATA_REG", "VT-d §10.4.11", { data: bits(31, 0, "RW") }),
  register(DMAR_FEADDR_REG, 32, "DMAR_FEADDR_REG", "VT-d §10.4.12", { address: bits(31, 2, "RW") }),
  register(DMAR_FEUADDR_REG, 32, "DMAR_FEUADDR_REG", "VT-d §10.4.13", upper()),
  register(DMAR_IQH_REG, 32, "DMAR_IQH_REG", "VT-d §10.4.21", { head: bits(18, 4, "RO") }),
  register(DMAR_IQT_REG, 32, "DMAR_IQT_REG", "VT-d §10.4.22", { tail: bits(18, 4, "RW") }),
  register(DMAR_IQA_REG, 32, "DMAR_IQA_REG", "VT-d §10.4.23", {
    size: bits(2, 0, "RW"),
    descriptorWidth: bit(11, "RW"),
    address: bits(31, 12, "RW"),
  }),
  register(DMAR_IQA_REG + 4, 32, "DMAR_IQA_REG", "VT-d §10.4.23", upper()),
  register(DMAR_ICS_REG, 32, "DMAR_ICS_REG", "VT-d §10.4.24", { waitComplete: bit(0, "RW1CS") }),
  register(DMAR_IECTL_REG, 32, undefined, "VT-d §10.4.25", event()),
  register(DMAR_IEDATA_REG, 32, undefined, "VT-d §10.4.26", { data: bits(31, 0, "RW") }),
  register(DMAR_IEADDR_REG, 32, undefined, "VT-d §10.4.27", { address: bits(31, 2, "RW") }),
  register(DMAR_IEUADDR_REG, 32, undefined, "VT-d §10.4.28", upper()),
  register(DMAR_IQER_REG, 32, "DMAR_IQER_REG", "VT-d §10.4.29", { queueError: bits(3, 0, "ROS") }),
  register(DMAR_IQER_REG + 4, 32, "DMAR_IQER_REG", "VT-d §10.4.29", { timeOutSourceId: bits(15, 0, "ROS") }),
  register(DMAR_IRTA_REG, 32, "DMAR_IRTA_REG", "VT-d §10.4.30", {
    size: bits(3, 0, "RW"),
    extendedInterruptMode: bit(11, "RW"),
    address: bits(31, 12, "RW"),
  }),
  register(DMAR_IRTA_REG + 4, 32, "DMAR_IRTA_REG", "VT-d §10.4.30", upper()),
  register(IVA_REG, 32, undefined, "VT-d §10.4.8.2", {
    addressMask: bits(5, 0, "RW"),
    invalidationHint: bit(6, "RW"),
    address: bits(31, 12, "RW"),
  }),
  register(IVA_REG + 4, 32, undefined, "VT-d §10.4.8.2", upper()),
  register(IOTLB_REG + 4, 32, undefined, "VT-d §10.4.8.1", {
    domainId: bits(15, 0, "RW"),
    drainWrites: bit(16, "RW"),
    drainReads: bit(17, "RW"),
    actualGranularity: bits(26, 25, "RO"),
    requestedGranularity: bits(29, 28, "RW"),
    invalidate: bit(31, "RW"),
  }),
];

/** A fault recording register, §10.4.14: four doublewords. */
function faultRecord(offset: number): readonly Register[] {
  const spec = "VT-d §10.4.14";
  return [
    register(offset, 32, undefined, spec, { faultInfo: bits(31, 12, "ROS") }),
    register(offset + 4, 32, undefined, spec, { faultInfo: bits(31, 0, "ROS") }),
    register(offset + 8, 32, undefined, spec, { sourceId: bits(15, 0, "ROS"), type2: bit(28, "ROS") }),
    register(offset + 12, 32, undefined, spec, {
      reason: bits(7, 0, "ROS"),
      addressType: bits(29, 28, "ROS"),
      type1: bit(30, "ROS", "1: a read, 0: a write"),
      fault: bit(31, "RW1CS"),
    }),
  ];
}

/** All registers of a unit with so many fault recording registers. */
export function vtdRegisters(faultRecords: number): readonly Register[] {
  const records = Array.from({ length: faultRecords }, (_, index) => faultRecord(FRCD_REG + index * FRCD_BYTES));
  return [...FIXED, ...records.flat()];
}
