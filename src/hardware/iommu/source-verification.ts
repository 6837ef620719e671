// Source Validation Type, bits 83:82 of an IRTE; Linux: SVT_… in drivers/iommu/intel/irq_remapping.c.
const SVT_NO_VERIFY = 0;
const SVT_VERIFY_SID_SQ = 1;
const SVT_VERIFY_BUS = 2;
/** By Source-id Qualifier, bits 81:80: the bits of the requester id that are not compared. */
const SQ_IGNORED = [0, 4, 6, 7] as const;

/**
 * Whether an entry accepts requests of this function (VT-d §9.10).
 * @param word bits 95:64 of the entry: SID, SQ, SVT
 */
export function verifySource(word: number, requesterId: number): boolean {
  const sourceId = word & 0xffff;
  switch ((word >>> 18) & 3) {
    case SVT_NO_VERIFY:
      return true;
    case SVT_VERIFY_SID_SQ:
      return ((requesterId ^ sourceId) & ~(SQ_IGNORED[((word >>> 16) & 3) as 0 | 1 | 2 | 3] as number)) === 0;
    case SVT_VERIFY_BUS: {
      // SID is a range of buses: the first in 15:8, the last in 7:0.
      const bus = requesterId >>> 8;
      return bus >= sourceId >>> 8 && bus <= (sourceId & 0xff);
    }
    default:
      // A reserved type verifies nobody (QEMU: vtd_irte_get).
      return false;
  }
}
