import { type ModelClock, NS_PER_MS } from "../clock.ts";
import { E1000, type RegisterName } from "../nic/registers-82576.ts";
import {
  type FrameReceiver,
  programRing,
  ReceiveRing,
  type ReceiveRingState,
  ringBytes,
  type TransmitOffload,
  TransmitRing,
  type TransmitRingState,
} from "./descriptor-rings.ts";
import type { GuestMemory } from "./guest-memory.ts";
import {
  addressFromWords,
  addressWords,
  E1000_VF_RESET,
  E1000_VF_SET_LPE,
  E1000_VF_SET_MAC_ADDR,
  E1000_VF_SET_MULTICAST,
  E1000_VF_SET_VLAN,
  E1000_VT_MSGINFO_SHIFT,
  E1000_VT_MSGTYPE_ACK,
  E1000_VT_MSGTYPE_CTS,
  E1000_VT_MSGTYPE_NACK,
  isValidAddress,
  isZeroAddress,
  multicastHash,
} from "./mailbox-messages.ts";
import type { Mmio } from "./mmio.ts";
import { E1000_VFMAILBOX_SIZE, VfMailbox, type VfMailboxState } from "./vf-mailbox.ts";

const E1000_CTRL_RST = 0x0400_0000;
const E1000_STATUS_LU = 0x0000_0002;
const E1000_QUEUE_ENABLE = 0x0200_0000;
const E1000_IVAR_VALID = 0x80;
const E1000_SRRCTL_DROP_EN = 0x8000_0000;
const E1000_SRRCTL_DESCTYPE_ADV_ONEBUF = 0x0200_0000;
const SRRCTL_2_KIB = 2;
const E1000_VF_INIT_TIMEOUT = 200;
const NS_PER_US = 1000;
/** About 8000 interrupts a second: EITR counts microseconds from bit 2 on. */
const IGBVF_START_ITR = 488;
const IGBVF_DEFAULT_DESCRIPTORS = 256;
const ALL_ONES = 0xffff_ffff;
const WRAPPED_FROM = 0x8000_0000;
const TX_VECTOR = 0;
const RX_VECTOR = 1;
const OTHER_VECTOR = 2;
const ALL_VECTORS = 0x7;
/** Where the VF's own registers differ from the PF's of the same name. */
const QUEUE0 = { rx: 0x2800 - E1000.RDBAL, tx: 0x3800 - E1000.TDBAL } as const;
const COUNTERS = {
  rxPackets: 0x0f10,
  txPackets: 0x0f14,
  rxBytes: 0x0f18,
  txBytes: 0x0f34,
  rxMulticast: 0x0f3c,
  rxLoopbackPackets: 0x0f40,
  txLoopbackPackets: 0x0f44,
  rxLoopbackBytes: 0x0f48,
  txLoopbackBytes: 0x0f50,
} as const;

/** What the driver's rings need of memory. */
export const IGBVF_MEMORY_BYTES = ringBytes(IGBVF_DEFAULT_DESCRIPTORS);

export type IgbvfStatistics = Record<keyof typeof COUNTERS, number>;

/** What the driver holds beside memory and registers, as JSON keeps it. */
export interface IgbvfState {
  readonly descriptors: number;
  readonly address: readonly number[];
  readonly permanentAddress: readonly number[];
  readonly getLinkStatus: boolean;
  readonly up: boolean;
  readonly dropped: number;
  readonly last: readonly (readonly [number, number])[];
  readonly totals: IgbvfStatistics;
  readonly mailbox: VfMailboxState;
  readonly tx: TransmitRingState;
  readonly rx: ReceiveRingState;
}

export interface IgbvfOptions {
  readonly mmio: Mmio;
  readonly memory: GuestMemory;
  readonly clock: Pick<ModelClock, "advance">;
  /** Frames as they come in. */
  readonly receive: FrameReceiver;
  /** An address for a VF that the PF gave none (eth_hw_addr_random). */
  readonly randomAddress: () => Uint8Array;
  readonly log?: (text: string) => void;
  /** The PF's mailbox or the link may have news (igbvf_msix_other); they are looked at at once where left out. */
  readonly news?: () => void;
  readonly descriptors?: number;
  /** Of a driver that goes on in memory that it has come with. */
  readonly state?: IgbvfState;
}

