import { block } from "../block.ts";
import type { Block } from "../capability.ts";
import { quadword } from "../quadword.ts";
import { bit, bits, oneOf, register, tableSize } from "../register.ts";

export const CXL_VENDOR_ID = 0x1e98;
export const CXL_DEVICE_DVSEC_ID = 0;

/** The unit in which sizes and bases of memory ranges are given. */
const RANGE_UNIT = 2 ** 28;
const RANGE_SIZE = 0x10;

/** Registers of all revisions; revision 0 is that of CXL 1.1. */
const CXL_DEVICE = {
  capability: register(0x0a, 16, "PCI_DVSEC_CXL_CAP", "CXL 3.2 §8.1.3.1", {
    cacheCapable: bit(0, "RO", "CXL.cache"),
    ioCapable: bit(1, "RO", "CXL.io"),
    memCapable: bit(2, "RO", "CXL.mem"),
    memHwInitMode: bit(3, "RO", "the device initializes its memory itself"),
    hdmCount: bits(5, 4, "RO", "memory ranges, 0 to 2"),
    cacheWritebackAndInvalidateCapable: bit(6, "RO", "from revision 1"),
    cxlResetCapable: bit(7, "RO", "from revision 1"),
    cxlResetTimeoutMs: bits(10, 8, "RO", { value: oneOf({ 0: 10, 1: 100, 2: 1000, 3: 10_000, 4: 100_000 }) }),
    cxlResetMemClrCapable: bit(11, "HwInit", "a CXL Reset can clear volatile memory"),
    tspCapable: bit(12, "HwInit", "TEE security protocol; from revision 3"),
    multipleLogicalDevice: bit(13, "HwInit", "one of several logical devices of a component"),
    viralCapable: bit(14, "RO", "contains errors by Viral"),
    pmInitCompletionReportingCapable: bit(15, "HwInit"),
  }),
  control: register(0x0c, 16, "PCI_DVSEC_CXL_CTRL", "CXL 3.2 §8.1.3.2", {
    cacheEnable: bit(0, "RW"),
    ioEnable: bit(1, "RO", undefined, 1),
    memEnable: bit(2, "RW"),
    cacheSfCoverage: bits(7, 3, "RW", "the host's snoop filter covers 2^(n+15) bytes; 0: nothing"),
    cacheSfGranularityBytes: bits(10, 8, "RW", {
      value: oneOf({ 0: 64, 1: 128, 2: 256, 3: 512, 4: 1024, 5: 2048, 6: 4096 }),
    }),
    cacheCleanEviction: bit(11, "RW", "the host needs no clean evictions"),
    directP2pMemEnable: bit(12, "RW"),
    viralEnable: bit(14, "RW"),
  }),
  status: register(0x0e, 16, undefined, "CXL 3.2 §8.1.3.3", {
    viralStatus: bit(14, "RW1CS", "Viral has occurred"),
  }),
};

const CXL_DEVICE_REVISION_1 = {
  control2: register(0x10, 16, undefined, "CXL 3.2 §8.1.3.4", {
    disableCaching: bit(0, "RW"),
    initiateCacheWriteBackAndInvalidation: bit(1, "RW", "reads 0"),
    initiateCxlReset: bit(2, "RW", "reads 0"),
    cxlResetMemClrEnable: bit(3, "RW"),
    desiredVolatileHdmStateAfterHotReset: bit(4, "RWS", "set: keep the content; from revision 2"),
    modifiedCompletionEnable: bit(5, "RW"),
  }),
  status2: register(0x12, 16, undefined, "CXL 3.2 §8.1.3.5", {
    cacheInvalid: bit(0, "RO", "nothing is cached"),
    cxlResetComplete: bit(1, "RO"),
    cxlResetError: bit(2, "RO"),
    volatileHdmPreservationError: bit(3, "RW1CS"),
    powerManagementInitializationComplete: bit(15, "RO"),
  }),
  lock: register(0x14, 16, undefined, "CXL 3.2 §8.1.3.6", {
    configLock: bit(0, "RW", "control registers are fixed until a reset; can only be set"),
  }),
  capability2: register(0x16, 16, undefined, "CXL 3.2 §8.1.3.7", {
    cacheSizeUnitBytes: bits(3, 0, "RO", { value: oneOf({ 0: 0, 1: 65_536, 2: 1_048_576 }), doc: "0: size not told" }),
    fallbackCapability: bits(5, 4, "HwInit", {
      value: oneOf({ 0: "none", 1: "pcie", 2: "cxl-type-1", 3: "cxl-type-3" }),
    }),
    modifiedCompletionCapable: bit(6, "HwInit"),
    noCleanWriteback: bit(7, "HwInit"),
    cacheSize: bits(15, 8, "RO", "in units of Cache Size Unit"),
  }),
};

