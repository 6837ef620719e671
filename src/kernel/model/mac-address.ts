import type { Linux } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";

export const ZERO_MAC = "00:00:00:00:00:00";

/** Another for each function, the same each time: what a card has in its memory. The company is Intel's 00:1b:21. */
export function permanentMac({ machine }: Linux, { routingId }: PciDev): string {
  const seed = (machine.description.seed ?? 0) & 0xff;
  return formatMac([0x00, 0x1b, 0x21, seed, routingId >>> 8, routingId & 0xff]);
}

/** `eth_hw_addr_random`: locally administered, no multicast; from the machine's own chance. */
export function randomMac({ machine }: Linux): string {
  const low = machine.random.next();
  const high = machine.random.next();
  return formatMac([
    (high & 0xfc) | 0x02,
    (high >>> 8) & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  ]);
}

export function formatMac(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** `is_multicast_ether_addr` */
export function isMulticastMac(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) !== 0;
}

/** `is_valid_ether_addr`: neither multicast nor zero. */
export function isValidMac(mac: string): boolean {
  return !isMulticastMac(mac) && mac !== ZERO_MAC;
}

/** Of text as `ip` takes it. */
export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(":"), (byte) => Number.parseInt(byte, 16));
}
