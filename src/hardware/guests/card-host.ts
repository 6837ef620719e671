import { PCI_ACS_CR, PCI_ACS_RR, PCI_ACS_SV, PCI_ACS_UF } from "../../pci/acs-quirks.ts";
import { ACS } from "../../pci/extended/acs.ts";
import { SRIOV } from "../../pci/extended/sriov.ts";
import { NS_PER_MS } from "../clock.ts";
import type { Fabric } from "../fabric.ts";
import { type Fault, IntelIommu } from "../iommu/intel-iommu.ts";
import { PageAllocator } from "../iommu/page-allocator.ts";
import type { Vtd } from "../iommu/vtd.ts";
import type { Machine } from "../machine.ts";
import type { PciFunction } from "../pci-function.ts";
import { barAddressOf } from "./bar-address.ts";
import type { FrameReceiver } from "./descriptor-rings.ts";
import { DmaDomain } from "./dma-domain.ts";
import { GuestMemory } from "./guest-memory.ts";
import { HostInterrupts } from "./host-interrupts.ts";
import { IgbPfDriver } from "./igb-pf-driver.ts";
import type { Mmio } from "./mmio.ts";

const PCI_COMMAND = 0x04;
const PCI_COMMAND_MEMORY_MASTER = 0x6;
const PCI_EXP_DEVCTL = 0x08;
const PCI_EXP_DEVCTL_BCR_FLR = 0x8000;
const PCI_SRIOV_CTRL = 0x08;
const PCI_SRIOV_CTRL_VFE_MSE = 0x9;
const PCI_SRIOV_NUM_VF = 0x10;
const PCI_ACS_CAP = 0x04;
const PCI_ACS_CTRL = 0x06;
const HOST_DOMAIN = 1;

/** A stretch of RAM. */
interface RamRange {
  readonly start: number;
  readonly sizeBytes: number;
}

export interface CardHostOptions {
  readonly machine: Machine;
  readonly vtd: Vtd;
  /** A port of an 82576. */
  readonly pf: PciFunction;
  /** For the tables of IOMMU and domains. */
  readonly tables: RamRange;
  /** For the rings and buffers of the PF's driver. */
  readonly driverMemory: RamRange;
  /** Frames that the PF's interface gets. */
  readonly receive?: FrameReceiver;
  readonly log?: (text: string) => void;
}

/**
 * The host of guests: an operating system that runs the IOMMU with interrupt remapping, and an 82576's PF by igb's driver. It
 * reaches the machine as software does, by configuration and memory accesses, and keeps nothing of its functions but their
 * Routing IDs, so that a machine's state may be restored below it.
 */
export class CardHost {
  readonly machine: Machine;
  readonly iommu: IntelIommu;
  readonly interrupts: HostInterrupts;
  readonly pf: IgbPfDriver;
  /** The PF's. */
  readonly registers: Mmio;
  readonly pfRid: number;
  readonly #sriov: number;
  #domains = HOST_DOMAIN;

  constructor(options: CardHostOptions) {
    const { machine, vtd, pf, tables, driverMemory } = options;
    const { memory, fabric, clock } = machine;
    this.machine = machine;
    this.pfRid = pf.routingId;
    const sriov = pf.template.offsetOf(SRIOV, true);
    if (sriov === undefined) throw new RangeError(`${pf.name} has no SR-IOV capability`);
    this.#sriov = sriov;
    for (const fn of machine.functions.values()) enableAcs(fabric, fn);
    this.iommu = new IntelIommu(vtd, memory, new PageAllocator(memory, tables.start, tables.sizeBytes)).start();
    this.interrupts = new HostInterrupts(fabric, { iommu: this.iommu });
    fabric.configWrite(this.pfRid, PCI_COMMAND, 2, PCI_COMMAND_MEMORY_MASTER);
    const domain = new DmaDomain(this.iommu, HOST_DOMAIN);
    domain.map(driverMemory.start, driverMemory.start, driverMemory.sizeBytes);
    domain.attach(this.pfRid);
    this.registers = mmioAt(fabric, barAddressOf(pf, 0));
    this.pf = new IgbPfDriver({
      mmio: this.registers,
      memory: new GuestMemory(memory, driverMemory.start, driverMemory.sizeBytes, driverMemory.start),
      clock,
      receive: options.receive ?? (() => {}),
      ...(options.log && { log: options.log }),
    });
    this.interrupts.enable(pf, (vector) => this.pf.interrupt(vector));
    this.pf.probe();
    this.pf.open();
  }

