import { DmaDomain } from "../../hardware/guests/dma-domain.ts";
import { GuestMemory } from "../../hardware/guests/guest-memory.ts";
import { HostInterrupts } from "../../hardware/guests/host-interrupts.ts";
import { type Fault, IntelIommu } from "../../hardware/iommu/intel-iommu.ts";
import { PageAllocator } from "../../hardware/iommu/page-allocator.ts";
import { Vtd } from "../../hardware/iommu/vtd.ts";
import { DmarFaultLog } from "./dmar-faults.ts";
import type { DriverMemory, KernelDma } from "./kernel-dma.ts";
import { KernelError } from "./kernel-error.ts";
import { type Linux, logOf } from "./linux.ts";
import { PageRanges } from "./page-ranges.ts";
import type { KernelIommuGroup, PciDev } from "./pci-dev.ts";

const PAGE_BYTES = 4096;
/** The first page is nobody's. */
const MEMORY_FROM = PAGE_BYTES;
/** What tables get at a time. */
const TABLE_BYTES = 16 * PAGE_BYTES;
/** Of the interrupt remapping table; Linux has 65,536. */
const INTERRUPT_ENTRIES = 4096;
const IRTE_BYTES = 16;
/** FLPT_DEFAULT_DID: of all that pass through. */
const IDENTITY_DOMAIN = 1;
const MOST_KEPT_FAULTS = 1000;
const SECOND_LEVELS = 4;

/**
 * With intel_iommu=on each group has a domain of its own by default, in which its drivers' memory is and nothing else, or passes
 * untranslated where iommu=pt; VFIO gives it a guest's. Bus addresses in default domains are those of the memory, where Linux
 * would give out others.
 */
export class Dma implements KernelDma {
  readonly memory: PageRanges;
  readonly #linux: () => Linux;
  readonly #faultLog: DmarFaultLog;
  #unit: IntelIommu | undefined;
  #interrupts: HostInterrupts | undefined;
  readonly #defaults = new Map<KernelIommuGroup, DmaDomain>();
  /** What each function's context entry says now. */
  readonly #attached = new Map<PciDev, number>();
  readonly #freeIds: number[] = [];
  #nextId = IDENTITY_DOMAIN + 1;
  #faults: Fault[] = [];
  #lostFaults = 0;

  constructor(linux: () => Linux, memoryBytes: number) {
    this.#linux = linux;
    this.#faultLog = new DmarFaultLog(linux);
    this.memory = new PageRanges(MEMORY_FROM, memoryBytes - MEMORY_FROM);
  }

  start(): void {
    const { machine, options } = this.#linux();
    const { iommu } = machine.fabric;
    const { interruptRemapping } = options;
    if (options.iommu && iommu instanceof Vtd) {
      const pages = new PageAllocator(machine.memory, 0, 0, () => this.memory.allocate(TABLE_BYTES));
      this.#unit = new IntelIommu(iommu, machine.memory, pages).start();
    }
    const unit = this.#unit;
    if (unit === undefined) {
      this.#interrupts = new HostInterrupts(machine.fabric);
      return;
    }
    const table = interruptRemapping ? this.memory.allocate(INTERRUPT_ENTRIES * IRTE_BYTES, PAGE_BYTES) : undefined;
    this.#interrupts = new HostInterrupts(machine.fabric, {
      iommu: unit,
      remapping: interruptRemapping,
      ...(table === undefined ? {} : { table: { address: table.start, entries: INTERRUPT_ENTRIES } }),
      faulted: () => this.#takeFaults(unit),
    });
  }

  get interrupts(): HostInterrupts {
    if (this.#interrupts === undefined) throw new KernelError("ENODEV");
    return this.#interrupts;
  }

  get faultCount(): number {
    return this.#lostFaults + this.#faults.length;
  }

  faultsSince(count: number): readonly Fault[] {
    return this.#faults.slice(Math.max(0, count - this.#lostFaults));
  }

  addDevice(dev: PciDev, group: KernelIommuGroup): void {
    const unit = this.#unit;
    if (unit === undefined) return;
    try {
      if (!this.#passesThrough && !this.#defaults.has(group)) this.#defaults.set(group, this.newDomain());
      this.#attachDefault(dev, group);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      logOf(this.#linux(), dev, "Failed to allocate default IOMMU domain: out of memory");
    }
  }

  removeDevice(dev: PciDev, group: KernelIommuGroup): void {
    this.#detach(dev);
    if (group.devices.size > 0) return;
    const domain = this.#defaults.get(group);
    this.#defaults.delete(group);
    if (domain !== undefined) this.freeDomain(domain);
  }

  newDomain(): DmaDomain {
    if (this.#unit === undefined) throw new KernelError("EOPNOTSUPP");
    return new DmaDomain(this.#unit, this.#freeIds.pop() ?? this.#nextId++);
  }

  freeDomain(domain: DmaDomain): void {
    domain.free();
    this.#freeIds.push(domain.id);
  }

  attachGroup(group: KernelIommuGroup, domain: DmaDomain): void {
    for (const dev of group.devices) {
      this.#detach(dev);
      domain.attach(dev.routingId);
      this.#attached.set(dev, domain.id);
    }
  }

  releaseGroup(group: KernelIommuGroup): void {
    for (const dev of group.devices) {
      this.#detach(dev);
      this.#attachDefault(dev, group);
    }
  }

  allocate(dev: PciDev, sizeBytes: number): DriverMemory {
    const { machine } = this.#linux();
    const range = this.memory.allocate(sizeBytes);
    if (range === undefined) throw new KernelError("ENOMEM");
    try {
      this.#domainOf(dev)?.map(range.start, range.start, range.sizeBytes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.memory.free(range);
      throw new KernelError("ENOMEM", { cause: error });
    }
    return { range, memory: new GuestMemory(machine.memory, range.start, range.sizeBytes, range.start) };
  }

  free(dev: PciDev, { range }: DriverMemory): void {
    this.#domainOf(dev)?.unmap(range.start, range.sizeBytes);
    this.memory.free(range);
  }

  /** `iommu=pt` */
  get #passesThrough(): boolean {
    return this.#linux().options.passThrough;
  }

  #domainOf({ iommuGroup }: PciDev): DmaDomain | undefined {
    return iommuGroup && this.#defaults.get(iommuGroup);
  }

  #attachDefault(dev: PciDev, group: KernelIommuGroup): void {
    const domain = this.#defaults.get(group);
    if (domain !== undefined) domain.attach(dev.routingId);
    else if (this.#passesThrough) {
      this.#unit?.attach(dev.routingId, {
        domainId: IDENTITY_DOMAIN,
        table: 0,
        levels: SECOND_LEVELS,
        translation: "pass-through",
      });
    } else return;
    this.#attached.set(dev, domain?.id ?? IDENTITY_DOMAIN);
  }

  #detach(dev: PciDev): void {
    const id = this.#attached.get(dev);
    if (id === undefined) return;
    this.#unit?.detach(dev.routingId, id);
    this.#attached.delete(dev);
  }

  /** `dmar_fault` */
  #takeFaults(unit: IntelIommu): void {
    const status = unit.faultStatus;
    const faults = unit.takeFaults();
    this.#faults.push(...faults);
    if (this.#faults.length > 2 * MOST_KEPT_FAULTS) {
      this.#lostFaults += this.#faults.length - MOST_KEPT_FAULTS;
      this.#faults = this.#faults.slice(-MOST_KEPT_FAULTS);
    }
    this.#faultLog.print(status, faults);
  }
}
