import { checksumOf, crc32c, foldSum, sumWords } from "./checksum.ts";
import { HEADROOM, type PacketBuffer } from "./packet-buffer.ts";

const E1000_ADVTXD_TUCMD_IPV4 = 0x0000_0400;
const TUCMD_L4T_TCP = 1;
const TUCMD_L4T_SCTP = 2;
const E1000_ADVTXD_POTS_IXSM = 0x100;
const E1000_ADVTXD_POTS_TXSM = 0x200;
const TCP_FIN_PSH = 0x09;
const TCP_CWR = 0x80;

/** A context descriptor's dwords that say where headers are (82576 data sheet §7.2.2.2). */
export interface TransmitContext {
  /** vlan_macip_lens: tag 31:16, MACLEN 15:9, IPLEN 8:0. */
  readonly lengths: number;
  /** type_tucmd_mlhl. */
  readonly command: number;
  /** mss_l4len_idx: MSS 31:16, L4LEN 15:8. */
  readonly segment: number;
}

/**
 * Inserts the checksums that a data descriptor asks for. Software has put the pseudo header's sum where the checksum goes
 * (igbvf_tx_csum), so that the hardware sums up what is there.
 * @param options the descriptor's olinfo_status
 */
export function insertChecksums(packet: PacketBuffer, length: number, options: number, context: TransmitContext): void {
  const { view } = packet;
  const ip = HEADROOM + ((context.lengths >>> 9) & 0x7f);
  const ipLength = context.lengths & 0x1ff;
  if ((options & E1000_ADVTXD_POTS_IXSM) !== 0 && (context.command & E1000_ADVTXD_TUCMD_IPV4) !== 0) {
    if (ip + ipLength <= HEADROOM + length && ipLength >= 20) insertIpv4Checksum(view, ip, ipLength);
  }
  if ((options & E1000_ADVTXD_POTS_TXSM) === 0) return;
  const l4 = ip + ipLength;
  const l4Length = HEADROOM + length - l4;
  const type = (context.command >>> 11) & 3;
  if (type === TUCMD_L4T_SCTP) {
    if (l4Length < 12) return;
    view.setUint32(l4 + 8, 0);
    view.setUint32(l4 + 8, crc32c(packet.bytes, l4, l4Length), true);
    return;
  }
  const at = type === TUCMD_L4T_TCP ? 16 : 6;
  if (l4Length < at + 2) return;
  const checksum = checksumOf(sumWords(view, l4, l4Length));
  // RFC 768: a UDP checksum that is zero is sent as ones.
  view.setUint16(l4 + at, checksum === 0 && type !== TUCMD_L4T_TCP ? 0xffff : checksum);
}

function insertIpv4Checksum(view: DataView, ip: number, length: number): void {
  view.setUint16(ip + 10, 0);
  view.setUint16(ip + 10, checksumOf(sumWords(view, ip, length)));
}

/**
 * Cuts a large TCP or UDP packet into frames of the context's MSS (82576 data sheet §7.2.4): each has the headers, its own
 * length, identification, sequence number and checksums.
 * @param send is given the length of each frame in `frame`
 * @returns false where the headers are not what the context says
 */
export function segment(
  large: PacketBuffer,
  length: number,
  context: TransmitContext,
  frame: PacketBuffer,
  send: (length: number) => void,
): boolean {
  const macLength = (context.lengths >>> 9) & 0x7f;
  const ipLength = context.lengths & 0x1ff;
  const l4Length = (context.segment >>> 8) & 0xff;
  const mss = context.segment >>> 16;
  const headers = macLength + ipLength + l4Length;
  const isTcp = ((context.command >>> 11) & 3) === TUCMD_L4T_TCP;
  const isIpv4 = (context.command & E1000_ADVTXD_TUCMD_IPV4) !== 0;
  if (mss === 0 || headers > length || headers + mss > frame.capacity) return false;
  if (macLength < 14 || l4Length < (isTcp ? 20 : 8) || ipLength < (isIpv4 ? 20 : 40)) return false;
  const ip = HEADROOM + macLength;
  const l4 = ip + ipLength;
  const { bytes, view } = frame;
  const payload = length - headers;
  for (let done = 0, index = 0; done < payload || index === 0; done += mss, index++) {
    const part = Math.min(mss, payload - done);
    bytes.set(large.bytes.subarray(HEADROOM, HEADROOM + headers), HEADROOM);
    bytes.set(large.bytes.subarray(HEADROOM + headers + done, HEADROOM + headers + done + part), HEADROOM + headers);
    if (isIpv4) {
      view.setUint16(ip + 2, ipLength + l4Length + part);
      view.setUint16(ip + 4, (view.getUint16(ip + 4) + index) & 0xffff);
      insertIpv4Checksum(view, ip, ipLength);
    } else {
      view.setUint16(ip + 4, ipLength - 40 + l4Length + part);
    }
    if (isTcp) {
      view.setUint32(l4 + 4, (view.getUint32(l4 + 4) + done) >>> 0);
      if (done + part < payload) view.setUint8(l4 + 13, view.getUint8(l4 + 13) & ~TCP_FIN_PSH);
      if (index > 0) view.setUint8(l4 + 13, view.getUint8(l4 + 13) & ~TCP_CWR);
    } else {
      view.setUint16(l4 + 4, l4Length + part);
    }
    // The sum that software left is the pseudo header's without the length (igbvf_tso).
    const at = l4 + (isTcp ? 16 : 6);
    const sum = foldSum(sumWords(view, l4, l4Length + part) + l4Length + part);
    view.setUint16(at, ~sum & 0xffff || (isTcp ? 0 : 0xffff));
    send(headers + part);
  }
  return true;
}
