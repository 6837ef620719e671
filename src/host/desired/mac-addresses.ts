import { hex } from "../../pci/bdf.ts";

/** All zeros: the VF chooses its own. */
export const ZERO_MAC = "00:00:00:00:00:00";

const FNV_OFFSET = 0xcbf2_9ce4_8422_2325n;
const FNV_PRIME = 0x100_0000_01b3n;
/** With 46 bits, two draws of the same are rare. */
const MOST_DRAWS = 100;
const MASK = (1n << 64n) - 1n;

/**
 * The MAC address of `auto`: locally administered, unicast, from the host, the PF's identity and the VF, so that it is the
 * same after a reboot, and another on another host.
 * @param taken addresses that it must not be; where it would be, the next of the same chain is taken
 */
export function autoMac(hostId: string, pfKey: string, vfIndex: number, taken: ReadonlySet<string>): string {
  for (let attempt = 0; ; attempt++) {
    const digest = hash64(["vfleet auto mac 1", hostId, pfKey, String(vfIndex), String(attempt)].join("\0"));
    const mac = localMac(Array.from({ length: 6 }, (_, index) => Number((digest >> BigInt(56 - 8 * index)) & 0xffn)));
    if (!taken.has(mac)) return mac;
  }
}

/** A locally administered unicast address of random bytes. @param random gives as many bytes as it is asked for */
export function randomMac(random: (count: number) => Uint8Array, taken: ReadonlySet<string>): string {
  for (let attempt = 0; attempt < MOST_DRAWS; attempt++) {
    const mac = localMac(random(6));
    if (!taken.has(mac)) return mac;
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

function localMac(bytes: ArrayLike<number>): string {
  const octets = Array.from({ length: 6 }, (_, index) => bytes[index] ?? 0);
  octets[0] = ((octets[0] ?? 0) & 0xfc) | 2;
  return octets.map((octet) => hex(octet, 2)).join(":");
}

/**
 * FNV-1a, 64 bits, then the finalizer of MurmurHash3, since FNV leaves the last characters' changes in the low bits. No
 * secret is kept by it; it only spreads.
 */
function hash64(text: string): bigint {
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * FNV_PRIME) & MASK;
  hash = ((hash ^ (hash >> 33n)) * 0xff51_afd7_ed55_8ccdn) & MASK;
  hash = ((hash ^ (hash >> 33n)) * 0xc4ce_b9fe_1a85_ec53n) & MASK;
  return hash ^ (hash >> 33n);
}
