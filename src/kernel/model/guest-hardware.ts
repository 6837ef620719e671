import type { DmaDomain } from "../../hardware/guests/dma-domain.ts";
import type { IgbvfDriver } from "../../hardware/guests/igbvf-driver.ts";
import type { MovableGuest } from "../../hardware/guests/movable-guest.ts";
import { CLASS_NVME } from "./drivers/nvme.ts";
import { PCI_COMMAND_MASTER } from "./enable-device.ts";
import { GuestIgbvf, type GuestIgbvfState } from "./guest-igbvf.ts";
import { GuestNvme } from "./guest-nvme.ts";
import { GuestRam } from "./guest-ram.ts";
import { KernelError } from "./kernel-error.ts";
import type { GuestDescription, Linux } from "./linux.ts";
import { freeVectors } from "./message-interrupts.ts";
import type { KernelIommuGroup, PciDev } from "./pci-dev.ts";
import { vfioDeviceOf } from "./vfio-migration.ts";

const MIB = 2 ** 20;
/** A guest's memory lies so that its domain can have superpages. */
const ALIGNMENT = 2 * MIB;
const VENDOR_ID_INTEL = 0x8086;
const E1000_DEV_ID_82576_VF = 0x10ca;

interface Pinned {
  readonly ram: GuestRam;
  /** All of it, from 0, and nothing else. */
  readonly domain: DmaDomain;
}

interface Attached {
  readonly group: KernelIommuGroup;
  /** Of an 82576's VF. */
  readonly igbvf: GuestIgbvf | undefined;
  readonly nvme: GuestNvme | undefined;
}

/**
 * The hardware of a guest: memory, which is pinned in the machine's when it gets its first function, as VFIO's container has it,
 * and functions, which reach that memory and no other. Of an 82576's VF, and of an NVMe controller, its kernel has a driver.
 */
export class GuestHardware {
  readonly #linux: Linux;
  readonly #description: GuestDescription;
  readonly #attached = new Map<PciDev, Attached>();
  #pinned: Pinned | undefined;

  constructor(linux: Linux, description: GuestDescription) {
    this.#linux = linux;
    this.#description = description;
  }

  driverOf(dev: PciDev): IgbvfDriver | undefined {
    return this.#attached.get(dev)?.igbvf?.driver;
  }

  /** `vfio_iommu_type1_attach_group` and `vfio_dma_do_map`. @throws KernelError ENOMEM */
  pin(): Pinned {
    this.#pinned ??= this.#newRam();
    return this.#pinned;
  }

  /**
   * The function, which was reset, is in the guest's domain, and the guest's kernel takes it up.
   * @param starts left out where the guest's kernel has come with a driver of its own
   */
  attach(dev: PciDev, starts = true): void {
    const { iommuGroup: group } = dev;
    if (group === undefined) throw new KernelError("ENODEV");
    const { ram, domain } = this.pin();
    this.#linux.dma.attachGroup(group, domain);
    const isIgbvf = dev.vendor === VENDOR_ID_INTEL && dev.device === E1000_DEV_ID_82576_VF;
    const igbvf = isIgbvf ? new GuestIgbvf(this.#linux, dev, ram) : undefined;
    if (starts) igbvf?.start();
    const nvme = dev.classCode === CLASS_NVME && starts ? new GuestNvme(this.#linux, dev, ram) : undefined;
    this.#attached.set(dev, { group, igbvf, nvme });
  }

  /** `vfio_pci_core_disable`, whatever the guest is doing: no more requests, and its vectors are taken back; a reset comes next. */
  silence(dev: PciDev): void {
    const attached = this.#attached.get(dev);
    if (attached === undefined) return;
    dev.clearCommand(PCI_COMMAND_MASTER);
    attached.igbvf?.stop();
    attached.nvme?.stop();
    freeVectors(dev);
  }

  /** The group is the kernel's again (`vfio_iommu_type1_detach_group`). */
  detach(dev: PciDev): void {
    const attached = this.#attached.get(dev);
    this.#attached.delete(dev);
    if (attached !== undefined) this.#linux.dma.releaseGroup(attached.group);
  }

  /**
   * The guest as one that moves, with these functions.
   * @throws KernelError EOPNOTSUPP where the driver of one does not move it
   */
  movable(devs: readonly PciDev[], end: MovableGuest["end"]): MovableGuest {
    const { range } = this.pin().ram;
    const igbvfs = devs.map((dev) => this.#attached.get(dev)?.igbvf);
    return {
      memory: this.#linux.machine.memory.part(range.start, range.sizeBytes),
      parts: igbvfs.flatMap((igbvf) => igbvf?.part ?? []),
      devices: devs.map((dev) => vfioDeviceOf(this.#linux, dev)),
      pause: () => {
        for (const igbvf of igbvfs) igbvf?.pause();
      },
      resume: () => {
        for (const igbvf of igbvfs) igbvf?.resume();
      },
      saveSoftware: () => igbvfs.map((igbvf) => igbvf?.save() ?? null),
      restoreSoftware: (software) => {
        igbvfs.forEach((igbvf, index) => {
          igbvf?.restore((software as readonly (GuestIgbvfState | null)[])[index] ?? null);
        });
      },
      end,
    };
  }

  /** The guest has ended. */
  free(): void {
    if (this.#pinned === undefined) return;
    const { domain } = this.#pinned;
    const { range } = this.#pinned.ram;
    const { dma, machine } = this.#linux;
    dma.freeDomain(domain);
    // Whoever has it next sees nothing of what the guest, and its devices, left there (`clear_page`).
    machine.memory.clearPages(range.start, range.sizeBytes);
    dma.memory.free(range);
    this.#pinned = undefined;
  }

  #newRam(): Pinned {
    const { dma, log, machine } = this.#linux;
    const { name, memoryMib } = this.#description;
    const sizeBytes = memoryMib * MIB;
    const range = dma.memory.allocate(sizeBytes, ALIGNMENT);
    if (range === undefined) {
      const freeMib = Math.floor(dma.memory.freeBytes / MIB);
      log.print(`vfio_iommu_type1: ${memoryMib} MiB of guest ${name} cannot be pinned: ${freeMib} MiB are free`);
      throw new KernelError("ENOMEM");
    }
    let domain: DmaDomain | undefined;
    try {
      domain = dma.newDomain();
      domain.map(0, range.start, sizeBytes);
      return { ram: new GuestRam(machine.memory, range), domain };
    } catch (error) {
      // There is no room for the domain's tables.
      if (domain !== undefined) dma.freeDomain(domain);
      dma.memory.free(range);
      throw error instanceof RangeError ? new KernelError("ENOMEM", { cause: error }) : error;
    }
  }
}
