import { type AddressRange, BridgeFunction, Bus, rootPortAbove } from "./bridge-function.ts";
import { ModelClock } from "./clock.ts";
import { type ConfigPlace, routeConfig } from "./config-route.ts";
import { type Decoded, DecodeMap, ownerAt } from "./decode-map.ts";
import { collectError } from "./error-collector.ts";
import { configRequestHeader, logError, memoryRequestHeader, type TlpHeader } from "./error-log.ts";
import type { Completion, ErrorSeverity } from "./function-part.ts";
import {
  atsEnabled,
  FunctionPort,
  type InterruptTarget,
  type Iommu,
  type Ram,
  type RequestTarget,
} from "./function-port.ts";
import { ioApicInput, rootIntx } from "./intx-part.ts";
import type { PciFunction, Surroundings } from "./pci-function.ts";
import type { RequestRoute } from "./request-route.ts";

export interface DeliveredInterrupt extends InterruptTarget {
  readonly requesterId: number;
}

/** Registers of the platform itself, such as an IOMMU's. */
export interface PlatformRegion extends AddressRange {
  read(offset: number, size: 1 | 2 | 4): number;
  write(offset: number, size: 1 | 2 | 4, value: number): void;
}

const PCI_VENDOR_ID = 0x00;
const PCI_STATUS_REC_TARGET_ABORT = 0x1000;
const PCI_STATUS_REC_MASTER_ABORT = 0x2000;
const PCI_EXP_RTCTL = 0x1c;
const PCI_EXP_RTCTL_RRS_SVE = 0x10;
/** What a read of Vendor ID gives while the function is not ready, with RRS Software Visibility (PCIe 6.0 §2.3.2). */
const RRS_VENDOR_ID = 0xffff_0001;

/**
 * The root complex and all that is below it: takes the processor's requests to functions, and the functions' requests to
 * memory, to each other, and to the processor as interrupts.
 */
export class Fabric implements Surroundings, RequestTarget {
  readonly clock: ModelClock;
  readonly ram: Ram;
  /** Bus 0. */
  readonly root = new Bus();
  iommu: Iommu | undefined;
  /** Where interrupts arrive. */
  interruptSink: ((interrupt: DeliveredInterrupt) => void) | undefined;
  /** Where INTx arrives, as a level: at inputs of the I/O APIC. */
  intxSink: ((input: number, asserted: boolean) => void) | undefined;
  /** Functions whose INTx is asserted. */
  readonly #intx = new Set<PciFunction>();
  #intxInputs: ReadonlySet<number> = new Set();
  /** How the processor's last request ended. A posted write always ends well, as far as the processor can see. */
  completion: Completion = "success";
  /** Changes with whatever decides where a request goes. */
  generation = 0;
  readonly #platform: PlatformRegion[] = [];
  readonly #ports = new WeakMap<PciFunction, FunctionPort>();
  #map: DecodeMap | undefined;

  constructor(ram: Ram, clock: ModelClock = new ModelClock()) {
    this.ram = ram;
    this.clock = clock;
  }

  addPlatformRegion(region: PlatformRegion): void {
    this.#platform.push(region);
  }

  /** What a function sees of the world. */
  portOf(fn: PciFunction): FunctionPort {
    let port = this.#ports.get(fn);
    if (port === undefined) {
      port = new FunctionPort(this, fn);
      this.#ports.set(fn, port);
    }
    return port;
  }

  /** The function at a Routing ID, if a configuration request would reach it now; VFs included. */
  functionAt(routingId: number): PciFunction | undefined {
    return routeConfig(this.root, routingId).fn;
  }

  /**
   * A configuration read, as software sees its end: all ones where nothing answers (PCIe 6.0 §2.3.2).
   * @param size 1, 2 or 4, and `offset` a multiple of it
   */
  configRead(routingId: number, offset: number, size: 1 | 2 | 4): number {
    const { fn } = this.#configRequest(routingId, offset, false);
    if (fn !== undefined && this.completion === "success") return fn.readConfig(offset, size);
    const wantsVendor = offset === PCI_VENDOR_ID && size >= 2;
    if (fn !== undefined && this.completion === "request retry status" && wantsVendor && rrsVisible(fn)) {
      return size === 4 ? RRS_VENDOR_ID : RRS_VENDOR_ID & 0xffff;
    }
    return allOnes(size);
  }

  configWrite(routingId: number, offset: number, size: 1 | 2 | 4, value: number): void {
    const { fn } = this.#configRequest(routingId, offset, true);
    if (fn === undefined || this.completion !== "success") return;
    // Functions learn their bus number from what is written to them (PCIe 6.0 §2.2.6.2); a VF has its PF's.
    if (fn.pf === undefined) fn.captureBus(routingId >>> 8);
    fn.writeConfig(offset, size, value);
  }

