import { fromBase64, toBase64 } from "../base64.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { Mmio } from "./mmio.ts";

const DESCRIPTOR_BYTES = 16;
const RING_ALIGNMENT = 4096;
const E1000_ADVTXD_DTYP_CTXT = 0x0020_0000;
const E1000_ADVTXD_DTYP_DATA = 0x0030_0000;
const E1000_ADVTXD_DCMD_EOP = 0x0100_0000;
const E1000_ADVTXD_DCMD_IFCS = 0x0200_0000;
const E1000_ADVTXD_DCMD_RS = 0x0800_0000;
const E1000_ADVTXD_DCMD_DEXT = 0x2000_0000;
const E1000_ADVTXD_DCMD_VLE = 0x4000_0000;
const E1000_ADVTXD_TUCMD_IPV4 = 0x0000_0400;
const E1000_ADVTXD_TUCMD_L4T_TCP = 0x0000_0800;
const E1000_ADVTXD_POTS_TXSM = 0x0000_0200;
const E1000_TXD_STAT_DD = 0x1;
const E1000_RXD_STAT_DD = 0x01;
const E1000_RXD_STAT_EOP = 0x02;
const E1000_RXD_STAT_VP = 0x08;
const MAXIMUM_FRAME = 2048;
/** Receive buffers are handed back so many at a time (IGBVF_RX_BUFFER_WRITE, IGB_RX_BUFFER_WRITE). */
const RX_BUFFER_WRITE = 16;

/** What the card is to do with a frame that it sends. */
export interface TransmitOffload {
  /** The tag's control information. */
  readonly vlan?: number;
  /** The transport checksum is to be inserted: the pseudo header's sum is where it goes (CHECKSUM_PARTIAL). */
  readonly checksum?: { readonly l4: number; readonly tcp: boolean };
}

const NO_OFFLOAD: TransmitOffload = {};

/** Tells the card where a ring is and how long; base (low, high) and length follow one another in both kinds. */
export function programRing(
  mmio: Mmio,
  memory: GuestMemory,
  ring: { readonly ring: number; readonly count: number },
  baseRegister: number,
): void {
  const address = memory.busAddress(ring.ring);
  mmio.write32(baseRegister, address >>> 0);
  mmio.write32(baseRegister + 4, Math.floor(address / 0x1_0000_0000));
  mmio.write32(baseRegister + 8, ring.count * DESCRIPTOR_BYTES);
}

/** Where a ring and its buffers are, and how far its driver is with it. */
export interface TransmitRingState {
  readonly ring: number;
  readonly buffers: number;
  readonly nextToUse: number;
  readonly nextToClean: number;
}

/** Beside what a transmit ring has, the parts of a frame of which not all have come. */
export interface ReceiveRingState {
  readonly ring: number;
  readonly buffers: number;
  readonly nextToClean: number;
  readonly joined: string;
  readonly joinedLength: number;
}

/** Memory for a transmit and a receive ring of so many descriptors, with their buffers. */
export function ringBytes(descriptors: number): number {
  const aligned = (bytes: number) => Math.ceil(bytes / RING_ALIGNMENT) * RING_ALIGNMENT;
  return 2 * (aligned(descriptors * DESCRIPTOR_BYTES) + aligned(descriptors * MAXIMUM_FRAME));
}

/** Where a driver counts frames that were sent. */
export interface FrameCounters {
  txPackets: number;
  txBytes: number;
}

/** A transmit ring in memory, and a buffer for each descriptor. */
export class TransmitRing {
  readonly ring: number;
  readonly count: number;
  readonly #memory: GuestMemory;
  readonly #mmio: Mmio;
  readonly #tail: number;
  readonly #buffers: number;
  #nextToUse = 0;
  #nextToClean = 0;

  /** @param state of a ring that is in the memory already */
  constructor(memory: GuestMemory, mmio: Mmio, tail: number, count: number, state?: TransmitRingState) {
    this.count = count;
    this.#memory = memory;
    this.#mmio = mmio;
    this.#tail = tail;
    this.ring = state?.ring ?? memory.allocate(count * DESCRIPTOR_BYTES, RING_ALIGNMENT);
    this.#buffers = state?.buffers ?? memory.allocate(count * MAXIMUM_FRAME, RING_ALIGNMENT);
    this.#nextToUse = state?.nextToUse ?? 0;
    this.#nextToClean = state?.nextToClean ?? 0;
  }

