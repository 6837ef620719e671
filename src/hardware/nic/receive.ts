import type { DevicePort } from "../device-port.ts";
import { frameCheckSequence } from "./checksum.ts";
import { count, countPoolReceive } from "./counters.ts";
import { addressOf, DESCRIPTOR_BYTES, DescriptorCache } from "./descriptor-cache.ts";
import { ETH_FCS_LEN, type FrameHeader, isOversized, PACKET_IPV4, VLAN_HLEN } from "./frame-header.ts";
import type { Interrupts } from "./interrupts.ts";
import { PacketBuffer } from "./packet-buffer.ts";
import { verifyChecksums } from "./receive-checksum.ts";
import type { RegisterFile } from "./register-file.ts";
import { DWORD, POOLS, QUEUE_DWORDS } from "./registers-82576.ts";
import { rssHash, rssQueue, rssType } from "./rss.ts";
import { E1000_VT_CTL_VM_REPL_EN } from "./switch.ts";

export const E1000_QUEUE_ENABLE = 0x0200_0000;
const E1000_CTRL_VME = 0x4000_0000;
const E1000_RCTL_SECRC = 0x0400_0000;
const E1000_RXCSUM_PCSD = 0x2000;
const E1000_MRQC_VMDQ = 0x1;
const E1000_VMOLR_LPE = 0x0001_0000;
const E1000_VMOLR_RSSE = 0x0002_0000;
const E1000_STRVLAN = 0x4000_0000;
const E1000_STRCRC = 0x8000_0000;
const E1000_SRRCTL_DROP_EN = 0x8000_0000;
const SRRCTL_HDR_SPLIT_ALWAYS = 5;
const E1000_RXD_STAT_DD = 0x01;
const E1000_RXD_STAT_EOP = 0x02;
const E1000_RXD_STAT_VP = 0x08;
const E1000_RXD_STAT_IPIDV = 0x200;
const E1000_RXDEXT_STATERR_LB = 0x0004_0000;
/** Bytes of a receive buffer by RCTL.BSIZE, where SRRCTL does not say. */
const RCTL_SIZES = [2048, 1024, 512, 256] as const;
/** RQDPC has twelve bits. */
const RQDPC_HIGHEST = 0xfff;
const LONGEST = 16384;

/**
 * Writes frames to receive rings (82576 data sheet §7.1): advanced descriptors, one buffer or split headers. What is said
 * about a frame is worked out once, however many pools get it. The packet buffer that would hold frames while a ring is empty
 * is not modelled: a frame without a descriptor is lost, and counted.
 */
export class Receiver {
  readonly #values: Uint32Array;
  readonly #interrupts: Interrupts;
  readonly #ports: readonly DevicePort[];
  readonly #cache = new DescriptorCache();
  readonly #scratch = new PacketBuffer(LONGEST);

  // Of the frame in hand.
  #status = 0;
  #packetInfo = 0;
  #hashOrId = 0;

  /** @param ports of each queue, changed in place as VFs come and go */
  constructor(registers: RegisterFile, interrupts: Interrupts, ports: readonly DevicePort[]) {
    this.#values = registers.values;
    this.#interrupts = interrupts;
    this.#ports = ports;
    for (const name of ["RDBAL", "RDBAH", "RDLEN", "RDH", "RXDCTL"] as const) {
      const dword = DWORD[name];
      registers.onWrite(name, (queue, value) => {
        this.#values[dword + queue * QUEUE_DWORDS] = value;
        this.#cache.forget(queue);
      });
    }
    // By a hook, so that it is no change of configuration.
    registers.onWrite("RDT", (queue, value) => {
      this.#values[DWORD.RDT + queue * QUEUE_DWORDS] = value;
    });
  }

  forget(queue: number): void {
    this.#cache.forget(queue);
  }