/** A guest's driver for a VF of the 82576, as Linux's igbvf (netdev.c, vf.c): it does all by registers, mailbox and memory. */
export class IgbvfDriver {
  readonly #options: IgbvfOptions;
  readonly #mmio: Mmio;
  readonly #mailbox: VfMailbox;
  readonly #tx: TransmitRing;
  readonly #rx: ReceiveRing;
  #address: Uint8Array = new Uint8Array(6);
  #permanentAddress: Uint8Array = new Uint8Array(6);
  #getLinkStatus = true;
  #up = false;
  #lost = false;
  #dropped = 0;
  readonly #last = new Map<number, number>();
  readonly #totals: IgbvfStatistics;

  constructor(options: IgbvfOptions) {
    const { mmio, memory, clock, state } = options;
    const descriptors = state?.descriptors ?? options.descriptors ?? IGBVF_DEFAULT_DESCRIPTORS;
    this.#options = options;
    this.#mmio = mmio;
    this.#mailbox = new VfMailbox(mmio, clock, state?.mailbox);
    this.#tx = new TransmitRing(memory, mmio, txRegister("TDT"), descriptors, state?.tx);
    this.#rx = new ReceiveRing(memory, mmio, rxRegister("RDT"), descriptors, state?.rx);
    this.#totals = Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0])) as IgbvfStatistics;
    if (state === undefined) return;
    this.#address = Uint8Array.from(state.address);
    this.#permanentAddress = Uint8Array.from(state.permanentAddress);
    this.#getLinkStatus = state.getLinkStatus;
    this.#up = state.up;
    this.#dropped = state.dropped;
    for (const [register, value] of state.last) this.#last.set(register, value);
    Object.assign(this.#totals, state.totals);
  }

  save(): IgbvfState {
    return {
      descriptors: this.#tx.count,
      address: [...this.#address],
      permanentAddress: [...this.#permanentAddress],
      getLinkStatus: this.#getLinkStatus,
      up: this.#up,
      dropped: this.#dropped,
      last: [...this.#last],
      totals: { ...this.#totals },
      mailbox: this.#mailbox.save(),
      tx: this.#tx.save(),
      rx: this.#rx.save(),
    };
  }

  get address(): Uint8Array {
    return this.#address;
  }

  /** igbvf_probe. @returns whether the PF answered */
  probe(): boolean {
    this.#mmio.write32(E1000.EIMC, 0xffff_ffff);
    this.#mmio.write32(E1000.EIAC, 0);
    const answered = this.#resetHardware();
    if (answered) {
      this.#address = this.#permanentAddress.slice();
      if (isZeroAddress(this.#address)) this.#log("MAC address not assigned by administrator.");
    } else {
      this.#log("PF still in reset state. Is the PF interface up?");
    }
    if (!isValidAddress(this.#address)) {
      this.#log("Assigning random MAC address.");
      this.#address = this.#options.randomAddress();
    }
    this.reset();
    return answered;
  }

  /** igbvf_reset: the hardware, then the address. */
  reset(): void {
    if (!this.#resetHardware()) this.#log("PF still resetting");
    this.#setReceiveAddress(this.#address);
  }

  /** igbvf_open: rings, interrupts. */
  open(): void {
    this.setMulticast([]);
    this.#configureTransmit();
    this.#configureReceive();
    this.#configureMsix();
    this.#up = true;
    this.#mmio.read32(E1000.EICR);
    this.#mmio.write32(E1000.EIAC, ALL_VECTORS);
    this.#mmio.write32(E1000.EIAM, ALL_VECTORS);
    this.#mmio.write32(E1000.EIMS, ALL_VECTORS);
    this.#getLinkStatus = true;
    this.watchdog();
  }

  /** igbvf_down. */
  close(): void {
    this.#up = false;
    for (const register of [rxRegister("RXDCTL"), txRegister("TXDCTL")]) {
      this.#mmio.write32(register, this.#mmio.read32(register) & ~E1000_QUEUE_ENABLE);
    }
    this.#mmio.write32(E1000.EIMC, 0xffff_ffff);
    this.#mmio.write32(E1000.EIAC, 0);
    this.reset();
    this.#tx.reset();
  }

  /** The interrupt handlers, by vector. */
  interrupt(vector: number): void {
    if (vector === TX_VECTOR) {
      this.#tx.clean();
    } else if (vector === RX_VECTOR) {
      if (this.#up) this.poll();
    } else {
      this.#getLinkStatus = true;
      if (this.#options.news === undefined) this.watchdog();
      else this.#options.news();
    }
    if (this.#up) this.#mmio.write32(E1000.EIMS, 1 << vector);
  }

  /** Takes all that came in. @returns how many frames */
  poll(): number {
    return this.#rx.poll(Number.POSITIVE_INFINITY, this.#options.receive);
  }

  /** igbvf_xmit_frame. @returns false where the ring is full, or the interface down */
  send(frame: Uint8Array, offload?: TransmitOffload, more = false): boolean {
    return this.#up && this.#tx.send(frame, offload, more);
  }

  /** Tells the card of frames that were sent with `more`. */
  flush(): void {
    this.#tx.flush();
  }

  /** igbvf_watchdog_task: whether the link is up, as far as the VF is told (e1000_check_for_link_vf). */
  watchdog(): boolean {
    this.#lost = false;
    if (!this.#up) return false;
    if (this.#mailbox.checkForReset() || this.#mailbox.timeout === 0) this.#getLinkStatus = true;
    if (!this.#getLinkStatus) return true;
    if ((this.#mmio.read32(E1000.STATUS) & E1000_STATUS_LU) === 0) return false;
    const message = this.#mailbox.read(1);
    if (message === undefined) return false;
    const [answer = 0] = message;
    const clear = (answer & E1000_VT_MSGTYPE_CTS) !== 0;
    this.#lost = clear ? this.#mailbox.timeout === 0 : (answer & E1000_VT_MSGTYPE_NACK) !== 0;
    if (clear && !this.#lost) this.#getLinkStatus = false;
    return !this.#getLinkStatus;
  }

  /** The PF was reset, and lets the VF talk only after a reset of its own: {@link reinit}. As of the last look. */
  get lost(): boolean {
    return this.#lost;
  }

  /** igbvf_reinit_locked. */
  reinit(): void {
    this.close();
    this.open();
  }

  /** igbvf_set_mac. @returns whether the PF let it have the address */
  setAddress(address: Uint8Array): boolean {
    this.#setReceiveAddress(address);
    return address.every((byte, index) => byte === this.#address[index]);
  }

  /** e1000_set_vfta_vf. @returns false where the PF refuses */
  setVlan(vid: number, add: boolean): boolean {
    const info = add ? 1 << E1000_VT_MSGINFO_SHIFT : 0;
    return this.#request([E1000_VF_SET_VLAN | info, vid], E1000_VF_SET_VLAN);
  }

  /** e1000_update_mc_addr_list_vf: up to 30 groups. */
  setMulticast(addresses: readonly Uint8Array[]): void {
    const hashes = addresses.slice(0, 30).map(multicastHash);
    const message = new Array<number>(E1000_VFMAILBOX_SIZE).fill(0);
    message[0] = E1000_VF_SET_MULTICAST | (hashes.length << E1000_VT_MSGINFO_SHIFT);
    hashes.forEach((hash, index) => {
      const word = 1 + (index >> 1);
      message[word] = (message[word] as number) | (hash << ((index & 1) * 16));
    });
    this.#mailbox.writePosted(message);
  }

  /** e1000_rlpml_set_vf: the longest frame, its check sequence included. */
  setMaximumFrame(bytes: number): void {
    this.#mailbox.writePosted([E1000_VF_SET_LPE, bytes]);
  }

  /** igbvf_update_stats: the counters, which wrap at 32 bits. */
  statistics(): Readonly<IgbvfStatistics> {
    if (this.#last.size === 0) return this.#totals;
    for (const [name, register] of Object.entries(COUNTERS)) {
      const now = this.#mmio.read32(register);
      const last = this.#last.get(register) ?? 0;
      // It wraps at 32 bits; from further below, it begins anew, as the PF was reset.
      this.#totals[name as keyof IgbvfStatistics] += now >= last || last > WRAPPED_FROM ? (now - last) >>> 0 : now;
      this.#last.set(register, now);
    }
    return this.#totals;
  }

  /** Frames that found no descriptor of the driver's (RQDPC, which a read clears). */
  dropped(): number {
    const value = this.#mmio.read32(rxRegister("RQDPC"));
    if (value !== ALL_ONES) this.#dropped += value;
    return this.#dropped;
  }

  /** Frames are in the ring that the card has not sent. */
  get sending(): boolean {
    this.#tx.clean();
    return this.#tx.inUse > 0;
  }

  #log(text: string): void {
    this.#options.log?.(text);
  }

  /** e1000_reset_hw_vf. @returns whether the PF answered, be it with no address */
  #resetHardware(): boolean {
    const { clock } = this.#options;
    this.statistics();
    this.#mmio.write32(E1000.CTRL, E1000_CTRL_RST);
    for (const register of Object.values(COUNTERS)) this.#last.set(register, this.#mmio.read32(register));
    let timeout = E1000_VF_INIT_TIMEOUT;
    for (; this.#mailbox.checkForReset() && timeout > 0; timeout--) clock.advance(5 * NS_PER_US);
    if (timeout === 0) return false;
    this.#mailbox.restart();
    this.#mailbox.writePosted([E1000_VF_RESET]);
    clock.advance(10 * NS_PER_MS);
    const answer = this.#mailbox.readPosted(3);
    if (answer === undefined) return false;
    const [type = 0, low = 0, high = 0] = answer;
    if (type === (E1000_VF_RESET | E1000_VT_MSGTYPE_ACK) >>> 0) this.#permanentAddress = addressFromWords(low, high);
    else if (type === (E1000_VF_RESET | E1000_VT_MSGTYPE_NACK) >>> 0) this.#permanentAddress = new Uint8Array(6);
    else return false;
    return true;
  }

  /** e1000_rar_set_vf: where the PF refuses, it is the permanent one. */
  #setReceiveAddress(address: Uint8Array): void {
    const accepted = this.#request([E1000_VF_SET_MAC_ADDR, ...addressWords(address)], E1000_VF_SET_MAC_ADDR);
    this.#address = (accepted ? address : this.#permanentAddress).slice();
  }

  /** @returns false where the PF answers no */
  #request(message: readonly number[], type: number): boolean {
    if (!this.#mailbox.writePosted(message)) return true;
    const [answer = 0] = this.#mailbox.readPosted(message.length) ?? [];
    const kind = (answer & ~E1000_VT_MSGTYPE_CTS & 0xf000_ffff) >>> 0;
    return kind !== (type | E1000_VT_MSGTYPE_NACK) >>> 0;
  }

  #configureTransmit(): void {
    const txdctl = this.#mmio.read32(txRegister("TXDCTL"));
    this.#mmio.write32(txRegister("TXDCTL"), txdctl & ~E1000_QUEUE_ENABLE);
    this.#tx.reset();
    programRing(this.#mmio, this.#options.memory, this.#tx, txRegister("TDBAL"));
    this.#mmio.write32(txRegister("TDH"), 0);
    this.#mmio.write32(txRegister("TDT"), 0);
    this.#mmio.write32(txRegister("TXDCTL"), txdctl | E1000_QUEUE_ENABLE);
  }

  #configureReceive(): void {
    const srrctl = E1000_SRRCTL_DROP_EN | E1000_SRRCTL_DESCTYPE_ADV_ONEBUF | SRRCTL_2_KIB;
    this.#mmio.write32(rxRegister("SRRCTL"), srrctl >>> 0);
    const rxdctl = this.#mmio.read32(rxRegister("RXDCTL"));
    this.#mmio.write32(rxRegister("RXDCTL"), rxdctl & ~E1000_QUEUE_ENABLE);
    programRing(this.#mmio, this.#options.memory, this.#rx, rxRegister("RDBAL"));
    this.#mmio.write32(rxRegister("RDH"), 0);
    this.#mmio.write32(rxRegister("RDT"), 0);
    this.setMaximumFrame(1500 + 14 + 4 + 4);
    this.#mmio.write32(rxRegister("RXDCTL"), ((rxdctl & 0xfff0_0000) | E1000_QUEUE_ENABLE | (1 << 16)) >>> 0);
    this.#rx.fill();
  }

  /** igbvf_configure_msix: a vector for sending, one for receiving, one for the mailbox. */
  #configureMsix(): void {
    const entry = (vector: number) => vector | E1000_IVAR_VALID;
    this.#mmio.write32(E1000.IVAR0, entry(RX_VECTOR) | (entry(TX_VECTOR) << 8));
    this.#mmio.write32(E1000.EITR + TX_VECTOR * 4, IGBVF_START_ITR);
    this.#mmio.write32(E1000.EITR + RX_VECTOR * 4, IGBVF_START_ITR);
    this.#mmio.write32(E1000.IVAR_MISC, entry(OTHER_VECTOR));
  }
}

function rxRegister(name: RegisterName): number {
  return E1000[name] + QUEUE0.rx;
}

function txRegister(name: RegisterName): number {
  return E1000[name] + QUEUE0.tx;
}