const CXL_RANGE = {
  sizeHigh: register(0x00, 32, "PCI_DVSEC_CXL_RANGE_SIZE_HIGH", "CXL 3.2 §8.1.3.8", {
    memorySizeHigh: bits(31, 0, "RO"),
  }),
  sizeLow: register(0x04, 32, "PCI_DVSEC_CXL_RANGE_SIZE_LOW", "CXL 3.2 §8.1.3.8", {
    memoryInfoValid: bit(0, "RO"),
    memoryActive: bit(1, "RO"),
    mediaType: bits(4, 2, "RO", { value: oneOf({ 0: "volatile", 1: "non-volatile", 2: "cdat" }) }),
    memoryClass: bits(7, 5, "RO", { value: oneOf({ 0: "memory", 1: "storage", 2: "cdat" }) }),
    desiredInterleaveBytes: bits(12, 8, "RO", {
      value: oneOf({ 0: 0, 1: 256, 2: 4096, 3: 512, 4: 1024, 5: 2048, 6: 8192, 7: 16_384 }),
      doc: "0: none",
    }),
    memoryActiveTimeoutSeconds: bits(15, 13, "HwInit", { value: oneOf({ 0: 1, 1: 4, 2: 16, 3: 64, 4: 256 }) }),
    memoryActiveDegraded: bit(16, "RO", "usable, with less capacity or performance than expected; from revision 3"),
    memorySizeLow: bits(31, 28, "RO", { value: (raw) => raw * RANGE_UNIT }),
  }),
  baseHigh: register(0x08, 32, "PCI_DVSEC_CXL_RANGE_BASE_HIGH", "CXL 3.2 §8.1.3.8", {
    memoryBaseHigh: bits(31, 0, "RW"),
  }),
  baseLow: register(0x0c, 32, "PCI_DVSEC_CXL_RANGE_BASE_LOW", "CXL 3.2 §8.1.3.8", {
    memoryBaseLow: bits(31, 28, "RW", { value: (raw) => raw * RANGE_UNIT }),
  }),
};

const CXL_DEVICE_REVISION_2 = {
  capability3: register(0x38, 16, undefined, "CXL 3.2 §8.1.3.9", {
    defaultVolatileHdmStateAfterColdReset: bit(0, "HwInit", "set: the content is kept"),
    defaultVolatileHdmStateAfterWarmReset: bit(1, "HwInit"),
    defaultVolatileHdmStateAfterHotReset: bit(2, "HwInit"),
    volatileHdmStateAfterHotResetConfigurability: bit(3, "HwInit"),
  }),
};

/** The registers that a "PCIe DVSEC for CXL Devices" of this revision and length has (CXL 3.2 §8.1.3). */
export function cxlDeviceBlocks(revision: number, lengthBytes: number): Block[] {
  const blocks = [block({ offset: 0, table: CXL_DEVICE })];
  if (revision >= 1) {
    blocks.push(
      block({
        offset: 0,
        table: CXL_DEVICE_REVISION_1,
        derive: ({ cacheSize, cacheSizeUnitBytes: unit }) => ({
          cacheSizeBytes: cacheSize !== null && typeof unit === "number" && unit > 0 ? cacheSize * unit : null,
        }),
      }),
    );
    for (let range = 0; range < 2; range++) blocks.push(cxlRange(0x18 + range * RANGE_SIZE));
  }
  if (revision >= 2) blocks.push(block({ offset: 0, table: CXL_DEVICE_REVISION_2 }));
  return blocks.filter(({ offset, table }) => offset + tableSize(table) <= lengthBytes);
}

function cxlRange(offset: number): Block {
  return block({
    name: "cxlRanges",
    offset,
    table: CXL_RANGE,
    derive: ({ memorySizeHigh, memorySizeLow, memoryBaseHigh, memoryBaseLow }) => ({
      memorySizeBytes: quadword(memorySizeLow, memorySizeHigh),
      memoryBase: quadword(memoryBaseLow, memoryBaseHigh),
    }),
  });
}
