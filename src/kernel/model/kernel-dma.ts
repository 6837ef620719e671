import type { DmaDomain } from "../../hardware/guests/dma-domain.ts";
import type { GuestMemory } from "../../hardware/guests/guest-memory.ts";
import type { HostInterrupts } from "../../hardware/guests/host-interrupts.ts";
import type { Fault } from "../../hardware/iommu/intel-iommu.ts";
import type { PageRange } from "../../hardware/iommu/page-allocator.ts";
import type { PageRanges } from "./page-ranges.ts";
import type { KernelIommuGroup, PciDev } from "./pci-dev.ts";

/** Memory that a driver has for its device (`dma_alloc_coherent`). */
export interface DriverMemory {
  readonly range: PageRange;
  readonly memory: GuestMemory;
}

/** What devices may reach of memory, and which interrupts they have (kernel/dma, drivers/iommu). */
export interface KernelDma {
  /** What nobody has of the machine's memory. */
  readonly memory: PageRanges;
  readonly interrupts: HostInterrupts;
  /** `init_dmars`, and interrupts as the machine has them. */
  start(): void;
  /** How many faults the IOMMU has told of. */
  readonly faultCount: number;
  /** Those since there were so many; of very many the last. */
  faultsSince(count: number): readonly Fault[];
  /** `iommu_setup_default_domain`, of a function that has come into a group. */
  addDevice(dev: PciDev, group: KernelIommuGroup): void;
  /** `iommu_release_device` */
  removeDevice(dev: PciDev, group: KernelIommuGroup): void;
  /** A domain of nothing yet. @throws RangeError where memory has no room for its tables; KernelError EOPNOTSUPP */
  newDomain(): DmaDomain;
  freeDomain(domain: DmaDomain): void;
  /** `iommu_attach_group`: all functions of the group are in the domain. */
  attachGroup(group: KernelIommuGroup, domain: DmaDomain): void;
  /** `iommu_group_release_dma_owner`: the group's default domain again. */
  releaseGroup(group: KernelIommuGroup): void;
  /** `dma_alloc_coherent`, at once for all that the driver needs. @throws KernelError ENOMEM */
  allocate(dev: PciDev, sizeBytes: number): DriverMemory;
  free(dev: PciDev, memory: DriverMemory): void;
}
