import { count, countPoolTransmit, countWireReceive, countWireTransmit } from "./counters.ts";
import { ETH_ZLEN, FrameHeader, isOversized, VLAN_HLEN } from "./frame-header.ts";
import { E1000_ICR_DOUTSYNC, type Interrupts } from "./interrupts.ts";
import { HEADROOM, type PacketBuffer } from "./packet-buffer.ts";
import type { Receiver } from "./receive.ts";
import type { RegisterFile } from "./register-file.ts";
import { DWORD } from "./registers-82576.ts";
import { E1000_RCTL_EN, E1000_RCTL_VFE, FROM_WIRE, hasAddress, hashHit, Switch, TO_WIRE } from "./switch.ts";

const E1000_RCTL_SBP = 0x0000_0004;
const E1000_RCTL_UPE = 0x0000_0008;
const E1000_RCTL_MPE = 0x0000_0010;
const E1000_RCTL_LPE = 0x0000_0020;
const E1000_RCTL_BAM = 0x0000_8000;
const E1000_TCTL_PSP = 0x0000_0008;
const E1000_MRQC_VMDQ = 0x1;
const E1000_DTXCTL_SPOOF_INT = 0x0040;
const VMVIR_VLANA_DEFAULT = 1;
const VMVIR_VLANA_NEVER = 2;
const POOL_BITS = 0xff;

/** Takes a frame that goes out to the network. */
type ToWire = (bytes: Uint8Array, at: number, length: number) => void;

/** What a frame goes through between rings and network: tags, spoof checks, the switch, the counters. */
export class Forwarder {
  readonly #values: Uint32Array;
  readonly #switch: Switch;
  readonly #interrupts: Interrupts;
  readonly #receiver: Receiver;
  readonly #toWire: ToWire;
  /** One for each direction: what is sent may bring something back before it returns. */
  readonly #outbound = new FrameHeader();
  readonly #inbound = new FrameHeader();
  linkUp = false;
  /** Pools that get nothing, whatever registers say. */
  silencedPools = 0;

  constructor(registers: RegisterFile, interrupts: Interrupts, receiver: Receiver, toWire: ToWire) {
    this.#values = registers.values;
    this.#switch = new Switch(registers);
    this.#interrupts = interrupts;
    this.#receiver = receiver;
    this.#toWire = toWire;
  }

  /** Sends a frame of a queue; `tag` is -1 where its descriptor asks for none. */
  send(queue: number, packet: PacketBuffer, frameLength: number, tag: number): void {
    const values = this.#values;
    const pool = queue & 7;
    const vmdq = ((values[DWORD.MRQC] as number) & E1000_MRQC_VMDQ) !== 0;
    let length = frameLength;
    let at = HEADROOM;
    if (length < ETH_ZLEN && ((values[DWORD.TCTL] as number) & E1000_TCTL_PSP) !== 0) {
      packet.bytes.fill(0, at + length, at + ETH_ZLEN);
      length = ETH_ZLEN;
    }
    const inserted = vmdq ? poolTag(values[DWORD.VMVIR + pool] as number, tag) : tag;
    if (inserted >= 0) {
      at -= VLAN_HLEN;
      length += VLAN_HLEN;
      this.#insertTag(packet.view, at, inserted);
    }
    const header = this.#outbound;
    header.readAddresses(packet.view, at, (values[DWORD.VET] as number) & 0xffff);
    if (vmdq && this.#switch.isSpoofed(header, pool)) {
      values[DWORD.WVBR] = (values[DWORD.WVBR] as number) | (1 << queue);
      count(values, DWORD.SSVPC);
      if (((values[DWORD.DTXCTL] as number) & E1000_DTXCTL_SPOOF_INT) !== 0) this.#interrupts.other(E1000_ICR_DOUTSYNC);
      return;
    }
    const decision = vmdq ? this.#switch.decide(header, pool) : TO_WIRE;
    const pools = decision & POOL_BITS & ~this.silencedPools;
    countPoolTransmit(values, pool, length, pools !== 0);
    if (pools === 0 && (decision & TO_WIRE) === 0) count(values, DWORD.SDPC);
    if (pools !== 0 && ((values[DWORD.RCTL] as number) & E1000_RCTL_EN) !== 0) {
      this.#receiver.toPools(pools, header, packet.bytes, packet.view, at, length, true);
    }
    if ((decision & TO_WIRE) === 0) return;
    if (!this.linkUp) {
      count(values, DWORD.HTDPMC);
      return;
    }
    countWireTransmit(values, header, length);
    this.#toWire(packet.bytes, at, length);
  }

  /** A frame comes in from the network. */
  receive(bytes: Uint8Array, view: DataView, at: number, length: number): void {
    const values = this.#values;
    const rctl = values[DWORD.RCTL] as number;
    if (!this.linkUp || (rctl & E1000_RCTL_EN) === 0) return;
    if (length < ETH_ZLEN) {
      count(values, DWORD.RUC);
      return;
    }
    const header = this.#inbound;
    header.readAddresses(view, at, (values[DWORD.VET] as number) & 0xffff);
    const tooLong = isOversized(header, length, (rctl & E1000_RCTL_LPE) !== 0, values[DWORD.RLPML] as number);
    if (tooLong && (rctl & E1000_RCTL_SBP) === 0) {
      countWireReceive(values, header, length, false);
      count(values, DWORD.ROC);
      return;
    }
    if (((values[DWORD.MRQC] as number) & E1000_MRQC_VMDQ) === 0) {
      const passed = hostAccepts(values, header);
      countWireReceive(values, header, length, passed);
      if (passed) this.#receiver.toHost(header, bytes, view, at, length);
      return;
    }
    const pools = this.#switch.decide(header, FROM_WIRE) & POOL_BITS & ~this.silencedPools;
    countWireReceive(values, header, length, pools !== 0);
    if (pools === 0) count(values, DWORD.SDPC);
    else this.#receiver.toPools(pools, header, bytes, view, at, length, false);
  }

  #insertTag(view: DataView, at: number, tag: number): void {
    for (let dword = 0; dword < 12; dword += 4) view.setUint32(at + dword, view.getUint32(at + dword + VLAN_HLEN));
    view.setUint16(at + 12, (this.#values[DWORD.VET] as number) & 0xffff);
    view.setUint16(at + 14, tag);
  }
}

/** The tag that a pool's frame gets, or -1: VMVIR says its own always, none ever, or what the descriptor asks for. */
function poolTag(vmvir: number, tag: number): number {
  const action = vmvir >>> 30;
  if (action === VMVIR_VLANA_DEFAULT) return vmvir & 0xffff;
  return action === VMVIR_VLANA_NEVER ? -1 : tag;
}

/** The filters of the card as a whole, which count without VMDq (82576 data sheet §7.1.1). */
function hostAccepts(values: Uint32Array, header: FrameHeader): boolean {
  const rctl = values[DWORD.RCTL] as number;
  const vid = header.tag & 0xfff;
  const filtersVlan = header.tag >= 0 && (rctl & E1000_RCTL_VFE) !== 0;
  if (filtersVlan && ((values[DWORD.VFTA + (vid >> 5)] as number) & (1 << (vid & 31))) === 0) return false;
  if (header.broadcast) return (rctl & E1000_RCTL_BAM) !== 0;
  if ((rctl & (header.multicast ? E1000_RCTL_MPE : E1000_RCTL_UPE)) !== 0) return true;
  return (
    hasAddress(values, header.destinationLow, header.destinationHigh) ||
    hashHit(values, header.multicast ? DWORD.MTA : DWORD.UTA, header)
  );
}
