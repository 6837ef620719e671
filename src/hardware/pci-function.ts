import { PCI_CAP_ID_EXP } from "../pci/capability-ids.ts";
import { type ModelClock, NS_PER_MS } from "./clock.ts";
import { ConfigRegisters } from "./config-registers.ts";
import type { ConfigTemplate } from "./config-template.ts";
import type { DeviceModel, ResetKind } from "./device-model.ts";
import type { BarDescription } from "./function-description.ts";
import type {
  BarRegion,
  Completion,
  ErrorSeverity,
  FunctionFaults,
  FunctionPart,
  FunctionState,
  Interrupter,
  Intx,
} from "./function-part.ts";

/** What one function needs of the machine around it. */
export interface Surroundings {
  readonly clock: ModelClock;
  /** What is decoded where has changed: BARs, windows, enables, functions that came or went. */
  decodeChanged(): void;
  /** A memory write by which the function interrupts. */
  interruptMessage(from: PciFunction, address: number, data: number): void;
  /** The function's INTx was asserted or deasserted. */
  intxChanged(from: PciFunction): void;
  /** The function saw an error and reports it to the root port above. */
  errorMessage(from: PciFunction, severity: ErrorSeverity): void;
}

/** Bus addresses that a function answers: a BAR, or one BAR of many VFs side by side. */
export interface Claim {
  readonly start: number;
  /** One past the last. */
  readonly end: number;
  readonly bar: number;
  /** Of one function. */
  readonly partBytes: number;
  owner(index: number): PciFunction | undefined;
}

/** The VFs of a PF, as the fabric asks for them. */
export interface Vfs {
  readonly enabled: boolean;
  readonly numVfs: number;
  byRoutingId(routingId: number): PciFunction | undefined;
  vf(index: number): PciFunction | undefined;
  claims(): Claim[];
}

export interface FunctionOptions {
  /** What messages and saved states call it. */
  readonly name: string;
  readonly template: ConfigTemplate;
  readonly surroundings: Surroundings;
  /** Device 7:3 and function 2:0, or with ARI function 7:0. */
  readonly devfn: number;
  readonly bars?: readonly BarDescription[];
  /** How long it takes over a reset; 100 ms, the most that the specification allows, where left out. */
  readonly resetNs?: number;
  /** Of a VF. */
  readonly pf?: PciFunction;
  /** Its device passes requests on from it to the other functions of the device; true where left out. */
  readonly peerToPeer?: boolean;
  /** Answers from then on; at once where left out. */
  readonly readyAtNs?: number;
}

const PCI_COMMAND = 0x04;
const PCI_COMMAND_MEMORY = 0x2;
const PCI_COMMAND_MASTER = 0x4;
const PCI_STATUS = 0x06;
const PCI_BASE_ADDRESS_0 = 0x10;
const PCI_EXP_DEVSTA = 0x0a;
const PCI_HEADER_END = 0x40;

/** Within 100 ms of FLR the function must be done with it (PCIe 6.0 §6.6.2). */
const MOST_RESET_NS = 100 * NS_PER_MS;

/** One function: its configuration space, its BARs, what may be seen of it, and the device behind. */
export class PciFunction {
  readonly name: string;
  readonly template: ConfigTemplate;
  readonly config: ConfigRegisters;
  readonly surroundings: Surroundings;
  readonly devfn: number;
  readonly bars: readonly BarDescription[];
  readonly resetNs: number;
  /** Of a VF: the function that it belongs to. */
  readonly pf: PciFunction | undefined;
  readonly peerToPeer: boolean;
  readonly faults: FunctionFaults = { hung: false, poisonNextRead: false, poisonNextDma: false };
  readonly parts: FunctionPart[] = [];
  readonly regions: BarRegion[] = [];
  readonly interrupters: Interrupter[] = [];
  /** Of a function with an Interrupt Pin. */
  intx: Intx | undefined;
  vfs: Vfs | undefined;
  /** D0 to D3hot, of Power Management. */
  powerState: 0 | 1 | 2 | 3 = 0;
  #model: DeviceModel | undefined;
  #capturedBus = 0;
  #readyAtNs = 0;
  /** Sizes of BARs that were changed by Resizable BAR. */
  readonly #barSizes = new Map<number, number>();

