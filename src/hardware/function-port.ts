import { ATS } from "../pci/extended/ats.ts";
import { type AddressRange, type BridgeFunction, busOf } from "./bridge-function.ts";
import type { ModelClock } from "./clock.ts";
import { type Decoded, ownerAt } from "./decode-map.ts";
import type { DeviceState } from "./device-model.ts";
import type { DevicePort, Span } from "./device-port.ts";
import { logError } from "./error-log.ts";
import type { PageLog } from "./page-log.ts";
import { maySendPasid, type PasidPrefix, prefixStop } from "./pasid-request.ts";
import type { PciFunction } from "./pci-function.ts";
import { divertedRanges, type RequestRoute, routeCompletion, routeRequest } from "./request-route.ts";

/** Memory writes to here are interrupts (Intel SDM vol. 3 §11.11). */
const INTERRUPT_ADDRESSES: AddressRange = { start: 0xfee0_0000, end: 0xfef0_0000 };

/** Nothing is there, or the IOMMU says no: a read gets Unsupported Request, a write is dropped (VT-d §7). */
const FAULT: RequestRoute = { kind: "fault" };
const POISONED: RequestRoute = { kind: "poisoned" };
const NOBODY_IS_HERE = Number.MAX_SAFE_INTEGER;
const PCI_ATS_CTRL = 0x06;
const PCI_ATS_CTRL_ENABLE = 0x8000;
const NEVER = Number.POSITIVE_INFINITY;

/** RAM, from physical address 0 (memory.ts). */
export interface Ram {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly sizeBytes: number;
}

/** What the root asks of an IOMMU for each request that has come up to it. */
export interface Iommu {
  /** @returns the physical address; -1 after it has recorded a fault */
  translate(requesterId: number, address: number, write: boolean): number;
  /** How many bytes from `address` on lie together, as the last translation has it: to the end of its page at least. */
  contiguousBytes(address: number): number;
  /** A request with a translated address, of ATS. @returns it again, or -1 where the function may not have it */
  translated(requesterId: number, address: number, write: boolean): number;
  /** A request with a PASID. @returns false where it is refused without a fault, as of who does not know of PASIDs */
  refusePasid(requesterId: number, address: number, write: boolean, prefix: PasidPrefix): void;
  /** @returns undefined where it does not go to the processor, after it has recorded a fault */
  remapInterrupt(requesterId: number, address: number, data: number): InterruptTarget | undefined;
  save(): DeviceState;
  restore(state: DeviceState): void;
}

/** What the processor sees of an interrupt. */
export interface InterruptTarget {
  /** "posted": into memory alone, so that the processor hears nothing of it. An interrupt where left out. */
  readonly kind?: "interrupt" | "notification" | "posted";
  readonly vector: number;
  /** An APIC ID. */
  readonly destination: number;
}

/** What a function's requests meet on the other side. */
export interface RequestTarget {
  readonly clock: ModelClock;
  readonly ram: Ram;
  readonly iommu: Iommu | undefined;
  /** Changes with whatever decides where a request goes. */
  readonly generation: number;
  decode(address: number): Decoded | undefined;
  readClaimed(decoded: Decoded | undefined, address: number, size: 1 | 2 | 4): number | undefined;
  writeClaimed(decoded: Decoded | undefined, address: number, size: 1 | 2 | 4, value: number): boolean;
  deliverInterrupt(requesterId: number, address: number, data: number): boolean;
  /** A request was stopped on its way. */
  requestStopped(from: PciFunction, address: number, write: boolean, route: RequestRoute): void;
}

class PortSpan implements Span {
  bytes: Uint8Array;
  view: DataView;
  offset = 0;
  length = 0;

  constructor({ bytes, view }: Ram) {
    this.bytes = bytes;
    this.view = view;
  }
}

/** The port of one function: its requests go up, past its peers, through the IOMMU, to RAM, to a BAR, or to an interrupt. */
export class FunctionPort implements DevicePort {
  readonly clock: ModelClock;
  readonly #target: RequestTarget;
  readonly #fn: PciFunction;
  readonly #span: PortSpan;
  /** Keeps which pages the function writes, by its own addresses. */
  writes: PageLog | undefined;
  /** The rest holds for this generation, and until then. */
  #generation = -1;
  #validUntilNs = 0;
  #open = false;
  #requesterId = 0;
  #validSource = false;
  #divertedFrom = 0;
  #divertedTo = 0;
  /** The last span failed because registers are there, not RAM. */
  #registersThere = false;

  constructor(target: RequestTarget, fn: PciFunction) {
    this.clock = target.clock;
    this.#target = target;
    this.#fn = fn;
    this.#span = new PortSpan(target.ram);
  }