  #configRequest(routingId: number, offset: number, write: boolean): ConfigPlace {
    const place = routeConfig(this.root, routingId);
    const { fn, bus } = place;
    this.completion = fn?.configCompletion ?? "unsupported request";
    if (this.completion === "success") return place;
    if (fn === undefined) this.#nobodyOn(bus, configRequestHeader(routingId, offset, write), true);
    else if (this.completion === "timeout") this.#timedOut(fn);
    return place;
  }

  /** A read by the processor: of RAM, the platform's registers, a BAR. All ones where nothing answers. */
  memoryRead(address: number, size: 1 | 2 | 4): number {
    this.completion = "success";
    if (address + size <= this.ram.sizeBytes) return readRam(this.ram.view, address, size);
    const platform = this.#platformAt(address);
    if (platform !== undefined) return platform.read(address - platform.start, size);
    const decoded = this.decode(address);
    const value = this.readClaimed(decoded, address, size);
    if (value === undefined) this.#memoryFailed(decoded, address, false);
    return value ?? allOnes(size);
  }

  memoryWrite(address: number, size: 1 | 2 | 4, value: number): void {
    this.completion = "success";
    if (address + size <= this.ram.sizeBytes) {
      writeRam(this.ram.view, address, size, value);
      return;
    }
    const platform = this.#platformAt(address);
    if (platform !== undefined) {
      platform.write(address - platform.start, size, value);
      return;
    }
    const decoded = this.decode(address);
    if (!this.writeClaimed(decoded, address, size, value)) this.#memoryFailed(decoded, address, true);
    this.completion = "success";
  }

  /** What answers a memory address, other than RAM and the platform. */
  decode(address: number): Decoded | undefined {
    this.#map ??= new DecodeMap(this.root);
    return this.#map.find(address);
  }

  /** A read of a function's memory that has come as far as its bus. @returns undefined where nothing answers */
  readClaimed(decoded: Decoded | undefined, address: number, size: 1 | 2 | 4): number | undefined {
    const fn = this.#ownerOf(decoded, address);
    if (decoded === undefined || fn === undefined || this.completion !== "success") return undefined;
    const value = fn.readBar(decoded.claim.bar, (address - decoded.claim.start) % decoded.claim.partBytes, size);
    if (!fn.faults.poisonNextRead) return value;
    fn.faults.poisonNextRead = false;
    this.completion = "poisoned";
    return undefined;
  }

  writeClaimed(decoded: Decoded | undefined, address: number, size: 1 | 2 | 4, value: number): boolean {
    const fn = this.#ownerOf(decoded, address);
    if (decoded === undefined || fn === undefined || this.completion !== "success") return false;
    fn.writeBar(decoded.claim.bar, (address - decoded.claim.start) % decoded.claim.partBytes, size, value);
    return true;
  }

  #ownerOf(decoded: Decoded | undefined, address: number): PciFunction | undefined {
    this.completion = "unsupported request";
    if (decoded === undefined || !reachable(decoded.bus)) return undefined;
    const { claim } = decoded;
    const fn = ownerAt(claim, address);
    if (fn?.faults.hung === true) this.completion = "timeout";
    else if (fn?.answersMemory === true) this.completion = "success";
    return fn;
  }

  #platformAt(address: number): PlatformRegion | undefined {
    for (const region of this.#platform) if (address >= region.start && address < region.end) return region;
    return undefined;
  }

  /** The processor's request for memory came to nothing: whoever saw it last logs that. */
  #memoryFailed(decoded: Decoded | undefined, address: number, write: boolean): void {
    const header = memoryRequestHeader(0, address, write);
    const fn = decoded && ownerAt(decoded.claim, address);
    if (decoded === undefined || fn === undefined) this.#nobodyOn(lastBus(this.root, address), header, !write);
    else if (this.completion === "timeout") this.#timedOut(fn);
    else if (this.completion === "poisoned") this.#poisoned(fn, header);
    else if (reachable(decoded.bus)) logError(fn, "unsupportedRequestError", { header, advisory: !write });
  }

  /** No function takes a request that came to this bus: of a device all functions log it (PCIe 6.0 §6.2.4). */
  #nobodyOn(bus: Bus | undefined, header: TlpHeader, advisory: boolean): void {
    const bridge = bus?.bridge;
    if (bus === undefined || bridge === undefined) return;
    const witnesses = bridge.leadsToLink ? [...bus.functions.values()] : [bridge];
    for (const fn of witnesses) logError(fn, "unsupportedRequestError", { header, advisory });
  }

  /** The root port waits for a completion that does not come. */
  #timedOut(fn: PciFunction): void {
    const root = rootPortAbove(fn);
    if (root !== undefined) logError(root, "completionTimeout");
  }

  #poisoned(fn: PciFunction, header: TlpHeader): void {
    const root = rootPortAbove(fn);
    if (root !== undefined) logError(root, "poisonedTlpReceived", { header });
  }

  decodeChanged(): void {
    this.generation++;
    this.#map = undefined;
    // A link may have come or gone.
    if (this.#intx.size > 0) this.#settleIntx();
  }

  intxChanged(from: PciFunction): void {
    if (from.intx?.asserted === true) this.#intx.add(from);
    else this.#intx.delete(from);
    this.#settleIntx();
  }

  /** Inputs of the I/O APIC that are asserted: by any of the functions that share them. */
  get intxInputs(): ReadonlySet<number> {
    return this.#intxInputs;
  }

  #settleIntx(): void {
    const before = this.#intxInputs;
    const now = new Set<number>();
    for (const fn of this.#intx) {
      const wire = fn.intx === undefined ? undefined : rootIntx(fn, fn.intx.pin);
      if (wire !== undefined) now.add(ioApicInput(wire));
    }
    this.#intxInputs = now;
    for (const input of before) if (!now.has(input)) this.intxSink?.(input, false);
    for (const input of now) if (!before.has(input)) this.intxSink?.(input, true);
  }

  interruptMessage(from: PciFunction, address: number, data: number): void {
    this.portOf(from).writeMessage(address, data);
  }

  /** An interrupt that has come up to the root. */
  deliverInterrupt(requesterId: number, address: number, data: number): boolean {
    const target =
      this.iommu === undefined
        ? // The compatibility format (Intel SDM vol. 3 §11.11).
          { vector: data & 0xff, destination: (address >>> 12) & 0xff }
        : this.iommu.remapInterrupt(requesterId, address, data);
    if (target === undefined) return false;
    if (target.kind === "posted") return true;
    this.interruptSink?.({ requesterId, vector: target.vector, destination: target.destination });
    return true;
  }

  /** An interrupt of the platform itself, such as a fault event of the IOMMU, which it does not remap. */
  platformInterrupt(address: number, data: number): void {
    this.interruptSink?.({ requesterId: 0, vector: data & 0xff, destination: (address >>> 12) & 0xff });
  }

  /** The IOMMU has a function forget translations. @returns whether it answers: it is there, awake, and has ATS enabled */
  invalidateDevice(requesterId: number): boolean {
    const fn = this.functionAt(requesterId);
    return fn?.answersMemory === true && atsEnabled(fn);
  }

  requestStopped(from: PciFunction, address: number, write: boolean, route: RequestRoute): void {
    const header = memoryRequestHeader(from.routingId, address, write);
    if (route.kind === "blocked") {
      // A read gets a Completer Abort, so that its requester deals with it (PCIe 6.0 §6.12.4).
      logError(route.by, "acsViolation", { header, advisory: !write });
      if (!write) from.setStatus(PCI_STATUS_REC_TARGET_ABORT);
      return;
    }
    if (route.kind === "malformed") {
      // Whoever sent it hears nothing (PCIe 6.0 §2.2.10.4): what it wanted to read times out.
      logError(route.at, "malformedTlp", { header });
      if (!write) logError(from, "completionTimeout");
      return;
    }
    if (route.kind === "poisoned") logError(from, "poisonedTlpReceived", { header });
    else {
      if (route.kind === "prefix blocked") logError(route.at, "tlpPrefixBlocked", { header, advisory: !write });
      if (route.kind === "unsupported") logError(route.at, "unsupportedRequestError", { header, advisory: !write });
      if (!write) from.setStatus(PCI_STATUS_REC_MASTER_ABORT);
    }
  }

  errorMessage(from: PciFunction, severity: ErrorSeverity): void {
    collectError(from, severity);
  }
}

