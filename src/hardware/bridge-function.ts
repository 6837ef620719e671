import { isDownstreamPort } from "../pci/device-port-type.ts";
import type { ResetKind } from "./device-model.ts";
import type { FunctionState } from "./function-part.ts";
import { type FunctionOptions, PciFunction } from "./pci-function.ts";

/** Addresses from `start` up to before `end`; empty where a window is closed. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

/** The functions that share a bus: those of one device at the end of a link, or all ports inside a switch or the root. */
export class Bus {
  /** By device and function, or with ARI by function. */
  readonly functions = new Map<number, PciFunction>();
  /** Undefined: the root bus. */
  readonly bridge: BridgeFunction | undefined;

  constructor(bridge?: BridgeFunction) {
    this.bridge = bridge;
  }

  add(fn: PciFunction): void {
    if (this.functions.has(fn.devfn)) throw new RangeError(`two functions are at ${fn.devfn.toString(16)}h of one bus`);
    this.functions.set(fn.devfn, fn);
    BUSES.set(fn, this);
  }

  /** Takes all functions away, as when a card is pulled out. @returns them */
  clear(): PciFunction[] {
    const functions = [...this.functions.values()];
    this.functions.clear();
    return functions;
  }

  /** By what number requests reach it now; 0 below a bridge that nobody has given one. */
  get number(): number {
    return this.bridge === undefined ? 0 : this.bridge.secondaryBus;
  }
}

/** What can happen to the link of a downstream port, and to its slot. */
export interface Link {
  /** Trains the link for the first time. */
  powerOn(): void;
  /** The link fails, or comes back. */
  setBroken(broken: boolean): void;
  /** A card was pulled out or put in: what is below the port has changed already. */
  presenceChanged(): void;
  pressAttentionButton(): void;
}

const BUSES = new WeakMap<PciFunction, Bus>();

/** The bus that a function is on; of a VF that of its PF, whatever its bus number is. */
export function busOf(fn: PciFunction): Bus {
  const bus = BUSES.get(fn.pf ?? fn);
  if (bus === undefined) throw new RangeError(`${fn.name} is on no bus`);
  return bus;
}

const PCI_COMMAND = 0x04;
const PCI_COMMAND_MEMORY = 0x2;
const PCI_COMMAND_MASTER = 0x4;
const PCI_SECONDARY_BUS = 0x19;
const PCI_SUBORDINATE_BUS = 0x1a;
const PCI_MEMORY_BASE = 0x20;
const PCI_MEMORY_LIMIT = 0x22;
const PCI_PREF_MEMORY_BASE = 0x24;
const PCI_PREF_MEMORY_LIMIT = 0x26;
const PCI_PREF_BASE_UPPER32 = 0x28;
const PCI_PREF_LIMIT_UPPER32 = 0x2c;
const PCI_BRIDGE_CONTROL = 0x3e;
const PCI_BRIDGE_CTL_BUS_RESET = 0x40;
const PCI_EXP_FLAGS = 0x02;
const PCI_EXP_DEVCTL2 = 0x28;
const PCI_EXP_DEVCTL2_ARI = 0x20;
const WINDOW_GRANULE = 0x10_0000;
const HIGH = 2 ** 32;

/** A port: of the root complex, or of a switch, up- or downstream (PCIe 6.0 §7.5.1.3). */
export class BridgeFunction extends PciFunction {
  readonly below: Bus;
  /** Its Device/Port Type. */
  readonly portType: number;
  /** Leads over a link to one device; an upstream port leads to the bus inside its switch. */
  readonly leadsToLink: boolean;
  /** Configuration requests for any device go over its link, with ARI or without: no port of the standard's. */
  leadsToAnyDevice = false;
  /** The link below is up, and the slot has power. True of what has no link. */
  linkUp = true;
  link: Link | undefined;

  constructor(options: FunctionOptions) {
    super(options);
    const flags = this.express(PCI_EXP_FLAGS);
    this.portType = flags === undefined ? 0 : (this.config.read(flags, 2) >>> 4) & 0xf;
    this.leadsToLink = isDownstreamPort(this.portType);
    this.below = new Bus(this);
    this.parts.push({
      key: "bridge",
      start: PCI_BRIDGE_CONTROL,
      end: PCI_BRIDGE_CONTROL + 2,
      written: () => this.#bridgeControlWritten(),
    });
  }

