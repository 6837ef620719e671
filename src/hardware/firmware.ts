import { barSize } from "../pci/bar.ts";
import { PCI_EXT_CAP_ID_SRIOV } from "../pci/capability-ids.ts";
import { PCI_SRIOV_BAR } from "../pci/extended/sriov.ts";
import type { BusAddresses } from "./machine-description.ts";

/** Configuration accesses, as firmware has them: to nothing else. */
export interface ConfigAccess {
  configRead(routingId: number, offset: number, size: 1 | 2 | 4): number;
  configWrite(routingId: number, offset: number, size: 1 | 2 | 4, value: number): void;
}

/** How firmware differs from firmware. */
export interface FirmwareOptions {
  /** Gives VFs buses and memory, too; so where left out. SeaBIOS knows nothing of them. */
  readonly virtualFunctions?: boolean;
  /** What the windows of a bridge have at the least, whatever is below; nothing where left out. */
  readonly leastWindows?: (routingId: number) => { readonly low: number; readonly high: number };
}

/** A piece of memory to be placed. */
interface Request {
  readonly sizeBytes: number;
  readonly alignBytes: number;
  place(address: number): void;
}

interface Requests {
  readonly low: Request[];
  readonly high: Request[];
}

const NO_FUNCTION = 0xffff;
const PCI_COMMAND = 0x04;
const PCI_COMMAND_MEMORY_AND_MASTER = 0x6;
const PCI_HEADER_TYPE = 0x0e;
const MULTI_FUNCTION = 0x80;
const HEADER_TYPE_BRIDGE = 1;
const PCI_BASE_ADDRESS_0 = 0x10;
const PCI_PRIMARY_BUS = 0x18;
const PCI_SUBORDINATE_BUS = 0x1a;
const PCI_MEMORY_BASE = 0x20;
const PCI_PREF_MEMORY_BASE = 0x24;
const PCI_PREF_BASE_UPPER32 = 0x28;
const PCI_PREF_LIMIT_UPPER32 = 0x2c;
const PCI_SRIOV_TOTAL_VF = 0x0e;
const PCI_SRIOV_VF_OFFSET = 0x14;
const PCI_SRIOV_VF_STRIDE = 0x16;
const PCI_CFG_SPACE_SIZE = 0x100;
const GRANULE = 0x10_0000;
const HIGH = 2 ** 32;
/** Base above limit: nothing goes through. */
const CLOSED_WINDOW = 0x0000_fff0;

/**
 * What firmware does before an operating system comes: numbers the buses, sizes and places all BARs, VF BARs included,
 * sets the windows of the bridges and enables memory. By configuration accesses alone; I/O space is left alone.
 * @throws RangeError where bus numbers or addresses do not suffice
 */
export function assignResources(access: ConfigAccess, addresses: BusAddresses, options: FirmwareOptions = {}): void {
  const firmware = new Firmware(access, options);
  firmware.numberBuses(0, 0);
  const { low, high } = firmware.requestsOf(0);
  placeAll(low, ...addresses.low);
  placeAll(high, ...addresses.high);
}

class Firmware {
  readonly #access: ConfigAccess;
  readonly #options: FirmwareOptions;

  constructor(access: ConfigAccess, options: FirmwareOptions) {
    this.#access = access;
    this.#options = options;
  }

  /** Depth first, as every enumeration does. @returns the highest bus at or below `bus` */
  numberBuses(bus: number, highest: number): number {
    let last = Math.max(bus, highest);
    for (const rid of this.#functionsOn(bus)) {
      if (this.#isBridge(rid)) {
        if (last === 0xff) throw new RangeError("there are no more than 256 buses");
        const secondary = last + 1;
        this.#access.configWrite(rid, PCI_PRIMARY_BUS, 4, bus | (secondary << 8) | (0xff << 16));
        last = this.numberBuses(secondary, secondary);
        this.#access.configWrite(rid, PCI_SUBORDINATE_BUS, 1, last);
      } else {
        last = Math.max(last, this.#lastVfBus(rid));
      }
    }
    return last;
  }

  /** What the functions on a bus need, and all that is below them. */
  requestsOf(bus: number): Requests {
    const requests: Requests = { low: [], high: [] };
    for (const rid of this.#functionsOn(bus)) {
      const bridge = this.#isBridge(rid);
      this.#bars(rid, PCI_BASE_ADDRESS_0, bridge ? 2 : 6, 1, requests);
      const sriov = this.#sriov(rid);
      if (sriov !== undefined) {
        this.#bars(
          rid,
          sriov + PCI_SRIOV_BAR,
          6,
          this.#access.configRead(rid, sriov + PCI_SRIOV_TOTAL_VF, 2),
          requests,
        );
      }
      if (bridge) this.#windows(rid, requests);
      this.#access.configWrite(rid, PCI_COMMAND, 2, PCI_COMMAND_MEMORY_AND_MASTER);
    }
    return requests;
  }

