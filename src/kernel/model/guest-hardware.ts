import type { DmaDomain } from "../../hardware/guests/dma-domain.ts";
import { GuestMemory } from "../../hardware/guests/guest-memory.ts";
import { IGBVF_MEMORY_BYTES, IgbvfDriver } from "../../hardware/guests/igbvf-driver.ts";
import { IgbvfWatchdog } from "../../hardware/guests/igbvf-watchdog.ts";
import type { Mmio } from "../../hardware/guests/mmio.ts";
import type { PageRange } from "../../hardware/iommu/page-allocator.ts";
import { igbAdapterOf } from "./drivers/igb.ts";
import { PCI_COMMAND_MASTER } from "./enable-device.ts";
import { KernelError } from "./kernel-error.ts";
import type { GuestDescription, Linux } from "./linux.ts";
import { macBytes, randomMac } from "./mac-address.ts";
import { mapRegisters } from "./mapped-registers.ts";
import { allocateVectors, freeVectors } from "./message-interrupts.ts";
import { PageRanges } from "./page-ranges.ts";
import type { KernelIommuGroup, PciDev } from "./pci-dev.ts";

const PAGE_BYTES = 4096;
const MIB = 2 ** 20;
/** A guest's memory lies so that its domain can have superpages. */
const ALIGNMENT = 2 * MIB;
const VENDOR_ID_INTEL = 0x8086;
const E1000_DEV_ID_82576_VF = 0x10ca;
const VECTORS = 3;
const ALL_ONES = 0xffff_ffff;

interface Ram {
  readonly range: PageRange;
  /** All of it, from 0, and nothing else. */
  readonly domain: DmaDomain;
  /** What the guest has not given out. */
  readonly pages: PageRanges;
}

interface Attached {
  readonly dev: PciDev;
  readonly group: KernelIommuGroup;
  readonly driver: IgbvfDriver | undefined;
  detach(): void;
}

/**
 * The hardware of a guest: memory, which is pinned in the machine's when it gets its first function, as VFIO's container has it,
 * and functions, which reach that memory and no other. Of an 82576's VF its kernel has a driver.
 */
export class GuestHardware {
  readonly #linux: Linux;
  readonly #description: GuestDescription;
  readonly #attached = new Map<PciDev, Attached>();
  #ram: Ram | undefined;

  constructor(linux: Linux, description: GuestDescription) {
    this.#linux = linux;
    this.#description = description;
  }

  driverOf(dev: PciDev): IgbvfDriver | undefined {
    return this.#attached.get(dev)?.driver;
  }

  /** `vfio_iommu_type1_attach_group` and `vfio_dma_do_map`. @throws KernelError ENOMEM */
  pin(): Ram {
    this.#ram ??= this.#newRam();
    return this.#ram;
  }

  /** The function, which was reset, is in the guest's domain, and the guest's kernel takes it up. */
  attach(dev: PciDev): void {
    const { iommuGroup: group } = dev;
    if (group === undefined) throw new KernelError("ENODEV");
    const ram = this.pin();
    this.#linux.dma.attachGroup(group, ram.domain);
    const isIgbvf = dev.vendor === VENDOR_ID_INTEL && dev.device === E1000_DEV_ID_82576_VF;
    const started = isIgbvf ? startIgbvf(this.#linux, dev, ram) : undefined;
    this.#attached.set(dev, { dev, group, driver: started?.driver, detach: () => started?.stop() });
  }

  /** `vfio_pci_core_disable`, whatever the guest is doing: no more requests, and its vectors are taken back; a reset comes next. */
  silence(dev: PciDev): void {
    const attached = this.#attached.get(dev);
    if (attached === undefined) return;
    dev.clearCommand(PCI_COMMAND_MASTER);
    attached.detach();
    freeVectors(dev);
  }

  /** The group is the kernel's again (`vfio_iommu_type1_detach_group`). */
  detach(dev: PciDev): void {
    const attached = this.#attached.get(dev);
    this.#attached.delete(dev);
    if (attached !== undefined) this.#linux.dma.releaseGroup(attached.group);
  }

  /** The guest has ended. */
  free(): void {
    if (this.#ram === undefined) return;
    const { range, domain } = this.#ram;
    const { dma } = this.#linux;
    dma.freeDomain(domain);
    dma.memory.free(range);
    this.#ram = undefined;
  }

  #newRam(): Ram {
    const { dma, log } = this.#linux;
    const { name, memoryMib } = this.#description;
    const sizeBytes = memoryMib * MIB;
    const range = dma.memory.allocate(sizeBytes, ALIGNMENT);
    if (range === undefined) {
      const freeMib = Math.floor(dma.memory.freeBytes / MIB);
      log.print(`vfio_iommu_type1: ${memoryMib} MiB of guest ${name} cannot be pinned: ${freeMib} MiB are free`);
      throw new KernelError("ENOMEM");
    }
    const domain = dma.newDomain();
    domain.map(0, range.start, sizeBytes);
    return { range, domain, pages: new PageRanges(PAGE_BYTES, sizeBytes - PAGE_BYTES) };
  }
}

/** The guest's igbvf: registers by VFIO's mapping, which is gone with the function, and the guest's own memory. */
function startIgbvf(
  linux: Linux,
  dev: PciDev,
  { range, pages }: Ram,
): { driver: IgbvfDriver; stop(): void } | undefined {
  const own = pages.allocate(IGBVF_MEMORY_BYTES);
  // The guest is too small for a driver: its function is idle.
  if (own === undefined) return undefined;
  const { machine } = linux;
  const { clock } = machine;
  const registers = mapRegisters(linux, dev);
  let mapped = true;
  const mmio: Mmio = {
    read32: (offset) => (mapped ? registers.read32(offset) : ALL_ONES),
    write32: (offset, value) => {
      if (mapped) registers.write32(offset, value);
    },
  };
  const driver = new IgbvfDriver({
    mmio,
    memory: new GuestMemory(machine.memory, range.start + own.start, own.sizeBytes, own.start),
    clock,
    receive: (bytes, at, length) => linux.flows.received(bytes, at, length),
    randomAddress: () => macBytes(randomMac(linux)),
    news: () => watchdog.news(),
  });
  const watchdog = new IgbvfWatchdog({ driver, clock });
  allocateVectors(linux, dev, VECTORS, (vector) => driver.interrupt(vector));
  dev.setCommand(PCI_COMMAND_MASTER);
  driver.probe();
  driver.open();
  watchdog.start();
  const watchdogs = igbAdapterOf(linux, dev.physfn)?.vfWatchdogs;
  watchdogs?.add(watchdog);
  return {
    driver,
    stop() {
      watchdog.stop();
      watchdogs?.delete(watchdog);
      mapped = false;
      machine.memory.bytes.fill(0, range.start + own.start, range.start + own.start + own.sizeBytes);
      pages.free(own);
    },
  };
}
