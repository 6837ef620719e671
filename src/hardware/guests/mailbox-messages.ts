// Messages between VF and PF (igb/e1000_mbx.h): a type, and more of it in bits 23:16; answers have ACK or NACK and CTS.
export const E1000_VT_MSGTYPE_ACK = 0x8000_0000;
export const E1000_VT_MSGTYPE_NACK = 0x4000_0000;
export const E1000_VT_MSGTYPE_CTS = 0x2000_0000;
export const E1000_VT_MSGINFO_SHIFT = 16;
export const E1000_VT_MSGINFO_MASK = 0xff << E1000_VT_MSGINFO_SHIFT;
export const E1000_VF_RESET = 0x01;
export const E1000_VF_SET_MAC_ADDR = 0x02;
export const E1000_VF_MAC_FILTER_CLR = 0x01 << E1000_VT_MSGINFO_SHIFT;
export const E1000_VF_MAC_FILTER_ADD = 0x02 << E1000_VT_MSGINFO_SHIFT;
export const E1000_VF_SET_MULTICAST = 0x03;
export const E1000_VF_SET_VLAN = 0x04;
export const E1000_VF_SET_LPE = 0x05;
export const E1000_VF_SET_PROMISC = 0x06;
export const E1000_VF_SET_PROMISC_MULTICAST = 0x02 << E1000_VT_MSGINFO_SHIFT;
export const E1000_PF_CONTROL_MSG = 0x0100;

/** The two words in which a message has an address. */
export function addressWords(address: Uint8Array): [number, number] {
  const byte = (index: number) => address[index] ?? 0;
  return [(byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0, byte(4) | (byte(5) << 8)];
}

export function addressFromWords(low: number, high: number): Uint8Array {
  return Uint8Array.of(low, low >>> 8, low >>> 16, low >>> 24, high, high >>> 8);
}

export function isZeroAddress(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0);
}

/** is_valid_ether_addr: neither zero nor of a group. */
export function isValidAddress(address: Uint8Array): boolean {
  return !isZeroAddress(address) && ((address[0] ?? 1) & 1) === 0;
}

/** The bit of MTA that stands for a group's address, with filter type 0 (e1000_hash_mc_addr_vf). */
export function multicastHash(address: Uint8Array): number {
  return (((address[4] ?? 0) >> 4) | ((address[5] ?? 0) << 4)) & 0xfff;
}