  /** @param count of functions that one BAR is for: TotalVFs of a VF BAR */
  #bars(rid: number, first: number, registers: number, count: number, requests: Requests): void {
    for (let index = 0; index < registers; index++) {
      const at = first + index * 4;
      const low = this.#probe(rid, at);
      if ((low & 1) !== 0 || low === 0) continue;
      const is64 = (low & 6) === 4;
      const high = is64 ? this.#probe(rid, at + 4) : 0;
      if (is64) index++;
      const sizeBytes = Number(barSize((BigInt(high) << 32n) | BigInt(low), "memory", is64) ?? 0n);
      if (sizeBytes === 0) continue;
      const place = (address: number): void => {
        this.#access.configWrite(rid, at, 4, address % HIGH);
        if (is64) this.#access.configWrite(rid, at + 4, 4, Math.floor(address / HIGH));
      };
      const prefetchable = (low & 8) !== 0;
      requests[is64 && prefetchable ? "high" : "low"].push({
        sizeBytes: sizeBytes * count,
        alignBytes: sizeBytes,
        place,
      });
    }
  }

  #probe(rid: number, at: number): number {
    this.#access.configWrite(rid, at, 4, 0xffff_ffff);
    const probed = this.#access.configRead(rid, at, 4);
    this.#access.configWrite(rid, at, 4, 0);
    return probed;
  }

  #windows(rid: number, into: Requests): void {
    const below = this.requestsOf(this.#access.configRead(rid, PCI_PRIMARY_BUS + 1, 1));
    this.#access.configWrite(rid, PCI_MEMORY_BASE, 4, CLOSED_WINDOW);
    this.#access.configWrite(rid, PCI_PREF_MEMORY_BASE, 4, CLOSED_WINDOW);
    const least = this.#options.leastWindows?.(rid) ?? { low: 0, high: 0 };
    if (below.low.length > 0 || least.low > 0) {
      into.low.push(
        window(below.low, least.low, (start, end) => {
          this.#access.configWrite(rid, PCI_MEMORY_BASE, 4, baseAndLimit(start, end));
        }),
      );
    }
    if (below.high.length > 0 || least.high > 0) {
      into.high.push(
        window(below.high, least.high, (start, end) => {
          this.#access.configWrite(rid, PCI_PREF_MEMORY_BASE, 4, baseAndLimit(start, end));
          this.#access.configWrite(rid, PCI_PREF_BASE_UPPER32, 4, Math.floor(start / HIGH));
          this.#access.configWrite(rid, PCI_PREF_LIMIT_UPPER32, 4, Math.floor((end - 1) / HIGH));
        }),
      );
    }
  }

  #functionsOn(bus: number): number[] {
    const found: number[] = [];
    for (let device = 0; device < 32; device++) {
      for (let fn = 0; fn < 8; fn++) {
        const rid = (bus << 8) | (device << 3) | fn;
        const present = this.#access.configRead(rid, 0, 2) !== NO_FUNCTION;
        if (present) found.push(rid);
        if (fn === 0 && (!present || (this.#access.configRead(rid, PCI_HEADER_TYPE, 1) & MULTI_FUNCTION) === 0)) break;
      }
    }
    return found;
  }

  #isBridge(rid: number): boolean {
    return (this.#access.configRead(rid, PCI_HEADER_TYPE, 1) & 0x7f) === HEADER_TYPE_BRIDGE;
  }

  #sriov(rid: number): number | undefined {
    if (this.#options.virtualFunctions === false) return undefined;
    for (let at = PCI_CFG_SPACE_SIZE; at !== 0; ) {
      const header = this.#access.configRead(rid, at, 4);
      if (header === 0 || header === 0xffff_ffff) return undefined;
      if ((header & 0xffff) === PCI_EXT_CAP_ID_SRIOV) return at;
      at = (header >>> 20) & ~3;
    }
    return undefined;
  }

  #lastVfBus(rid: number): number {
    const at = this.#sriov(rid);
    if (at === undefined) return 0;
    // A function knows its bus from writes alone, and the VFs' Routing IDs follow from it.
    this.#access.configWrite(rid, PCI_COMMAND, 2, 0);
    const total = this.#access.configRead(rid, at + PCI_SRIOV_TOTAL_VF, 2);
    const offset = this.#access.configRead(rid, at + PCI_SRIOV_VF_OFFSET, 2);
    const stride = this.#access.configRead(rid, at + PCI_SRIOV_VF_STRIDE, 2);
    const last = (rid + offset + stride * Math.max(0, total - 1)) >>> 8;
    if (last > 0xff) throw new RangeError("there are no more than 256 buses");
    return total === 0 ? 0 : last;
  }
}

function baseAndLimit(start: number, end: number): number {
  const base = (start / 0x1_0000) & 0xfff0;
  const limit = ((end - 1) / 0x1_0000) & 0xfff0;
  return (base | (limit << 16)) >>> 0;
}

/** The window of a bridge, as one request of the bus above. */
function window(requests: readonly Request[], leastBytes: number, set: (start: number, end: number) => void): Request {
  const sorted = byAlignment(requests);
  const alignBytes = Math.max(GRANULE, ...requests.map((each) => each.alignBytes));
  let sizeBytes = 0;
  for (const each of sorted) sizeBytes = alignUp(sizeBytes, each.alignBytes) + each.sizeBytes;
  sizeBytes = alignUp(Math.max(sizeBytes, leastBytes), GRANULE);
  return {
    sizeBytes,
    alignBytes,
    place: (address) => {
      set(address, address + sizeBytes);
      placeAll(requests, address, address + sizeBytes - 1);
    },
  };
}

function placeAll(requests: readonly Request[], first: number, last: number): void {
  let next = first;
  for (const { sizeBytes, alignBytes, place } of byAlignment(requests)) {
    const address = alignUp(next, alignBytes);
    if (address + sizeBytes - 1 > last) throw new RangeError(`no room for ${sizeBytes} bytes of BARs`);
    place(address);
    next = address + sizeBytes;
  }
}

/** The largest first, so that little is lost between them. */
function byAlignment(requests: readonly Request[]): Request[] {
  return [...requests].sort((a, b) => b.alignBytes - a.alignBytes);
}

function alignUp(value: number, alignBytes: number): number {
  return Math.ceil(value / alignBytes) * alignBytes;
}
