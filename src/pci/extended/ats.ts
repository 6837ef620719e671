import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Blocks of 4096 bytes are the smallest (Linux's PCI_ATS_MIN_STU). */
const SMALLEST_BLOCK_BYTES = 4096;

/** Address Translation Services: the function asks the IOMMU for translations and keeps them. */
export const ATS = capability({
  id: 0x0f,
  name: "Address Translation Services (ATS)",
  spec: "PCIe 6.0 §10.5.1",
  table: {
    capability: register(0x04, 16, "PCI_ATS_CAP", "PCIe 6.0 §10.5.1.2", {
      invalidateQueueDepth: bits(
        4,
        0,
        "RO",
        "invalidations it takes without stalling; 0 is 32, in a VF the PF's queue",
      ),
      pageAlignedRequest: bit(5, "RO", "always asks for addresses on a 4096-byte boundary"),
      globalInvalidateSupported: bit(6, "RO", "one invalidation can reach all PASIDs"),
      relaxedOrderingSupported: bit(7, "RO", "translation requests may be reordered"),
      memoryAttributesSupported: bit(8, "RO", "uses the attributes that translations carry"),
    }),
    control: register(0x06, 16, "PCI_ATS_CTRL", "PCIe 6.0 §10.5.1.3", {
      smallestTranslationUnitBytes: bits(4, 0, "RW", {
        value: (raw) => SMALLEST_BLOCK_BYTES * 2 ** raw,
        doc: "reads 4096 in a VF, to which the PF's applies",
      }),
      memoryAttributesDefault: bits(13, 11, "RW", "the attributes that requests need not carry"),
      memoryAttributesEnable: bit(14, "RW"),
      atsEnable: bit(15, "RW", "may keep translations"),
    }),
  },
});