  constructor(options: FunctionOptions) {
    const {
      name,
      template,
      surroundings,
      devfn,
      bars = [],
      resetNs = MOST_RESET_NS,
      pf,
      peerToPeer = true,
      readyAtNs = 0,
    } = options;
    this.name = name;
    this.template = template;
    this.config = new ConfigRegisters(template);
    this.surroundings = surroundings;
    this.devfn = devfn;
    this.bars = bars;
    this.resetNs = resetNs;
    this.pf = pf;
    this.peerToPeer = peerToPeer;
    this.#readyAtNs = readyAtNs;
  }

  /** The device behind the BARs. */
  get model(): DeviceModel | undefined {
    return this.#model;
  }

  attach(model: DeviceModel): void {
    this.#model = model;
  }

  /** With the bus number that it captured from the last configuration write (PCIe 6.0 §2.2.6.2). */
  get routingId(): number {
    return (this.#capturedBus << 8) | this.devfn;
  }

  captureBus(bus: number): void {
    if (this.#capturedBus === bus) return;
    this.#capturedBus = bus;
    this.surroundings.decodeChanged();
  }

  /** How a configuration request to it ends. */
  get configCompletion(): Completion {
    if (this.faults.hung) return "timeout";
    // While it initialises it may answer with Request Retry Status (PCIe 6.0 §2.3.1, §6.6.2).
    return this.ready ? "success" : "request retry status";
  }

  /** It has come out of its last reset. */
  get ready(): boolean {
    return this.surroundings.clock.nowNs >= this.#readyAtNs;
  }

  get readyAtNs(): number {
    return this.#readyAtNs;
  }

  /** Answers nothing from now on, for so long. */
  busyFor(ns: number): void {
    this.#readyAtNs = Math.max(this.#readyAtNs, this.surroundings.clock.nowNs + ns);
    this.surroundings.decodeChanged();
  }

  /** Answers memory requests, where its BARs are enabled: in D0 alone (PCIe 6.0 §5.3.1). */
  get answersMemory(): boolean {
    return this.powerState === 0 && this.ready && !this.faults.hung;
  }

  /** May issue requests: in D0, and not in a reset. */
  get mayRequest(): boolean {
    return (this.config.read(PCI_COMMAND, 2) & PCI_COMMAND_MASTER) !== 0 && this.answersMemory;
  }

  readConfig(offset: number, size: number): number {
    return this.config.read(offset, size);
  }

  writeConfig(offset: number, size: number, value: number): void {
    this.config.write(offset, size, value);
    if (offset < PCI_HEADER_END) this.surroundings.decodeChanged();
    const end = offset + size;
    for (const part of this.parts) {
      if (part.written !== undefined && offset < part.end && end > part.start) part.written(offset, size);
    }
  }

  get memorySpaceEnabled(): boolean {
    return (this.config.read(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) !== 0;
  }

  barSizeBytes(bar: BarDescription): number {
    return this.#barSizes.get(bar.index) ?? bar.sizeBytes;
  }

  setBarSize(index: number, sizeBytes: number): void {
    this.#barSizes.set(index, sizeBytes);
    this.surroundings.decodeChanged();
  }

  /** The memory that it answers now; empty while its Memory Space Enable is clear. */
  claims(): Claim[] {
    const claims: Claim[] = [];
    if (this.memorySpaceEnabled) {
      for (const bar of this.bars) {
        if (bar.kind === "io") continue;
        const start = barAddress(this.config, PCI_BASE_ADDRESS_0 + bar.index * 4, bar.is64 === true);
        const partBytes = this.barSizeBytes(bar);
        claims.push({ start, end: start + partBytes, bar: bar.index, partBytes, owner: () => this });
      }
    }
    if (this.vfs !== undefined) claims.push(...this.vfs.claims());
    return claims;
  }

  /** @returns an unsigned value; zero where the function has neither a model nor anything of its own there */
  readBar(bar: number, offset: number, size: 1 | 2 | 4): number {
    const region = this.#region(bar, offset);
    if (region !== undefined) return region.read(offset - region.start, size);
    return this.model?.readBar(bar, offset, size) ?? 0;
  }

  writeBar(bar: number, offset: number, size: 1 | 2 | 4, value: number): void {
    const region = this.#region(bar, offset);
    if (region !== undefined) region.write(offset - region.start, size, value);
    else this.model?.writeBar(bar, offset, size, value);
  }

  #region(bar: number, offset: number): BarRegion | undefined {
    for (const region of this.regions) {
      if (region.bar === bar && offset >= region.start && offset < region.end) return region;
    }
    return undefined;
  }

  /** An interrupt of the device: by whichever of MSI-X and MSI is enabled. Where neither is, its INTx tells of it or nothing. */
  interrupt(vector: number): void {
    const used = this.interrupters.find(({ enabled }) => enabled);
    if (used === undefined) this.intx?.settle();
    else used.interrupt(vector);
  }

  /** Sends a memory write as an interrupt, which Bus Master Enable stops too (PCIe 6.0 §7.5.1.1.3). */
  sendMessage(address: number, data: number): void {
    if (this.mayRequest) this.surroundings.interruptMessage(this, address, data);
  }

  /** FLR of this function, or a conventional reset that reached it. */
  reset(kind: ResetKind): void {
    this.resetRegisters(kind);
    this.busyFor(this.resetNs);
    this.surroundings.decodeChanged();
  }

  /** Power was off: not even sticky bits are left. */
  powerCycle(): void {
    this.config.reset("power");
    this.reset("conventional");
  }

  /** What a reset does apart from the time it takes: as a return from D3hot does where No_Soft_Reset is clear. */
  resetRegisters(kind: ResetKind): void {
    this.powerState = 0;
    this.#barSizes.clear();
    this.config.reset(kind);
    if (kind === "conventional") {
      this.#capturedBus = 0;
      this.faults.hung = false;
    }
    for (const part of this.parts) part.reset?.(kind);
    this.model?.reset(kind);
    this.surroundings.decodeChanged();
  }

  /** Where a register of the PCI Express capability is; undefined in a function that has none. */
  express(register: number): number | undefined {
    const offset = this.template.offsetOf({ id: PCI_CAP_ID_EXP }, false);
    return offset === undefined ? undefined : offset + register;
  }

  /** Sets bits of Status. */
  setStatus(mask: number): void {
    this.config.setBits(PCI_STATUS, 2, mask, mask);
  }

  /** Sets bits of Device Status. */
  setDeviceStatus(mask: number): void {
    const at = this.express(PCI_EXP_DEVSTA);
    if (at !== undefined) this.config.setBits(at, 2, mask, mask);
  }

  /** Registers and model. */
  save(): FunctionState {
    return { ...this.saveRegisters(), model: this.model?.save() ?? null };
  }

  /** Without the device's model: a VF's is in that of its PF. */
  saveRegisters(): FunctionState {
    const parts: Record<string, unknown> = {};
    for (const part of this.parts) {
      const state = part.save?.();
      if (state !== undefined) parts[part.key] = state;
    }
    return {
      config: this.config.save(),
      capturedBus: this.#capturedBus,
      powerState: this.powerState,
      readyInNs: Math.max(0, this.#readyAtNs - this.surroundings.clock.nowNs),
      faults: { ...this.faults },
      parts,
      model: null,
    };
  }

  restore(state: FunctionState): void {
    this.config.restore(state.config);
    this.#capturedBus = state.capturedBus;
    this.powerState = state.powerState;
    this.#readyAtNs = this.surroundings.clock.nowNs + state.readyInNs;
    Object.assign(this.faults, state.faults);
    this.#barSizes.clear();
    // VFs first: a PF's model asks for their ports.
    for (const part of this.parts) part.restore?.(state.parts[part.key]);
    if (state.model !== null) this.model?.restore(state.model);
    this.surroundings.decodeChanged();
  }
}

/** The bus address in a memory BAR; a number, so exact below 2^53. */
export function barAddress(config: ConfigRegisters, offset: number, is64: boolean): number {
  const low = (config.read(offset, 4) & ~0xf) >>> 0;
  return is64 ? config.read(offset + 4, 4) * 2 ** 32 + low : low;
}
