const ETH_HLEN = 14;
export const VLAN_HLEN = 4;
/** The shortest frame, without its check sequence. */
export const ETH_ZLEN = 60;
export const ETH_FCS_LEN = 4;
const ETH_DATA_LEN = 1500;
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_SCTP = 132;

/** Names of headers in a receive descriptor's packet type (igb/e1000_82575.h as DPDK has it: `E1000_RXDADV_PKTTYPE_...`). */
export const PACKET_IPV4 = 0x010;
export const PACKET_IPV6 = 0x040;
export const PACKET_TCP = 0x100;
export const PACKET_UDP = 0x200;
const PACKET_SCTP = 0x400;

/** What the card looks at in a frame. One object is used for many frames, so that reading one allocates nothing. */
export class FrameHeader {
  /** Addresses as RAL, taken as a signed number, and the lower half of RAH hold them. */
  destinationLow = 0;
  destinationHigh = 0;
  sourceLow = 0;
  sourceHigh = 0;
  /** The outer tag's control information, or -1. */
  tag = -1;
  multicast = false;
  broadcast = false;
  /** Where the payload of Ethernet begins in the frame, after a tag. */
  l3 = 0;
  /** Packet-type bits of what follows; 0 where nothing is known. */
  packetType = 0;
  /** Where the transport header begins; 0 where there is none to be found. */
  l4 = 0;
  protocol = 0;
  fragment = false;
  /** Bytes of the IP packet, which padding does not belong to. */
  l3Length = 0;

  /** @param etherType which type is a VLAN tag's (VET) */
  readAddresses(view: DataView, at: number, etherType: number): void {
    this.destinationLow = view.getInt32(at, true);
    this.destinationHigh = view.getUint16(at + 4, true);
    this.sourceLow = view.getInt32(at + 6, true);
    this.sourceHigh = view.getUint16(at + 10, true);
    this.multicast = (this.destinationLow & 1) !== 0;
    this.broadcast = this.destinationLow === -1 && this.destinationHigh === 0xffff;
    this.tag = view.getUint16(at + 12) === etherType ? view.getUint16(at + 14) : -1;
    this.l3 = this.tag < 0 ? ETH_HLEN : ETH_HLEN + VLAN_HLEN;
  }

  /** After `readAddresses`: the IP and transport headers, as far as the frame really has them. */
  readProtocols(view: DataView, at: number, length: number): void {
    this.packetType = 0;
    this.l4 = 0;
    this.protocol = 0;
    this.fragment = false;
    this.l3Length = 0;
    if (length < this.l3 + 20) return;
    const etherType = view.getUint16(at + this.l3 - 2);
    if (etherType === ETH_P_IP) this.#readIpv4(view, at + this.l3, length - this.l3);
    else if (etherType === ETH_P_IPV6) this.#readIpv6(view, at + this.l3, length - this.l3);
    if (this.l4 === 0) return;
    const room = this.l3 + this.l3Length - this.l4;
    if (this.protocol === IPPROTO_TCP && room >= 20) this.packetType |= PACKET_TCP;
    else if (this.protocol === IPPROTO_UDP && room >= 8) this.packetType |= PACKET_UDP;
    else if (this.protocol === IPPROTO_SCTP && room >= 12) this.packetType |= PACKET_SCTP;
    else this.l4 = 0;
  }

  #readIpv4(view: DataView, ip: number, room: number): void {
    const versionAndLength = view.getUint8(ip);
    const headerLength = (versionAndLength & 0xf) * 4;
    const total = view.getUint16(ip + 2);
    if (versionAndLength >> 4 !== 4 || headerLength < 20 || total < headerLength || total > room) return;
    this.packetType = PACKET_IPV4;
    this.l3Length = total;
    this.protocol = view.getUint8(ip + 9);
    this.fragment = (view.getUint16(ip + 6) & 0x3fff) !== 0;
    if (!this.fragment) this.l4 = this.l3 + headerLength;
  }

  #readIpv6(view: DataView, ip: number, room: number): void {
    const total = 40 + view.getUint16(ip + 4);
    if (room < 40 || view.getUint8(ip) >> 4 !== 6 || total > room) return;
    this.packetType = PACKET_IPV6;
    this.l3Length = total;
    this.protocol = view.getUint8(ip + 6);
    this.l4 = this.l3 + 40;
  }
}

/** Whether a frame of `length` bytes without check sequence is too long, by a pool's or the card's limits. */
export function isOversized(header: FrameHeader, length: number, longAllowed: boolean, limit: number): boolean {
  return longAllowed ? length + ETH_FCS_LEN > limit : length > header.l3 + ETH_DATA_LEN;
}
