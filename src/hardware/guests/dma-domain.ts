import type { IntelIommu } from "../iommu/intel-iommu.ts";
import { type MapOptions, SecondLevelTables } from "../iommu/second-level-tables.ts";

const PAGE_BYTES = 4096;

/** What some functions may reach by DMA: an iommu_domain, with the invalidations that Linux does at each change. */
export class DmaDomain {
  readonly id: number;
  readonly #iommu: IntelIommu;
  readonly #tables: SecondLevelTables;

  constructor(iommu: IntelIommu, id: number) {
    this.#iommu = iommu;
    this.id = id;
    this.#tables = new SecondLevelTables(iommu.memory, iommu.pages);
  }

  /** iommu_map. */
  map(iova: number, physical: number, sizeBytes: number, options?: MapOptions): void {
    this.#tables.map(iova, physical, sizeBytes, options);
  }

  /** iommu_unmap and iommu_iotlb_sync: page-selective, and tables are freed after it. */
  unmap(iova: number, sizeBytes: number): void {
    const removed = this.#tables.unmap(iova, sizeBytes);
    this.#iommu.flushIotlb(this.id, ...alignedRange(iova, sizeBytes));
    for (const page of removed) this.#iommu.pages.free(page);
  }

  /** domain_context_mapping_one. */
  attach(requesterId: number): void {
    this.#iommu.attach(requesterId, { domainId: this.id, table: this.#tables.root, levels: this.#tables.levels });
  }

  /** domain_context_clear_one. */
  detach(requesterId: number): void {
    this.#iommu.detach(requesterId, this.id);
  }

  /** domain_exit, once nothing is attached any more. */
  free(): void {
    this.#iommu.flushIotlb(this.id);
    for (const table of this.#tables.tables()) this.#iommu.pages.free(table);
  }
}

/** calculate_psi_aligned_address: the smallest aligned power of two of pages that has all of the range. */
function alignedRange(iova: number, sizeBytes: number): [page: number, addressMask: number] {
  let mask = 0;
  const block = (address: number) => Math.floor(address / (PAGE_BYTES * 2 ** mask));
  while (block(iova) !== block(iova + sizeBytes - 1)) mask++;
  return [block(iova) * PAGE_BYTES * 2 ** mask, mask];
}
