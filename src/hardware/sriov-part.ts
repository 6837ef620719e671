import { PCI_EXT_CAP_ID_SRIOV } from "../pci/capability-ids.ts";
import { PCI_SRIOV_BAR } from "../pci/extended/sriov.ts";
import { NS_PER_MS } from "./clock.ts";
import { barMask, ConfigTemplate } from "./config-template.ts";
import type { DeviceFunction, SriovDescription, VfPlacement } from "./device-description.ts";
import type { DeviceModel, PfDeviceModel } from "./device-model.ts";
import type { BarDescription } from "./function-description.ts";
import type { FunctionPart, FunctionState } from "./function-part.ts";
import { barAddress, type Claim, PciFunction, type Vfs } from "./pci-function.ts";
import { vfDescription } from "./vf-description.ts";

const PCI_SRIOV_CTRL = 0x08;
const PCI_SRIOV_CTRL_VFE = 0x01;
const PCI_SRIOV_CTRL_MSE = 0x08;
const PCI_SRIOV_CTRL_ARI = 0x10;
const PCI_SRIOV_INITIAL_VF = 0x0c;
const PCI_SRIOV_TOTAL_VF = 0x0e;
const PCI_SRIOV_NUM_VF = 0x10;
const PCI_SRIOV_VF_OFFSET = 0x14;
const PCI_SRIOV_VF_STRIDE = 0x16;
const PCI_SRIOV_SYS_PGSIZE = 0x20;
const PCI_SRIOV_END = 0x40;
const SMALLEST_PAGE_BYTES = 4096;

/** VFs need not answer before 100 ms after VF Enable was set (PCIe 6.0 §9.3.3.3.1). */
const MOST_ENABLE_NS = 100 * NS_PER_MS;

/** A VF: of a place that its PF's registers decide. */
class VfFunction extends PciFunction {
  readonly #sriov: SriovPart;
  readonly #index: number;

  constructor(sriov: SriovPart, index: number, template: ConfigTemplate, readyAtNs: number) {
    const { pf, description } = sriov;
    super({
      name: `${pf.name} VF ${index}`,
      template,
      surroundings: pf.surroundings,
      devfn: 0,
      pf,
      peerToPeer: pf.peerToPeer,
      readyAtNs,
      ...(description.vfResetNs === undefined ? {} : { resetNs: description.vfResetNs }),
    });
    this.#sriov = sriov;
    this.#index = index;
  }

  /** Asked for anew each time: it is the PF's model that has it. */
  override get model(): DeviceModel | undefined {
    return pfModel(this.#sriov.pf.model)?.vf(this.#index);
  }

  override get routingId(): number {
    return this.#sriov.routingIdOf(this.#index);
  }

  /** Where a PF sleeps, or is in a reset, its VFs are not there (PCIe 6.0 §9.6.1). */
  override get ready(): boolean {
    return super.ready && this.#sriov.pf.ready;
  }

  override get answersMemory(): boolean {
    return super.answersMemory && this.#sriov.pf.answersMemory;
  }
}

/** Gives a VF what a function of its kind has: the parts for its capabilities. */
export type EquipFunction = (fn: PciFunction) => void;

interface SriovState {
  readonly silent: readonly number[];
  readonly readyInNs: number;
  readonly vfs: Readonly<Record<number, FunctionState>>;
}

/** SR-IOV of a PF: its registers and its VFs (PCIe 6.0 §9.3.3). */
export class SriovPart implements FunctionPart, Vfs {
  readonly key = "sriov";
  readonly start: number;
  readonly end: number;
  readonly pf: PciFunction;
  readonly description: SriovDescription;
  /** Of the device's lowest PF, which alone has the ARI Capable Hierarchy bit (§9.3.3.3.5). */
  readonly #lowest: SriovPart;
  readonly #followers: SriovPart[] = [];
  readonly #equip: EquipFunction;
  readonly #vfTemplate: ConfigTemplate;
  readonly #vfs = new Map<number, VfFunction>();
  /** Sizes that VF Resizable BAR chose. */
  readonly #barSizes = new Map<number, number>();
  /** VFs that never answer, by index. */
  readonly silent = new Set<number>();
  #count = 0;
  #readyAtNs = 0;

