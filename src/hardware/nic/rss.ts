import { type FrameHeader, IPPROTO_TCP, IPPROTO_UDP, PACKET_IPV4, PACKET_IPV6 } from "./frame-header.ts";
import { DWORD } from "./registers-82576.ts";

const E1000_MRQC_RSS_FIELD_IPV4_TCP = 0x0001_0000;
const E1000_MRQC_RSS_FIELD_IPV4 = 0x0002_0000;
const E1000_MRQC_RSS_FIELD_IPV6 = 0x0010_0000;
const E1000_MRQC_RSS_FIELD_IPV6_TCP = 0x0020_0000;
const E1000_MRQC_RSS_FIELD_IPV4_UDP = 0x0040_0000;
const E1000_MRQC_RSS_FIELD_IPV6_UDP = 0x0080_0000;

/** What the hash was made of, as a receive descriptor says it (`E1000_RXDADV_RSSTYPE_...`); 0: no hash. */
export function rssType(mrqc: number, header: FrameHeader): number {
  const udp = header.l4 !== 0 && header.protocol === IPPROTO_UDP;
  const tcp = header.l4 !== 0 && header.protocol === IPPROTO_TCP;
  if ((header.packetType & PACKET_IPV4) !== 0) {
    if (tcp && (mrqc & E1000_MRQC_RSS_FIELD_IPV4_TCP) !== 0) return 1;
    if (udp && (mrqc & E1000_MRQC_RSS_FIELD_IPV4_UDP) !== 0) return 7;
    return (mrqc & E1000_MRQC_RSS_FIELD_IPV4) !== 0 ? 2 : 0;
  }
  if ((header.packetType & PACKET_IPV6) === 0) return 0;
  if (tcp && (mrqc & E1000_MRQC_RSS_FIELD_IPV6_TCP) !== 0) return 3;
  if (udp && (mrqc & E1000_MRQC_RSS_FIELD_IPV6_UDP) !== 0) return 8;
  return (mrqc & E1000_MRQC_RSS_FIELD_IPV6) !== 0 ? 5 : 0;
}

/** The Toeplitz hash of addresses, and of ports where the type has them (82576 data sheet §7.1.1.7). */
export function rssHash(values: Uint32Array, type: number, header: FrameHeader, view: DataView, at: number): number {
  const ipv4 = (header.packetType & PACKET_IPV4) !== 0;
  const withPorts = type === 1 || type === 3 || type === 7 || type === 8;
  const hash = toeplitz(values, view, at + header.l3 + (ipv4 ? 12 : 8), ipv4 ? 8 : 32, 0, 0);
  return withPorts ? toeplitz(values, view, at + header.l4, 4, ipv4 ? 8 : 32, hash) : hash;
}

/** @param done how many bytes of input came before, which made `hash` */
function toeplitz(values: Uint32Array, view: DataView, at: number, length: number, done: number, hash: number): number {
  let result = hash;
  for (let i = 0; i < length; i++) {
    const byte = view.getUint8(at + i);
    for (let bit = 0; bit < 8; bit++) {
      if ((byte & (0x80 >> bit)) !== 0) result ^= keyWindow(values, (done + i) * 8 + bit);
    }
  }
  return result >>> 0;
}

/** The 32 bits of the key from a bit on. RSSRK holds its bytes in order, each register little-endian. */
function keyWindow(values: Uint32Array, bit: number): number {
  const byte = bit >> 3;
  const shift = bit & 7;
  let window = 0;
  for (let i = 0; i < 4; i++) window = (window << 8) | keyByte(values, byte + i);
  return shift === 0 ? window : (window << shift) | (keyByte(values, byte + 4) >> (8 - shift));
}

function keyByte(values: Uint32Array, byte: number): number {
  return ((values[DWORD.RSSRK + (byte >> 2)] as number) >>> ((byte & 3) * 8)) & 0xff;
}

/** The queue that the redirection table has for a hash. */
export function rssQueue(values: Uint32Array, hash: number): number {
  const entry = hash & 0x7f;
  return ((values[DWORD.RETA + (entry >> 2)] as number) >>> ((entry & 3) * 8)) & 0xf;
}
