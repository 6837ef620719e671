import { VfleetError } from "../errors/vfleet-error.ts";

declare const brand: unique symbol;

/**
 * The address of a function as Linux writes it: `dddd:bb:dd.f`, lower-case hexadecimal. The domain has four digits or
 * more (Intel VMD makes domains such as `10000`). Always canonical, so two equal addresses are equal strings.
 */
export type Bdf = string & { readonly [brand]: "Bdf" };

/** A Routing ID: bus 15:8, then device 7:3 and function 2:0, or with ARI function 7:0 (PCIe 6.0 §2.2.4.2). */
export type RoutingId = number & { readonly [brand]: "RoutingId" };

const BDF_PATTERN = /^(?:([0-9a-f]{1,8}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])$/i;

/**
 * Reads `[domain:]bus:device.function`; the domain defaults to 0.
 * @returns the canonical address, or undefined where `text` is none (a device number above 1f is none).
 */
export function parseBdf(text: string): Bdf | undefined {
  const match = BDF_PATTERN.exec(text);
  if (!match) return undefined;
  const device = Number.parseInt(match[3] as string, 16);
  if (device > 0x1f) return undefined;
  const bus = Number.parseInt(match[2] as string, 16);
  return formatBdf(Number.parseInt(match[1] ?? "0", 16), routingId(bus, device, Number(match[4])));
}

/** As {@link parseBdf}, for text that a user gave: throws VFL-0001 where it is no address. */
export function bdf(text: string): Bdf {
  const parsed = parseBdf(text);
  if (parsed === undefined) {
    throw new VfleetError("VFL-0001", {
      message: `${JSON.stringify(text)} is not a PCI address`,
      remedy: "write it as domain:bus:device.function in hexadecimal, e.g. 0000:3b:00.0 or 3b:00.0",
    });
  }
  return parsed;
}

/** The address of a Routing ID in a domain. */
export function formatBdf(domain: number, rid: RoutingId): Bdf {
  return `${hex(domain, 4)}:${hex(rid >>> 8, 2)}:${hex((rid >>> 3) & 0x1f, 2)}.${rid & 7}` as Bdf;
}

/** Builds a Routing ID; throws RangeError outside bus 0-255, device 0-31, function 0-7. */
export function routingId(bus: number, device: number, fn: number): RoutingId {
  if (!(within(bus, 0xff) && within(device, 0x1f) && within(fn, 7))) {
    throw new RangeError(`no Routing ID has bus ${bus}, device ${device}, function ${fn}`);
  }
  return ((bus << 8) | (device << 3) | fn) as RoutingId;
}

export function domainOf(address: Bdf): number {
  return Number.parseInt(address.slice(0, address.length - 8), 16);
}

export function routingIdOf(address: Bdf): RoutingId {
  const end = address.length;
  const bus = Number.parseInt(address.slice(end - 7, end - 5), 16);
  const device = Number.parseInt(address.slice(end - 4, end - 2), 16);
  return ((bus << 8) | (device << 3) | Number(address[end - 1])) as RoutingId;
}

export function busOf(address: Bdf): number {
  return routingIdOf(address) >>> 8;
}

/** A domain and a bus as one key of a map; the bus is that of the address where left out. */
export function busKey(address: Bdf, bus: number = busOf(address)): string {
  return `${domainOf(address)}:${bus}`;
}

/** Device and function as Linux packs them: device 7:3, function 2:0. */
export function devfnOf(address: Bdf): number {
  return routingIdOf(address) & 0xff;
}

/** Orders addresses by domain, then Routing ID. For `Array.prototype.sort`. */
export function compareBdf(a: Bdf, b: Bdf): number {
  return domainOf(a) - domainOf(b) || routingIdOf(a) - routingIdOf(b);
}

/** Lower-case hexadecimal, padded with zeros to at least `digits`. */
export function hex(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function within(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