  constructor(
    pf: PciFunction,
    device: DeviceFunction,
    sriov: SriovDescription,
    equip: EquipFunction,
    lowest?: SriovPart,
  ) {
    const offset = pf.template.offsetOf({ id: PCI_EXT_CAP_ID_SRIOV }, true);
    if (offset === undefined) throw new RangeError(`${pf.name} has no SR-IOV capability`);
    this.pf = pf;
    this.description = sriov;
    this.start = offset;
    this.end = offset + PCI_SRIOV_END;
    this.#equip = equip;
    this.#lowest = lowest ?? this;
    this.#vfTemplate = new ConfigTemplate(vfDescription(device, sriov));
    if (lowest !== undefined) lowest.#followers.push(this);
    this.#update();
  }

  get enabled(): boolean {
    return this.#count > 0;
  }

  /** VFs that there are now. */
  get numVfs(): number {
    return this.#count;
  }

  get totalVfs(): number {
    return this.#read(PCI_SRIOV_TOTAL_VF, 2);
  }

  /** The firmware offers another number of VFs; only while there are none. */
  offerVfs(totalVfs: number): void {
    if (this.enabled) throw new RangeError(`${this.pf.name} has VFs: what it offers cannot change now`);
    this.pf.config.set(this.start + PCI_SRIOV_INITIAL_VF, 2, totalVfs);
    this.pf.config.set(this.start + PCI_SRIOV_TOTAL_VF, 2, totalVfs);
  }

  routingIdOf(index: number): number {
    return this.pf.routingId + this.#read(PCI_SRIOV_VF_OFFSET, 2) + this.#read(PCI_SRIOV_VF_STRIDE, 2) * index;
  }