  /** Memory by bytes; a peer's BAR has none to give, but can be reached by {@link read} and {@link write}. */
  span(address: number, length: number, write: boolean): Span | undefined {
    return this.#request(address, length, write, false);
  }

  /** As {@link span}, of an address that the function had translated before: by ATS, where that is enabled. */
  translatedSpan(address: number, length: number, write: boolean): Span | undefined {
    return atsEnabled(this.#fn) ? this.#request(address, length, write, true) : undefined;
  }

  /**
   * A request of one page or less for an address in a process's address space. No unit of this model translates those, so that
   * it comes to nothing. @returns how, or undefined where the function does not send it: PASID is not enabled
   */
  requestWithPasid(address: number, write: boolean, prefix: PasidPrefix): RequestRoute | undefined {
    const fn = this.#fn;
    if (!maySendPasid(fn, prefix) || !this.#mayPass()) return undefined;
    let route: RequestRoute = prefixStop(fn) ?? this.route(address);
    if (route.kind === "root") {
      this.#target.iommu?.refusePasid(this.#requesterId, address, write, prefix);
      route = FAULT;
    }
    if (route.kind !== "peer") this.#target.requestStopped(fn, address, write, route);
    return route;
  }

  #request(address: number, length: number, write: boolean, translated: boolean): Span | undefined {
    this.#registersThere = false;
    if (!this.#mayPass()) return undefined;
    if (translated || !this.#validSource || this.#mayBeDiverted(address)) {
      const route = this.route(address, translated);
      if (route.kind !== "root") {
        this.#registersThere = route.kind === "peer";
        if (route.kind !== "peer") this.#target.requestStopped(this.#fn, address, write, route);
        return undefined;
      }
    }
    if (this.#fn.faults.poisonNextDma && !write) {
      this.#fn.faults.poisonNextDma = false;
      this.#target.requestStopped(this.#fn, address, write, POISONED);
      return undefined;
    }
    return this.#atRoot(address, length, write, translated);
  }

  #atRoot(address: number, length: number, write: boolean, translated: boolean): Span | undefined {
    const { iommu, ram } = this.#target;
    const span = this.#span;
    let physical = address;
    let reach = length;
    if (iommu !== undefined) {
      physical = translated
        ? iommu.translated(this.#requesterId, address, write)
        : iommu.translate(this.#requesterId, address, write);
      if (physical < 0) {
        this.#target.requestStopped(this.#fn, address, write, FAULT);
        return undefined;
      }
      const together = translated ? reach : iommu.contiguousBytes(address);
      if (reach > together) reach = together;
    }
    if (physical + reach > ram.sizeBytes) {
      if (physical >= ram.sizeBytes) {
        this.#registersThere = true;
        return undefined;
      }
      reach = ram.sizeBytes - physical;
    }
    if (write) this.writes?.mark(address, reach);
    span.offset = physical;
    span.length = reach;
    return span;
  }

  read(address: number, target: Uint8Array, at: number, length: number): boolean {
    for (let done = 0; done < length; ) {
      const span = this.span(address + done, length - done, false);
      if (span === undefined) return this.#readRegisters(address + done, target, at + done, length - done);
      target.set(span.bytes.subarray(span.offset, span.offset + span.length), at + done);
      done += span.length;
    }
    return true;
  }

  write(address: number, source: Uint8Array, at: number, length: number): boolean {
    for (let done = 0; done < length; ) {
      const to = address + done;
      if (to >= INTERRUPT_ADDRESSES.start && to < INTERRUPT_ADDRESSES.end) {
        return length - done === 4 && this.writeMessage(to, dword(source, at + done));
      }
      const span = this.span(to, length - done, true);
      if (span === undefined) return this.#writeRegisters(to, source, at + done, length - done);
      span.bytes.set(source.subarray(at + done, at + done + span.length), span.offset);
      done += span.length;
    }
    return true;
  }

  interrupt(vector: number): void {
    this.#fn.interrupt(vector);
  }

  setIntx(pending: boolean): void {
    this.#fn.intx?.setPending(pending);
  }

  /** A memory write of a dword, as an interrupt is one. @returns false where it does not arrive */
  writeMessage(address: number, data: number): boolean {
    if (!this.#mayPass()) return false;
    if (address >= INTERRUPT_ADDRESSES.start && address < INTERRUPT_ADDRESSES.end) {
      const route = this.#validSource && !this.#mayBeDiverted(address) ? undefined : this.route(address);
      if (route !== undefined && route.kind !== "root") {
        this.#target.requestStopped(this.#fn, address, true, route);
        return false;
      }
      return this.#target.deliverInterrupt(this.#requesterId, address, data);
    }
    const bytes = Uint8Array.of(data & 0xff, (data >>> 8) & 0xff, (data >>> 16) & 0xff, data >>> 24);
    return this.write(address, bytes, 0, bytes.length);
  }

  /** The way of a request for this address. */
  route(address: number, translated: boolean = false): RequestRoute {
    return routeRequest(this.#fn, busOf(this.#fn), this.#fn.routingId, address, translated);
  }

  /** Where RAM is not at the end: a peer on the way, or a BAR behind the root. */
  #registersAt(address: number, write: boolean): readonly [Decoded, number] | undefined {
    const route = this.route(address);
    if (route.kind === "peer") return [route.target, address];
    if (route.kind !== "root") return undefined;
    const { iommu, ram } = this.#target;
    const physical = iommu === undefined ? address : iommu.translate(this.#requesterId, address, write);
    if (physical < ram.sizeBytes) return undefined;
    const decoded = this.#target.decode(physical);
    return decoded === undefined ? undefined : [decoded, physical];
  }

  #readRegisters(address: number, target: Uint8Array, at: number, length: number): boolean {
    if (!this.#registersThere) return false;
    for (let done = 0; done < length; ) {
      const size = unitAt(address + done, length - done);
      const found = this.#registersAt(address + done, false);
      const value = found && this.#target.readClaimed(found[0], found[1], size);
      if (found === undefined || value === undefined) {
        this.#target.requestStopped(this.#fn, address + done, false, FAULT);
        return false;
      }
      if (!this.#completes(found[0], found[1])) return false;
      for (let byte = 0; byte < size; byte++) target[at + done + byte] = (value >>> (8 * byte)) & 0xff;
      done += size;
    }
    return true;
  }

  /** The data of a function's BAR comes back; where it does not, whoever it strays to has logged that. */
  #completes({ claim }: Decoded, address: number): boolean {
    const completer = ownerAt(claim, address);
    if (completer === undefined) return false;
    const route = routeCompletion(completer, this.#requesterId);
    if (route.kind !== "unexpected") return true;
    logError(route.at, "unexpectedCompletion");
    logError(this.#fn, "completionTimeout");
    return false;
  }

  #writeRegisters(address: number, source: Uint8Array, at: number, length: number): boolean {
    if (!this.#registersThere) return false;
    for (let done = 0; done < length; ) {
      const size = unitAt(address + done, length - done);
      const found = this.#registersAt(address + done, true);
      let value = 0;
      for (let byte = 0; byte < size; byte++) value |= (source[at + done + byte] as number) << (8 * byte);
      if (found === undefined || !this.#target.writeClaimed(found[0], found[1], size, value >>> 0)) return false;
      done += size;
    }
    return true;
  }

  /** Bus Master Enable, power, links; and, where a port checks it, the Requester ID. */
  #mayPass(): boolean {
    const target = this.#target;
    if (target.generation !== this.#generation || target.clock.nowNs >= this.#validUntilNs) this.#lookAgain();
    return this.#open;
  }

  #mayBeDiverted(address: number): boolean {
    return address >= this.#divertedFrom && address < this.#divertedTo;
  }

  #lookAgain(): void {
    const fn = this.#fn;
    const { clock, generation } = this.#target;
    const bus = busOf(fn);
    let open = fn.mayRequest;
    let until = later(fn.readyAtNs, clock.nowNs);
    for (let port: BridgeFunction | undefined = bus.bridge; port !== undefined; port = port.bus?.bridge) {
      open &&= port.forwardsUp;
      until = Math.min(until, later(port.readyAtNs, clock.nowNs));
    }
    this.#open = open;
    this.#requesterId = fn.routingId;
    const ranges = divertedRanges(fn, bus);
    this.#divertedFrom = Math.min(...ranges.map(({ start }) => start));
    this.#divertedTo = Math.max(...ranges.map(({ end }) => end));
    // Source Validation looks at the Requester ID alone: it says the same for an address where nobody else is.
    this.#validSource = this.route(NOBODY_IS_HERE).kind === "root";
    this.#generation = generation;
    this.#validUntilNs = until;
  }
}

/** ATS is enabled in the function (PCIe 6.0 §10.5.1.3). */
export function atsEnabled(fn: PciFunction): boolean {
  const at = fn.template.offsetOf(ATS, true);
  return at !== undefined && (fn.config.read(at + PCI_ATS_CTRL, 2) & PCI_ATS_CTRL_ENABLE) !== 0;
}

function later(atNs: number, nowNs: number): number {
  return atNs > nowNs ? atNs : NEVER;
}

/** The largest natural access at an address. */
function unitAt(address: number, length: number): 1 | 2 | 4 {
  return address % 4 === 0 && length >= 4 ? 4 : address % 2 === 0 && length >= 2 ? 2 : 1;
}

function dword(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let byte = 0; byte < 4; byte++) value |= (bytes[at + byte] as number) << (8 * byte);
  return value >>> 0;
}