  /**
   * Gives a frame to pools.
   * @param pools a bit for each
   * @param header of the frame, with its addresses read
   */
  toPools(
    pools: number,
    header: FrameHeader,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    loopback: boolean,
  ): void {
    const values = this.#values;
    this.#describe(header, bytes, view, at, length, loopback);
    const upperQueue = this.#rssQueueOf(header, view, at) & 1;
    let oversized = 0;
    for (let pool = 0; pool < POOLS; pool++) {
      if ((pools & (1 << pool)) === 0) continue;
      const vmolr = values[DWORD.VMOLR + pool] as number;
      if (isOversized(header, length, (vmolr & E1000_VMOLR_LPE) !== 0, vmolr & 0x3fff)) {
        oversized |= 1 << pool;
        continue;
      }
      // §8.26.1: the second queue of pool n is n + 8.
      const queue = upperQueue !== 0 && (vmolr & E1000_VMOLR_RSSE) !== 0 ? pool + POOLS : pool;
      const replicates = header.multicast && ((values[DWORD.VT_CTL] as number) & E1000_VT_CTL_VM_REPL_EN) !== 0;
      // §7.10.3.8: CTRL.VME does not count here.
      const offload = replicates ? (values[DWORD.RPLOLR] as number) : vmolr;
      this.#toQueue(queue, header, bytes, view, at, length, loopback, offload);
    }
    // §8.19.37: counted where the frame is too long for all of them.
    if (oversized === pools) count(values, DWORD.ROC);
  }

