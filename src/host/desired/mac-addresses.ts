import { hex } from "../../pci/bdf.ts";

/** All zeros: the VF chooses its own. */
export const ZERO_MAC = "00:00:00:00:00:00";

/** Of each byte; a host may have thousands of VFs. */
const OCTETS: readonly string[] = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));
/** With 46 bits, two draws of the same are rare. */
const MOST_DRAWS = 100;

/**
 * The MAC addresses of `auto` for VFs of a PF: locally administered, unicast, from the host, the PF's identity and the VF, so
 * that each is the same after a reboot, and another on another host.
 * @returns that of a VF; where it is taken, the next of the same chain
 */
export function autoMacs(
  hostId: string,
  pfKey: string,
): (vfIndex: number, isTaken: (mac: string) => boolean) => string {
  const pf = octets(spread(["vfleet auto mac 1", hostId, pfKey].join("\0")));
  return (vfIndex, isTaken) => {
    for (let attempt = 0; ; attempt++) {
      const mac = localMac(spread(`${pf} ${vfIndex} ${attempt}`));
      if (!isTaken(mac)) return mac;
    }
  };
}

/** A locally administered unicast address of random bytes. @param random gives as many bytes as it is asked for */
export function randomMac(random: (count: number) => Uint8Array, isTaken: (mac: string) => boolean): string {
  for (let attempt = 0; attempt < MOST_DRAWS; attempt++) {
    const mac = localMac(Uint8Array.from(random(6)));
    if (!isTaken(mac)) return mac;
  }
  throw new RangeError("the source of randomness repeats itself");
}

/** Bit 1 of the first octet says locally administered, bit 0 multicast (IEEE 802 §8.4). */
export function isLocalUnicast(mac: string): boolean {
  return (firstOctet(mac) & 3) === 2;
}

export function isMulticast(mac: string): boolean {
  return (firstOctet(mac) & 1) === 1;
}

function firstOctet(mac: string): number {
  return Number.parseInt(mac.slice(0, 2), 16);
}

/** @param bytes six at least; they are changed */
function localMac(bytes: Uint8Array): string {
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 2;
  return octets(bytes.subarray(0, 6));
}

function octets(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += text === "" ? OCTETS[byte] : `:${OCTETS[byte]}`;
  return text;
}

/**
 * Eight bytes that look unlike those of any other text: cyrb53 (bryc, public domain) with both of its halves whole. It only
 * spreads; no secret is kept by it. Two lanes of 32 bits, since 64 with BigInt take many times as long.
 */
function spread(text: string): Uint8Array {
  let a = 0xdead_beef | 0;
  let b = 0x41c6_ce57;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 2_654_435_761);
    b = Math.imul(b ^ unit, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return Uint8Array.of(b >>> 24, b >>> 16, b >>> 8, b, a >>> 24, a >>> 16, a >>> 8, a);
}