  save(): TransmitRingState {
    return {
      ring: this.ring,
      buffers: this.#buffers,
      nextToUse: this.#nextToUse,
      nextToClean: this.#nextToClean,
    };
  }

  reset(): void {
    this.#nextToUse = 0;
    this.#nextToClean = 0;
    this.#memory.memory.clear(this.ring, this.count * DESCRIPTOR_BYTES);
  }

  /**
   * Puts a frame into the ring. @returns false where it is full
   * @param more the card is not told yet, as more follow (xmit_more)
   */
  send(frame: Uint8Array, offload: TransmitOffload = NO_OFFLOAD, more = false, counters?: FrameCounters): boolean {
    const { vlan, checksum } = offload;
    const needsContext = vlan !== undefined || checksum !== undefined;
    if (this.#unused() < (needsContext ? 2 : 1)) this.clean(counters);
    if (this.#unused() < (needsContext ? 2 : 1) || frame.length > MAXIMUM_FRAME) return false;
    const { memory } = this.#memory;
    if (needsContext) this.#putContext(vlan ?? 0, checksum);
    const descriptor = this.ring + this.#nextToUse * DESCRIPTOR_BYTES;
    const buffer = this.#buffers + this.#nextToUse * MAXIMUM_FRAME;
    memory.write(buffer, frame);
    const command =
      E1000_ADVTXD_DTYP_DATA |
      E1000_ADVTXD_DCMD_EOP |
      E1000_ADVTXD_DCMD_IFCS |
      E1000_ADVTXD_DCMD_RS |
      E1000_ADVTXD_DCMD_DEXT |
      (vlan === undefined ? 0 : E1000_ADVTXD_DCMD_VLE);
    memory.write64(descriptor, this.#memory.busAddress(buffer));
    memory.write32(descriptor + 8, command | frame.length);
    memory.write32(descriptor + 12, (frame.length << 14) | (checksum === undefined ? 0 : E1000_ADVTXD_POTS_TXSM));
    this.#advance();
    if (!more) this.#mmio.write32(this.#tail, this.#nextToUse);
    return true;
  }

  /** Tells the card what is in the ring. */
  flush(): void {
    this.#mmio.write32(this.#tail, this.#nextToUse);
  }

  /** Takes back what was sent, and counts it. @returns how many descriptors */
  clean(counters?: FrameCounters): number {
    const { memory } = this.#memory;
    let cleaned = 0;
    let last = this.#nextToClean;
    // Context descriptors are not written back: they are done with the frame after them.
    for (let index = this.#nextToClean, ahead = 1; index !== this.#nextToUse; ahead++) {
      const descriptor = this.ring + index * DESCRIPTOR_BYTES;
      index = index + 1 === this.count ? 0 : index + 1;
      const isData = (memory.read32(descriptor + 8) & E1000_ADVTXD_DTYP_DATA) === E1000_ADVTXD_DTYP_DATA;
      if (!isData) continue;
      if ((memory.read32(descriptor + 12) & E1000_TXD_STAT_DD) === 0) break;
      memory.write32(descriptor + 12, 0);
      if (counters !== undefined) {
        counters.txPackets++;
        counters.txBytes += memory.read32(descriptor + 8) & 0xffff;
      }
      last = index;
      cleaned = ahead;
    }
    this.#nextToClean = last;
    return cleaned;
  }

  /** Descriptors that were not taken back. */
  get inUse(): number {
    return (this.#nextToUse - this.#nextToClean + this.count) % this.count;
  }

  #unused(): number {
    return this.count - 1 - this.inUse;
  }

  #advance(): void {
    this.#nextToUse = this.#nextToUse + 1 === this.count ? 0 : this.#nextToUse + 1;
  }

  /** igbvf_tx_csum: MACLEN, IPLEN and tag. */
  #putContext(vlan: number, checksum: TransmitOffload["checksum"]): void {
    const { memory } = this.#memory;
    const descriptor = this.ring + this.#nextToUse * DESCRIPTOR_BYTES;
    const ethernet = 14;
    const command =
      E1000_ADVTXD_DTYP_CTXT |
      E1000_ADVTXD_DCMD_DEXT |
      (checksum === undefined ? 0 : E1000_ADVTXD_TUCMD_IPV4) |
      (checksum?.tcp === true ? E1000_ADVTXD_TUCMD_L4T_TCP : 0);
    memory.write32(descriptor, (vlan << 16) | (ethernet << 9) | (checksum === undefined ? 0 : checksum.l4 - ethernet));
    memory.write32(descriptor + 4, 0);
    memory.write32(descriptor + 8, command);
    memory.write32(descriptor + 12, 0);
    this.#advance();
  }
}

/** Takes a frame in memory: good during the call only. `vlan` is a stripped tag, or -1; `status` the descriptor's. */
export type FrameReceiver = (bytes: Uint8Array, at: number, length: number, vlan: number, status: number) => void;

/** A receive ring in memory, each descriptor with a buffer of 2 KiB. A frame that needs more is handed over in parts. */
export class ReceiveRing {
  readonly ring: number;
  readonly count: number;
  readonly #memory: GuestMemory;
  readonly #mmio: Mmio;
  readonly #tail: number;
  readonly #buffers: number;
  readonly #joined = new Uint8Array(16384);
  #joinedLength = 0;
  #nextToClean = 0;
  #cleaned = 0;