  /** Gives a frame to the host, without VMDq: to the queue of its hash. */
  toHost(header: FrameHeader, bytes: Uint8Array, view: DataView, at: number, length: number): void {
    this.#describe(header, bytes, view, at, length, false);
    const strips =
      (((this.#values[DWORD.CTRL] as number) & E1000_CTRL_VME) !== 0 ? E1000_STRVLAN : 0) |
      (((this.#values[DWORD.RCTL] as number) & E1000_RCTL_SECRC) !== 0 ? E1000_STRCRC : 0);
    this.#toQueue(this.#rssQueueOf(header, view, at), header, bytes, view, at, length, false, strips);
  }

  #describe(
    header: FrameHeader,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    loopback: boolean,
  ): void {
    header.readProtocols(view, at, length);
    const rxcsum = this.#values[DWORD.RXCSUM] as number;
    this.#status = verifyChecksums(header, rxcsum, bytes, view, at) | (loopback ? E1000_RXDEXT_STATERR_LB : 0);
    this.#packetInfo = header.packetType;
    this.#hashOrId = 0;
    if ((rxcsum & E1000_RXCSUM_PCSD) === 0 && (header.packetType & PACKET_IPV4) !== 0) {
      this.#status |= E1000_RXD_STAT_IPIDV;
      this.#hashOrId = view.getUint16(at + header.l3 + 4);
    }
  }

  /** The queue by hash, which is noted for the descriptor. */
  #rssQueueOf(header: FrameHeader, view: DataView, at: number): number {
    const mrqc = this.#values[DWORD.MRQC] as number;
    const mode = mrqc & 7;
    const enabled = mode === 2 || mode === 5;
    if (!enabled || ((this.#values[DWORD.RXCSUM] as number) & E1000_RXCSUM_PCSD) === 0) return 0;
    const type = rssType(mrqc, header);
    if (type === 0) return 0;
    this.#hashOrId = rssHash(this.#values, type, header, view, at);
    this.#packetInfo |= type;
    return rssQueue(this.#values, this.#hashOrId);
  }

  #toQueue(
    queue: number,
    header: FrameHeader,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    loopback: boolean,
    offload: number,
  ): void {
    const values = this.#values;
    const ring = queue * QUEUE_DWORDS;
    if (((values[DWORD.RXDCTL + ring] as number) & E1000_QUEUE_ENABLE) === 0) {
      count(values, DWORD.SDPC);
      return;
    }
    const stripsTag = (offload & E1000_STRVLAN) !== 0 && header.tag >= 0;
    const keepsCrc = (offload & E1000_STRCRC) === 0;
    if (!stripsTag && !keepsCrc) {
      if (!this.#write(queue, bytes, view, at, length, header, false)) return;
    } else {
      const { bytes: copy, view: copyView } = this.#scratch;
      copy.set(bytes.subarray(at, at + length), VLAN_HLEN);
      let start = VLAN_HLEN;
      if (stripsTag) {
        copy.copyWithin(start + VLAN_HLEN, start, start + 12);
        start += VLAN_HLEN;
      }
      let size = length + VLAN_HLEN - start;
      if (keepsCrc) {
        copyView.setUint32(start + size, frameCheckSequence(bytes, at, length), true);
        size += ETH_FCS_LEN;
      }
      if (!this.#write(queue, copy, copyView, start, size, header, stripsTag)) return;
    }
    if (((values[DWORD.MRQC] as number) & E1000_MRQC_VMDQ) !== 0) {
      countPoolReceive(values, queue & 7, header, length, loopback);
    }
    this.#interrupts.queueEvent(queue, false);
  }

  /** @returns false where the frame was lost, which is counted */
  #write(
    queue: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    header: FrameHeader,
    stripped: boolean,
  ): boolean {
    const values = this.#values;
    const ring = queue * QUEUE_DWORDS;
    const srrctl = values[DWORD.SRRCTL + ring] as number;
    const entries = (values[DWORD.RDLEN + ring] as number) >>> 4;
    const tail = values[DWORD.RDT + ring] as number;
    let head = values[DWORD.RDH + ring] as number;
    const bufferSize =
      (srrctl & 0x7f) !== 0
        ? (srrctl & 0x7f) << 10
        : (RCTL_SIZES[((values[DWORD.RCTL] as number) >>> 16) & 3] as number);
    const split = splitAt(srrctl, length);
    const available = tail >= entries || head >= entries ? 0 : tail >= head ? tail - head : entries + tail - head;
    if (Math.ceil(Math.max(1, length - split) / bufferSize) > available) {
      this.#countNoDescriptor(queue, srrctl);
      return false;
    }
    const port = this.#ports[queue] as DevicePort;
    const base = addressOf(values[DWORD.RDBAL + ring] as number, values[DWORD.RDBAH + ring] as number);
    let done = 0;
    let headerPart = split;
    do {
      const slot = this.#cache.find(port, queue, base, head, (tail > head ? tail : entries) - head);
      if (slot < 0) {
        this.#countLoss(queue);
        return false;
      }
      const dwords = this.#cache.dwords;
      const packetAddress = addressOf(dwords[slot] as number, dwords[slot + 1] as number);
      const headerAddress = addressOf((dwords[slot + 2] as number) & ~1, dwords[slot + 3] as number);
      const part = Math.min(bufferSize, length - done - headerPart);
      const stored =
        (headerPart === 0 || PacketBuffer.store(port, headerAddress, bytes, view, at, headerPart)) &&
        PacketBuffer.store(port, packetAddress, bytes, view, at + done + headerPart, part);
      const last = done + headerPart + part === length;
      const written =
        stored &&
        this.#writeBack(port, base + head * DESCRIPTOR_BYTES, part, headerPart, last, stripped ? header.tag : -1);
      head = head + 1 === entries ? 0 : head + 1;
      values[DWORD.RDH + ring] = head;
      if (!written) {
        this.#countLoss(queue);
        return false;
      }
      done += headerPart + part;
      headerPart = 0;
    } while (done < length);
    return true;
  }

  #writeBack(
    port: DevicePort,
    address: number,
    length: number,
    headerLength: number,
    last: boolean,
    tag: number,
  ): boolean {
    const span = port.span(address, DESCRIPTOR_BYTES, true);
    if (span === undefined || span.length < DESCRIPTOR_BYTES) return false;
    const { view, offset } = span;
    view.setUint32(offset, (last ? this.#packetInfo : 0) | (headerLength << 21), true);
    view.setUint32(offset + 4, last ? this.#hashOrId : 0, true);
    view.setUint32(offset + 12, length | (tag < 0 ? 0 : tag << 16), true);
    // The status last, for who watches it.
    const status = last ? this.#status | E1000_RXD_STAT_EOP | (tag < 0 ? 0 : E1000_RXD_STAT_VP) : 0;
    view.setUint32(offset + 8, status | E1000_RXD_STAT_DD, true);
    return true;
  }

  /** Who has no descriptors loses the frame; whether it would hold up others meanwhile is DROP_EN's or QDE's choice. */
  #countNoDescriptor(queue: number, srrctl: number): void {
    const drops = (srrctl & E1000_SRRCTL_DROP_EN) !== 0 || ((this.#values[DWORD.QDE] as number) & (1 << queue)) !== 0;
    if (drops) {
      this.#countLoss(queue);
      return;
    }
    count(this.#values, DWORD.RNBC);
    count(this.#values, DWORD.MPC);
  }

  #countLoss(queue: number): void {
    const dword = DWORD.RQDPC + queue * QUEUE_DWORDS;
    this.#values[dword] = Math.min(RQDPC_HIGHEST, (this.#values[dword] as number) + 1);
  }
}

/**
 * How many bytes of a frame go to the header buffer. Linux's drivers leave PSRTYPE at zero, so that no header is recognized:
 * splitting always (igbvf with large frames) then fills the header buffer, splitting by headers never splits.
 */
function splitAt(srrctl: number, length: number): number {
  if (((srrctl >>> 25) & 7) !== SRRCTL_HDR_SPLIT_ALWAYS) return 0;
  return Math.min(length, ((srrctl >>> 8) & 0xf) * 64);
}
