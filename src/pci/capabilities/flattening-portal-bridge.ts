import { capability } from "../capability.ts";
import { quadword } from "../quadword.ts";
import { bit, bits, oneOf, register } from "../register.ts";

const RID_VECTOR_BITS = { 0: 256, 2: 1024, 5: 8192 };
const MEM_LOW_VECTOR_BITS = { 0: 256, 1: 512, 2: 1024, 3: 2048, 4: 4096 };
const MEM_HIGH_VECTOR_BITS = { ...MEM_LOW_VECTOR_BITS, 5: 8192 };

const RID_GRANULARITY = { 0: 8, 3: 64, 5: 256 };
const MEM_LOW_GRANULARITY_MIB = { 0: 1, 1: 2, 2: 4, 3: 8, 4: 16 };
const MEM_HIGH_GRANULARITY_MIB = { 0: 256, 1: 512, 2: 1024, 3: 2048, 4: 4096, 5: 8192, 6: 16384, 7: 32768 };

/**
 * Flattening Portal Bridge: what goes to the secondary side is told by bit vectors over Routing IDs and addresses, so
 * that a hierarchy of bridges need not take whole buses and contiguous windows.
 */
export const FLATTENING_PORTAL_BRIDGE = capability({
  id: 0x15,
  name: "Flattening Portal Bridge (FPB)",
  spec: "PCIe 6.0 §7.8.11",
  table: {
    capabilities: register(0x04, 32, undefined, "PCIe 6.0 §7.8.11.2", {
      ridDecodeMechanismSupported: bit(0, "HwInit"),
      memLowDecodeMechanismSupported: bit(1, "HwInit"),
      memHighDecodeMechanismSupported: bit(2, "HwInit"),
      numSecDev: bits(7, 3, "HwInit", "device numbers on the secondary side, less one (upstream ports of switches)"),
      ridVectorBitsSupported: bits(10, 8, "HwInit", { value: oneOf(RID_VECTOR_BITS) }),
      memLowVectorBitsSupported: bits(18, 16, "HwInit", { value: oneOf(MEM_LOW_VECTOR_BITS) }),
      memHighVectorBitsSupported: bits(26, 24, "HwInit", { value: oneOf(MEM_HIGH_VECTOR_BITS) }),
    }),
    ridVectorControl1: register(0x08, 32, undefined, "PCIe 6.0 §7.8.11.3", {
      ridDecodeMechanismEnable: bit(0, "RW"),
      ridVectorGranularity: bits(7, 4, "RW", { value: oneOf(RID_GRANULARITY), doc: "Routing IDs to a bit" }),
      ridVectorStart: bits(31, 19, "RW", { value: (raw) => raw * 8, doc: "the Routing ID of the vector's first bit" }),
    }),
    ridVectorControl2: register(0x0c, 32, undefined, "PCIe 6.0 §7.8.11.4", {
      ridSecondaryStart: bits(15, 3, "RW", {
        value: (raw) => raw * 8,
        doc: "the Routing ID of the secondary side, where Type 1 requests turn into Type 0",
      }),
    }),
    memLowVectorControl: register(0x10, 32, undefined, "PCIe 6.0 §7.8.11.5", {
      memLowDecodeMechanismEnable: bit(0, "RW"),
      memLowVectorGranularityMib: bits(7, 4, "RW", { value: oneOf(MEM_LOW_GRANULARITY_MIB) }),
      memLowVectorStart: bits(31, 20, "RW", { value: (raw) => raw * 2 ** 20, doc: "the address of the first bit" }),
    }),
    memHighVectorControl1: register(0x14, 32, undefined, "PCIe 6.0 §7.8.11.6", {
      memHighDecodeMechanismEnable: bit(0, "RW"),
      memHighVectorGranularityMib: bits(7, 4, "RW", { value: oneOf(MEM_HIGH_GRANULARITY_MIB) }),
      memHighVectorStartLower: bits(31, 28, "RW", { value: (raw) => raw * 2 ** 28 }),
    }),
    memHighVectorControl2: register(0x18, 32, undefined, "PCIe 6.0 §7.8.11.7", {
      memHighVectorStartUpper: bits(31, 0, "RW"),
    }),
    vectorAccessControl: register(0x1c, 32, undefined, "PCIe 6.0 §7.8.11.8", {
      vectorAccessOffset: bits(7, 0, "RW", "of the dword of the vector that the data register shows"),
      vectorSelect: bits(15, 14, "RW", { value: oneOf({ 0: "RID", 1: "MEM Low", 2: "MEM High" }) }),
    }),
    vectorAccessData: register(0x20, 32, undefined, "PCIe 6.0 §7.8.11.9", {
      vectorAccessData: bits(31, 0, "RW"),
    }),
  },
  derive: ({ memHighVectorStartLower, memHighVectorStartUpper }) => ({
    memHighVectorStart: quadword(memHighVectorStartLower, memHighVectorStartUpper),
  }),
});
