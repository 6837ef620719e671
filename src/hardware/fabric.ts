import { type AddressRange, BridgeFunction, Bus } from "./bridge-function.ts";
import { ModelClock } from "./clock.ts";
import { type Decoded, DecodeMap } from "./decode-map.ts";
import { FunctionPort, type InterruptTarget, type Iommu, type Ram, type RequestTarget } from "./function-port.ts";
import type { Completion, ErrorSeverity, PciFunction, Surroundings } from "./pci-function.ts";
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
const PCI_EXP_RTCTL = 0x1c;
const PCI_EXP_RTCTL_RRS_SVE = 0x10;
/** What a read of Vendor ID gives while the function is not ready, with RRS Software Visibility (PCIe 6.0 §2.3.2). */
const RRS_VENDOR_ID = 0xffff_0001;
const HIGHEST_FUNCTION_OF_DEVICE_0 = 7;

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
  /** How the processor's last request ended. */
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
    return this.#resolve(routingId)?.fn;
  }

  /**
   * A configuration read, as software sees its end: all ones where nothing answers (PCIe 6.0 §2.3.2).
   * @param size 1, 2 or 4, and `offset` a multiple of it
   */
  configRead(routingId: number, offset: number, size: number): number {
    const place = this.#resolve(routingId);
    this.completion = place?.fn.configCompletion ?? "unsupported request";
    if (this.completion === "success") return (place as Place).fn.readConfig(offset, size);
    if (this.completion === "request retry status" && offset === PCI_VENDOR_ID && size >= 2 && rrsVisible(place)) {
      return size === 4 ? RRS_VENDOR_ID : RRS_VENDOR_ID & 0xffff;
    }
    return allOnes(size);
  }

  configWrite(routingId: number, offset: number, size: number, value: number): void {
    const place = this.#resolve(routingId);
    this.completion = place?.fn.configCompletion ?? "unsupported request";
    if (place === undefined || this.completion !== "success") return;
    // Functions learn their bus number from what is written to them (PCIe 6.0 §2.2.6.2); a VF has its PF's.
    if (place.fn.pf === undefined) place.fn.captureBus(routingId >>> 8);
    place.fn.writeConfig(offset, size, value);
  }

  #resolve(routingId: number): Place | undefined {
    const wanted = routingId >>> 8;
    let bus = this.root;
    for (let number = 0; number !== wanted; number = bus.number) {
      const bridge = bridgeTowards(bus, wanted);
      if (bridge === undefined) return vfOn(bus, routingId);
      if (!bridge.passes) return undefined;
      bus = bridge.below;
    }
    return directlyOn(bus, routingId);
  }

  /** A read by the processor, of 1, 2 or 4 bytes: RAM, the platform's registers, a BAR. All ones where nothing answers. */
  memoryRead(address: number, size: 1 | 2 | 4): number {
    this.completion = "success";
    if (address + size <= this.ram.sizeBytes) return readRam(this.ram.view, address, size);
    const platform = this.#platformAt(address);
    if (platform !== undefined) return platform.read(address - platform.start, size);
    const value = this.readClaimed(this.decode(address), address, size);
    if (value !== undefined) return value;
    return allOnes(size);
  }

  memoryWrite(address: number, size: 1 | 2 | 4, value: number): void {
    this.completion = "success";
    if (address + size <= this.ram.sizeBytes) {
      writeRam(this.ram.view, address, size, value);
      return;
    }
    const platform = this.#platformAt(address);
    if (platform !== undefined) platform.write(address - platform.start, size, value);
    else this.writeClaimed(this.decode(address), address, size, value);
  }

  /** What answers a memory address, other than RAM and the platform. */
  decode(address: number): Decoded | undefined {
    this.#map ??= new DecodeMap(this.root);
    return this.#map.find(address);
  }

  /** A read of a function's memory that has come as far as its bus. @returns undefined where nothing answers */
  readClaimed(decoded: Decoded | undefined, address: number, size: 1 | 2 | 4): number | undefined {
    const fn = this.#ownerOf(decoded, address);
    if (decoded === undefined || fn === undefined) return undefined;
    return fn.readBar(decoded.claim.bar, (address - decoded.claim.start) % decoded.claim.partBytes, size);
  }

  writeClaimed(decoded: Decoded | undefined, address: number, size: 1 | 2 | 4, value: number): boolean {
    const fn = this.#ownerOf(decoded, address);
    if (decoded === undefined || fn === undefined) return false;
    fn.writeBar(decoded.claim.bar, (address - decoded.claim.start) % decoded.claim.partBytes, size, value);
    return true;
  }

  #ownerOf(decoded: Decoded | undefined, address: number): PciFunction | undefined {
    this.completion = "unsupported request";
    if (decoded === undefined || !reachable(decoded.bus)) return undefined;
    const { claim } = decoded;
    const fn = claim.owner(Math.floor((address - claim.start) / claim.partBytes));
    if (fn === undefined || !fn.answersMemory) {
      if (fn?.faults.hung === true) this.completion = "timeout";
      return undefined;
    }
    this.completion = "success";
    return fn;
  }

  #platformAt(address: number): PlatformRegion | undefined {
    for (const region of this.#platform) if (address >= region.start && address < region.end) return region;
    return undefined;
  }

  decodeChanged(): void {
    this.generation++;
    this.#map = undefined;
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
    this.interruptSink?.({ requesterId, vector: target.vector, destination: target.destination });
    return true;
  }

  requestStopped(_from: PciFunction, _address: number, _write: boolean, _route: RequestRoute): void {}

  errorMessage(_from: PciFunction, _severity: ErrorSeverity): void {}
}