/** Each port on the way from the root lets requests through. */
function reachable(bus: Bus): boolean {
  for (let bridge = bus.bridge; bridge !== undefined; bridge = bridge.bus?.bridge) if (!bridge.passes) return false;
  return true;
}

/** As far down as the windows take a memory request; undefined where a link on the way is down. */
function lastBus(bus: Bus, address: number): Bus | undefined {
  for (const fn of bus.functions.values()) {
    if (!(fn instanceof BridgeFunction)) continue;
    if (!fn.windows().some(({ start, end }) => address >= start && address < end)) continue;
    return fn.passes ? lastBus(fn.below, address) : undefined;
  }
  return bus;
}

/** The root port above shows Request Retry Status to software (PCIe 6.0 §7.5.3.12). */
function rrsVisible(fn: PciFunction): boolean {
  const root = rootPortAbove(fn);
  const at = root?.express(PCI_EXP_RTCTL);
  return root !== undefined && at !== undefined && (root.config.read(at, 2) & PCI_EXP_RTCTL_RRS_SVE) !== 0;
}

function allOnes(size: number): number {
  return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff;
}

function readRam(view: DataView, address: number, size: 1 | 2 | 4): number {
  if (size === 4) return view.getUint32(address, true);
  return size === 2 ? view.getUint16(address, true) : view.getUint8(address);
}

function writeRam(view: DataView, address: number, size: 1 | 2 | 4, value: number): void {
  if (size === 4) view.setUint32(address, value, true);
  else if (size === 2) view.setUint16(address, value, true);
  else view.setUint8(address, value);
}