  /** A VF, as it is now: the function is another one after the VFs were disabled, or a state restored. */
  vf(vfIndex: number): PciFunction {
    const vf = this.function(this.pfRid).vfs?.vf(vfIndex);
    if (vf === undefined) throw new RangeError(`VF ${vfIndex} is not enabled`);
    return vf;
  }

  function(rid: number): PciFunction {
    const fn = this.machine.fabric.functionAt(rid);
    if (fn === undefined) throw new RangeError(`nothing answers at ${rid.toString(16)}h`);
    return fn;
  }

  /** Initiates a Function Level Reset, and waits for its end (pcie_flr). */
  resetFunction(rid: number): void {
    const { fabric, clock } = this.machine;
    const at = this.function(rid).express(PCI_EXP_DEVCTL);
    if (at === undefined) throw new RangeError(`${rid.toString(16)}h has no PCI Express capability`);
    fabric.configWrite(rid, at, 2, PCI_EXP_DEVCTL_BCR_FLR);
    clock.advance(100 * NS_PER_MS);
  }

  newDomain(): DmaDomain {
    this.#domains++;
    return new DmaDomain(this.iommu, this.#domains);
  }

  takeFaults(): readonly Fault[] {
    return this.iommu.takeFaults();
  }

  /** As sriov_numvfs_store has igb do it. @throws RangeError where igb refuses */
  setNumVfs(numVfs: number): void {
    if (numVfs === 0) {
      this.#writeNumVfs(0);
      this.machine.clock.advance(600 * NS_PER_MS);
      this.pf.freeVfs();
      this.pf.reinit();
      return;
    }
    const refused = this.pf.allocateVfs(numVfs);
    if (refused !== undefined) throw new RangeError(`igb enables no ${numVfs} VFs: ${refused}`);
    this.#writeNumVfs(numVfs);
  }

  /** sriov_enable and sriov_disable. */
  #writeNumVfs(numVfs: number): void {
    const { fabric, clock } = this.machine;
    const control = fabric.configRead(this.pfRid, this.#sriov + PCI_SRIOV_CTRL, 2) & ~PCI_SRIOV_CTRL_VFE_MSE;
    if (numVfs > 0) fabric.configWrite(this.pfRid, this.#sriov + PCI_SRIOV_NUM_VF, 2, numVfs);
    const enabled = numVfs > 0 ? PCI_SRIOV_CTRL_VFE_MSE : 0;
    fabric.configWrite(this.pfRid, this.#sriov + PCI_SRIOV_CTRL, 2, control | enabled);
    clock.advance((numVfs > 0 ? 100 : 1000) * NS_PER_MS);
  }
}

/** pci_std_enable_acs, which an IOMMU asks for: functions reach each other by way of it only. */
function enableAcs(fabric: Fabric, fn: PciFunction): void {
  const at = fn.template.offsetOf(ACS, true);
  if (at === undefined) return;
  const wanted = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;
  const capability = fabric.configRead(fn.routingId, at + PCI_ACS_CAP, 2);
  const control = fabric.configRead(fn.routingId, at + PCI_ACS_CTRL, 2);
  fabric.configWrite(fn.routingId, at + PCI_ACS_CTRL, 2, control | (capability & wanted));
}

/** Registers at an address, as the processor reaches them. */
function mmioAt(fabric: Fabric, address: number): Mmio {
  return {
    read32: (offset) => fabric.memoryRead(address + offset, 4),
    write32: (offset, value) => fabric.memoryWrite(address + offset, 4, value),
  };
}
