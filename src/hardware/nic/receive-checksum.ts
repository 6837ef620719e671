import { crc32c, foldSum, sumWords } from "./checksum.ts";
import {
  type FrameHeader,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  PACKET_IPV4,
  PACKET_TCP,
  PACKET_UDP,
} from "./frame-header.ts";

const E1000_RXCSUM_IPOFL = 0x0100;
const E1000_RXCSUM_TUOFL = 0x0200;
const E1000_RXCSUM_CRCOFL = 0x0800;
const E1000_RXD_STAT_UDPCS = 0x10;
const E1000_RXD_STAT_TCPCS = 0x20;
const E1000_RXD_STAT_IPCS = 0x40;
const E1000_RXDEXT_STATERR_TCPE = 0x2000_0000;
const E1000_RXDEXT_STATERR_IPE = 0x4000_0000;

/**
 * Verifies the checksums of a received frame (82576 data sheet §7.1.9). @returns the bits of a descriptor's status and error
 * that say which were calculated, and which are wrong
 */
export function verifyChecksums(
  header: FrameHeader,
  rxcsum: number,
  bytes: Uint8Array,
  view: DataView,
  at: number,
): number {
  if (header.packetType === 0) return 0;
  let status = 0;
  const isIpv4 = (header.packetType & PACKET_IPV4) !== 0;
  if (isIpv4 && (rxcsum & E1000_RXCSUM_IPOFL) !== 0) {
    status |= E1000_RXD_STAT_IPCS;
    const headerLength = (view.getUint8(at + header.l3) & 0xf) * 4;
    if (foldSum(sumWords(view, at + header.l3, headerLength)) !== 0xffff) status |= E1000_RXDEXT_STATERR_IPE;
  }
  if (header.l4 === 0) return status;
  const l4 = at + header.l4;
  const length = header.l3 + header.l3Length - header.l4;
  if (header.protocol === IPPROTO_SCTP) {
    if ((rxcsum & E1000_RXCSUM_CRCOFL) === 0) return status;
    return status | E1000_RXD_STAT_TCPCS | (isSctpValid(bytes, view, l4, length) ? 0 : E1000_RXDEXT_STATERR_TCPE);
  }
  if ((rxcsum & E1000_RXCSUM_TUOFL) === 0 || (header.packetType & (PACKET_TCP | PACKET_UDP)) === 0) return status;
  if (header.protocol === IPPROTO_UDP) {
    // No checksum was given: none is calculated.
    if (view.getUint16(l4 + 6) === 0) return status;
    status |= E1000_RXD_STAT_UDPCS;
  }
  status |= E1000_RXD_STAT_TCPCS;
  const pseudo =
    sumWords(view, at + header.l3 + (isIpv4 ? 12 : 8), isIpv4 ? 8 : 32) +
    (header.protocol === IPPROTO_UDP ? IPPROTO_UDP : IPPROTO_TCP) +
    length;
  return foldSum(pseudo + sumWords(view, l4, length)) === 0xffff ? status : status | E1000_RXDEXT_STATERR_TCPE;
}

/** The checksum stands within what it covers, where zeros stood when it was made. */
function isSctpValid(bytes: Uint8Array, view: DataView, at: number, length: number): boolean {
  const packet = bytes.slice(at, at + length);
  packet.fill(0, 8, 12);
  return crc32c(packet, 0, length) === view.getUint32(at + 8, true);
}