  byRoutingId(routingId: number): PciFunction | undefined {
    const distance = routingId - this.pf.routingId - this.#read(PCI_SRIOV_VF_OFFSET, 2);
    if (this.#count === 0 || distance < 0) return undefined;
    const stride = this.#read(PCI_SRIOV_VF_STRIDE, 2);
    if (stride === 0) return distance === 0 ? this.vf(0) : undefined;
    return distance % stride === 0 ? this.vf(distance / stride) : undefined;
  }

  /** VF `index`, made when it is first asked for; undefined where there is none. */
  vf(index: number): PciFunction | undefined {
    if (index >= this.#count) return undefined;
    return this.#vfs.get(index) ?? this.#make(index);
  }

  #make(index: number): VfFunction {
    const fn = new VfFunction(this, index, this.#vfTemplate, this.#readyAtNs);
    this.#equip(fn);
    if (this.silent.has(index)) fn.faults.hung = true;
    this.#vfs.set(index, fn);
    return fn;
  }

  /** One VF BAR is the memory of all VFs, side by side (§9.3.3.14). */
  claims(): Claim[] {
    if (!this.enabled || (this.#control & PCI_SRIOV_CTRL_MSE) === 0) return [];
    return this.description.vfBars.map((bar) => {
      const start = barAddress(this.pf.config, this.#barAt(bar), bar.is64 === true);
      const partBytes = this.barBytes(bar);
      const end = start + partBytes * this.#count;
      return { start, end, bar: bar.index, partBytes, owner: (index: number) => this.vf(index) };
    });
  }

  /** What one VF has of a VF BAR: at least a page (§9.3.3.13). */
  barBytes(bar: BarDescription): number {
    const pages = this.#read(PCI_SRIOV_SYS_PGSIZE, 4);
    const pageBytes = pages === 0 ? SMALLEST_PAGE_BYTES : SMALLEST_PAGE_BYTES * 2 ** (31 - Math.clz32(pages & -pages));
    return Math.max(this.#barSizes.get(bar.index) ?? bar.sizeBytes, pageBytes);
  }

  setBarBytes(index: number, sizeBytes: number): void {
    this.#barSizes.set(index, sizeBytes);
    this.#update();
  }

  written(): void {
    const wanted = (this.#control & PCI_SRIOV_CTRL_VFE) !== 0;
    if (wanted && !this.enabled) this.#enable();
    else if (!wanted && this.enabled) this.#disable();
    this.#update();
    for (const follower of this.#followers) follower.#update();
    this.pf.surroundings.decodeChanged();
  }

  reset(): void {
    this.#barSizes.clear();
    // Its registers have been reset: VF Enable is clear, and with it the VFs are gone (§9.2.2.3).
    this.written();
  }

  save(): SriovState {
    const vfs: Record<number, FunctionState> = {};
    for (const [index, fn] of this.#vfs) vfs[index] = fn.saveRegisters();
    return {
      silent: [...this.silent],
      readyInNs: Math.max(0, this.#readyAtNs - this.pf.surroundings.clock.nowNs),
      vfs,
    };
  }

  restore(state: unknown): void {
    const { silent, readyInNs, vfs } = state as SriovState;
    this.silent.clear();
    for (const index of silent) this.silent.add(index);
    this.#vfs.clear();
    this.#barSizes.clear();
    this.#count = (this.#control & PCI_SRIOV_CTRL_VFE) === 0 ? 0 : this.#wantedVfs();
    this.#readyAtNs = this.pf.surroundings.clock.nowNs + readyInNs;
    this.#update();
    for (const [index, each] of Object.entries(vfs)) this.#make(Number(index)).restore(each);
  }

  get #control(): number {
    return this.#read(PCI_SRIOV_CTRL, 2);
  }

  #read(register: number, size: number): number {
    return this.pf.config.read(this.start + register, size);
  }

  /** As many as there will be: NumVFs, which software may have set to anything (CVE-2024-26327 is of trusting it). */
  #wantedVfs(): number {
    const { totalVfs } = this;
    return this.description.enablesAll === true ? totalVfs : Math.min(this.#read(PCI_SRIOV_NUM_VF, 2), totalVfs);
  }

  #enable(): void {
    this.#count = this.#wantedVfs();
    this.#readyAtNs = this.pf.surroundings.clock.nowNs + (this.description.enableNs ?? MOST_ENABLE_NS);
    if (this.#count > 0) pfModel(this.pf.model)?.enableVfs(this.#count);
  }

  #disable(): void {
    this.#count = 0;
    this.#vfs.clear();
    pfModel(this.pf.model)?.disableVfs();
  }

  /** Registers that follow from others. */
  #update(): void {
    const { config } = this.pf;
    const { description } = this;
    const { firstVfOffset, vfStride } = this.#placement();
    config.set(this.start + PCI_SRIOV_VF_OFFSET, 2, firstVfOffset);
    config.set(this.start + PCI_SRIOV_VF_STRIDE, 2, vfStride);
    // NumVFs, ARI Capable Hierarchy and System Page Size are fixed while VF Enable is set (§9.3.3.3.5, §9.3.3.7, §9.3.3.13).
    const locked = (this.#control & PCI_SRIOV_CTRL_VFE) !== 0;
    const ari = this.#lowest === this && !locked ? PCI_SRIOV_CTRL_ARI : 0;
    config.setWritable(this.start + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | ari);
    config.setWritable(this.start + PCI_SRIOV_NUM_VF, 2, locked ? 0 : 0xffff);
    config.setWritable(this.start + PCI_SRIOV_SYS_PGSIZE, 4, locked ? 0 : 0xffff_ffff);
    for (const bar of description.vfBars) {
      const [low, high] = barMask(this.barBytes(bar), bar.is64 === true);
      config.setWritable(this.#barAt(bar), 4, low);
      if (bar.is64 === true) config.setWritable(this.#barAt(bar) + 4, 4, high);
      // Where the BAR has grown, the low bits of the address are gone.
      config.set(this.#barAt(bar), 4, config.read(this.#barAt(bar), 4) & (low | 0xf));
    }
  }

  #placement(): VfPlacement {
    const { placement, placementWithoutAri = placement } = this.description;
    return (this.#lowest.#control & PCI_SRIOV_CTRL_ARI) === 0 ? placementWithoutAri : placement;
  }

  #barAt({ index }: BarDescription): number {
    return this.start + PCI_SRIOV_BAR + index * 4;
  }
}

function pfModel(model: DeviceModel | undefined): PfDeviceModel | undefined {
  return model !== undefined && "enableVfs" in model ? (model as PfDeviceModel) : undefined;
}