  /** The bus that it is on. */
  get bus(): Bus | undefined {
    return BUSES.get(this);
  }

  get secondaryBus(): number {
    return this.config.read(PCI_SECONDARY_BUS, 1);
  }

  get subordinateBus(): number {
    return this.config.read(PCI_SUBORDINATE_BUS, 1);
  }

  /** Whether configuration requests for a bus go down here (PCIe 6.0 §7.3.3). */
  forwardsBus(bus: number): boolean {
    const { secondaryBus } = this;
    return secondaryBus !== 0 && bus >= secondaryBus && bus <= this.subordinateBus;
  }

  /** Functions above 7 below it can be reached on its secondary bus (PCIe 6.0 §7.5.3.16). */
  get ariForwarding(): boolean {
    const at = this.express(PCI_EXP_DEVCTL2);
    return at !== undefined && (this.config.read(at, 2) & PCI_EXP_DEVCTL2_ARI) !== 0;
  }

  /** Requests get through to what is below. */
  get passes(): boolean {
    return this.linkUp && this.powerState === 0 && this.ready && !this.inSecondaryReset && !this.faults.hung;
  }

  get inSecondaryReset(): boolean {
    return (this.config.read(PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_CTL_BUS_RESET) !== 0;
  }

  /** Lets requests from below go up: Bus Master Enable of a port (PCIe 6.0 §7.5.1.1.3). */
  get forwardsUp(): boolean {
    return (this.config.read(PCI_COMMAND, 2) & PCI_COMMAND_MASTER) !== 0 && this.passes;
  }

  /** Memory that goes down here: the two windows, as far as they are open. */
  windows(): AddressRange[] {
    if ((this.config.read(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) === 0) return [];
    const memory = this.#window(PCI_MEMORY_BASE, PCI_MEMORY_LIMIT, 0, 0);
    const wide = (this.config.read(PCI_PREF_MEMORY_BASE, 2) & 0xf) === 1;
    const prefetchable = this.#window(
      PCI_PREF_MEMORY_BASE,
      PCI_PREF_MEMORY_LIMIT,
      wide ? this.config.read(PCI_PREF_BASE_UPPER32, 4) : 0,
      wide ? this.config.read(PCI_PREF_LIMIT_UPPER32, 4) : 0,
    );
    return [memory, prefetchable].filter(({ start, end }) => start < end);
  }

  #window(base: number, limit: number, baseUpper: number, limitUpper: number): AddressRange {
    return {
      start: baseUpper * HIGH + (this.config.read(base, 2) & 0xfff0) * 0x1_0000,
      end: limitUpper * HIGH + (this.config.read(limit, 2) & 0xfff0) * 0x1_0000 + WINDOW_GRANULE,
    };
  }

  #bridgeControlWritten(): void {
    if (this.inSecondaryReset) this.resetBelow();
  }

  /** A conventional reset of everything below: hot reset, or what comes with a link that went down (PCIe 6.0 §6.6.1). */
  resetBelow(): void {
    for (const fn of this.below.functions.values()) fn.reset("conventional");
  }

  override resetRegisters(kind: ResetKind): void {
    super.resetRegisters(kind);
    // A reset of a port goes on to what is below it (PCIe 6.0 §6.6.1).
    this.resetBelow();
  }

  override save(): BridgeState {
    return { ...super.save(), linkUp: this.linkUp };
  }

  override restore(state: FunctionState): void {
    this.linkUp = (state as BridgeState).linkUp;
    super.restore(state);
  }
}

/** The root port through which a function is reached, or that it is; undefined on the root bus. */
export function rootPortAbove(fn: PciFunction): BridgeFunction | undefined {
  let top = fn instanceof BridgeFunction ? fn : busOf(fn).bridge;
  while (top?.bus?.bridge !== undefined) top = top.bus.bridge;
  return top;
}

interface BridgeState extends FunctionState {
  readonly linkUp: boolean;
}