interface Place {
  readonly fn: PciFunction;
  readonly bus: Bus;
}

function bridgeTowards(bus: Bus, wanted: number): BridgeFunction | undefined {
  for (const fn of bus.functions.values()) if (fn instanceof BridgeFunction && fn.forwardsBus(wanted)) return fn;
  return undefined;
}

/** Type 0: the bus is the one that is asked for. */
function directlyOn(bus: Bus, routingId: number): Place | undefined {
  const devfn = routingId & 0xff;
  // Over a link there is device 0 alone, unless the port forwards by ARI (PCIe 6.0 §7.3.1, §6.13).
  const { bridge } = bus;
  const narrow = bridge?.leadsToLink && !bridge.ariForwarding;
  if (narrow && devfn > HIGHEST_FUNCTION_OF_DEVICE_0) return undefined;
  const fn = bus.functions.get(devfn);
  return fn === undefined ? vfOn(bus, routingId) : { fn, bus };
}

/** A VF of a PF on this bus; on another bus number it is reached by Type 1 requests (PCIe 6.0 §9.2.1.2). */
function vfOn(bus: Bus, routingId: number): Place | undefined {
  for (const pf of bus.functions.values()) {
    const fn = pf.vfs?.byRoutingId(routingId);
    if (fn !== undefined) return { fn, bus };
  }
  return undefined;
}

/** Each port on the way from the root lets requests through. */
function reachable(bus: Bus): boolean {
  for (let bridge = bus.bridge; bridge !== undefined; bridge = bridge.bus?.bridge) if (!bridge.passes) return false;
  return true;
}

/** The root port above shows Request Retry Status to software (PCIe 6.0 §7.5.3.12). */
function rrsVisible(place: Place | undefined): boolean {
  let top = place?.bus.bridge;
  while (top?.bus?.bridge !== undefined) top = top.bus.bridge;
  const at = top?.express(PCI_EXP_RTCTL);
  return top !== undefined && at !== undefined && (top.config.read(at, 2) & PCI_EXP_RTCTL_RRS_SVE) !== 0;
}

function allOnes(size: number): number {
  return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff;
}

function readRam(view: DataView, address: number, size: 1 | 2 | 4): number {
  return size === 4
    ? view.getUint32(address, true)
    : size === 2
      ? view.getUint16(address, true)
      : view.getUint8(address);
}

function writeRam(view: DataView, address: number, size: 1 | 2 | 4, value: number): void {
  if (size === 4) view.setUint32(address, value, true);
  else if (size === 2) view.setUint16(address, value, true);
  else view.setUint8(address, value);
}