  /** @param state of a ring that is in the memory already */
  constructor(memory: GuestMemory, mmio: Mmio, tail: number, count: number, state?: ReceiveRingState) {
    this.count = count;
    this.#memory = memory;
    this.#mmio = mmio;
    this.#tail = tail;
    this.ring = state?.ring ?? memory.allocate(count * DESCRIPTOR_BYTES, RING_ALIGNMENT);
    this.#buffers = state?.buffers ?? memory.allocate(count * MAXIMUM_FRAME, RING_ALIGNMENT);
    this.#nextToClean = state?.nextToClean ?? 0;
    this.#joinedLength = state?.joinedLength ?? 0;
    if (state !== undefined) this.#joined.set(fromBase64(state.joined, state.joinedLength));
  }

  /** Between polls, so that all that was taken has been given back. */
  save(): ReceiveRingState {
    return {
      ring: this.ring,
      buffers: this.#buffers,
      nextToClean: this.#nextToClean,
      joined: toBase64(this.#joined.subarray(0, this.#joinedLength)),
      joinedLength: this.#joinedLength,
    };
  }

  /** Hands all buffers but one to the card: the tail is never the head. */
  fill(): void {
    this.#nextToClean = 0;
    this.#cleaned = 0;
    this.#joinedLength = 0;
    for (let index = 0; index < this.count; index++) this.#putBuffer(index);
    this.#mmio.write32(this.#tail, this.count - 1);
  }

  /** Takes what came in. @returns how many frames */
  poll(budget: number, receive: FrameReceiver): number {
    const { memory } = this.#memory;
    let frames = 0;
    while (frames < budget) {
      const index = this.#nextToClean;
      const descriptor = this.ring + index * DESCRIPTOR_BYTES;
      const status = memory.read32(descriptor + 8);
      if ((status & E1000_RXD_STAT_DD) === 0) break;
      const lengthAndTag = memory.read32(descriptor + 12);
      const length = lengthAndTag & 0xffff;
      const buffer = this.#buffers + index * MAXIMUM_FRAME;
      const whole = (status & E1000_RXD_STAT_EOP) !== 0;
      const vlan = (status & E1000_RXD_STAT_VP) !== 0 ? lengthAndTag >>> 16 : -1;
      if (whole && this.#joinedLength === 0) receive(memory.bytes, buffer, length, vlan, status);
      else this.#join(buffer, length, whole, vlan, status, receive);
      if (whole) frames++;
      this.#putBuffer(index);
      this.#nextToClean = index + 1 === this.count ? 0 : index + 1;
      if (++this.#cleaned === RX_BUFFER_WRITE) this.#giveBack();
    }
    if (this.#cleaned > 0) this.#giveBack();
    return frames;
  }

  #join(buffer: number, length: number, whole: boolean, vlan: number, status: number, receive: FrameReceiver): void {
    this.#joined.set(this.#memory.memory.bytes.subarray(buffer, buffer + length), this.#joinedLength);
    this.#joinedLength += length;
    if (!whole) return;
    receive(this.#joined, 0, this.#joinedLength, vlan, status);
    this.#joinedLength = 0;
  }

  #putBuffer(index: number): void {
    const { memory } = this.#memory;
    const descriptor = this.ring + index * DESCRIPTOR_BYTES;
    memory.write64(descriptor, this.#memory.busAddress(this.#buffers + index * MAXIMUM_FRAME));
    memory.write64(descriptor + 8, 0);
  }

  #giveBack(): void {
    this.#cleaned = 0;
    this.#mmio.write32(this.#tail, this.#nextToClean === 0 ? this.count - 1 : this.#nextToClean - 1);
  }
}
