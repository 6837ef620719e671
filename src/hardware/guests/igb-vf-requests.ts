import { E1000 } from "../nic/registers-82576.ts";
import { type IgbVfPools, MULTICAST_HASHES, multicastBits, type VfData } from "./igb-vf-pools.ts";
import {
  addressFromWords,
  addressWords,
  E1000_PF_CONTROL_MSG,
  E1000_VF_MAC_FILTER_ADD,
  E1000_VF_MAC_FILTER_CLR,
  E1000_VF_RESET,
  E1000_VF_SET_LPE,
  E1000_VF_SET_MAC_ADDR,
  E1000_VF_SET_MULTICAST,
  E1000_VF_SET_PROMISC,
  E1000_VF_SET_PROMISC_MULTICAST,
  E1000_VF_SET_VLAN,
  E1000_VT_MSGINFO_MASK,
  E1000_VT_MSGINFO_SHIFT,
  E1000_VT_MSGTYPE_ACK,
  E1000_VT_MSGTYPE_CTS,
  E1000_VT_MSGTYPE_NACK,
  isValidAddress,
  isZeroAddress,
} from "./mailbox-messages.ts";
import { PfMailbox } from "./pf-mailbox.ts";
import { areRequestMessages, describeRequest, requestMessages } from "./vf-request-messages.ts";

const E1000_VMOLR_RLPML_MASK = 0x3fff;
const E1000_VMOLR_LPE = 0x0001_0000;
const E1000_VMOLR_ROMPE = 0x0200_0000;
const E1000_VMOLR_ROPE = 0x0400_0000;
const E1000_VMOLR_MPME = 0x1000_0000;
const MAX_JUMBO_FRAME_SIZE = 0x2600;
const E1000_VLVF_VLANID_MASK = 0xfff;
const RAR_ENTRIES = 24;
const IGB_PF_MAC_FILTERS_RESERVED = 3;
/** 2 * HZ: a VF that is not let talk is told so no more often. */
const NACK_INTERVAL_NS = 2_000_000_000;
/** The second line of one record (dev_warn with a line break in it). */
const RELOAD = "Reload the VF driver to resume operations";

/** What VFs ask of igb by their mailboxes, and what it tells them (igb_msg_task and below, igb_main.c). */
export class IgbVfRequests {
  readonly #pools: IgbVfPools;
  readonly #mailbox: PfMailbox;
  /** Further unicast addresses that VFs asked for (vf_macs); undefined: free. */
  readonly #macFilters: ({ vf: number; address: Uint8Array } | undefined)[];

  constructor(pools: IgbVfPools) {
    this.#pools = pools;
    this.#mailbox = new PfMailbox(pools.mmio);
    this.#macFilters = Array.from({ length: RAR_ENTRIES - 1 - IGB_PF_MAC_FILTERS_RESERVED - pools.vfs.length });
  }

  /** igb_msg_task: what VFs have done since. */
  handleMessages(): void {
    this.#pools.vfs.forEach((data, vf) => {
      if (this.#mailbox.hasReset(vf)) this.#resetEvent(vf, data);
      if (this.#mailbox.hasMessage(vf)) this.#receive(vf, data);
      if (this.#mailbox.hasAck(vf)) this.#receiveAck(vf, data);
    });
  }

  /** igb_ping_all_vfs: the link or the PF has changed. */
  pingAll(): void {
    this.#pools.vfs.forEach(({ clearToSend }, vf) => {
      this.#mailbox.write(vf, [E1000_PF_CONTROL_MSG | (clearToSend ? E1000_VT_MSGTYPE_CTS : 0)]);
    });
  }

  /** The part of igb_reset that is about VFs: they must reset themselves before they are let talk again. */
  beforeReset(): void {
    for (const data of this.#pools.vfs) {
      data.clearToSend = false;
      data.multicastPromiscuous = false;
    }
    this.pingAll();
    this.#pools.mmio.write32(E1000.VFRE, 0);
    this.#pools.mmio.write32(E1000.VFTE, 0);
  }

  /** What a VF's software has of its PF by asking: it goes along where the VF's state is moved. */
  of(vf: number): readonly (readonly number[])[] {
    const data = this.#pools.vfs[vf];
    if (data === undefined) return [];
    const frameSize = this.#frameSize(vf);
    return requestMessages({
      ...data,
      macFilters: this.#macFilters.flatMap((filter) => (filter?.vf === vf ? [filter.address] : [])),
      maximumFrame: (frameSize & E1000_VMOLR_LPE) === 0 ? 0 : frameSize & E1000_VMOLR_RLPML_MASK,
      // What the administrator put it into is not the VF's to ask for.
      vlans: this.#pools.host.filters.vlansOf(vf).filter((vid) => vid !== 0 && vid !== data.vlan),
    });
  }

  /**
   * Has a VF that was reset be as if its driver had sent these messages: by the rules that this administrator has set.
   * @returns what it may not have, and then it has nothing of it
   */
  assume(vf: number, messages: unknown): string | undefined {
    const data = this.#pools.vfs[vf];
    if (data === undefined || !areRequestMessages(messages)) return "no requests of a VF";
    const before = data.address;
    const frameSize = this.#frameSize(vf);
    this.#pools.reset(vf, data);
    this.#enable(vf, data);
    for (const message of messages) {
      if (hasAddressOf(data, message) || this.#handle(vf, data, [...message])) continue;
      this.#pools.reset(vf, data);
      this.#pools.setAddress(vf, before);
      this.#clearMacFilters(vf);
      this.#setFrameSize(vf, frameSize);
      this.#disable(vf);
      return `the PF does not let VF ${vf} have ${describeRequest(message)}`;
    }
    return undefined;
  }

  /** Takes out of the filters what a VF that was reset had asked for, which igb leaves there: nobody answers to it any more. */
  release(vf: number): void {
    this.#clearMacFilters(vf);
    if (this.#pools.vfs[vf]?.pfSetMac === false) this.#pools.setAddress(vf, new Uint8Array(6));
  }

  #clearMacFilters(vf: number): void {
    this.#macFilters.forEach((filter, index) => {
      if (filter?.vf !== vf) return;
      this.#macFilters[index] = undefined;
      this.#pools.host.filters.removeAddress(filter.address, vf);
    });
  }

  /** igb_vf_reset_event. */
  #resetEvent(vf: number, data: VfData): void {
    if (!data.pfSetMac) data.address = new Uint8Array(6);
    this.#pools.reset(vf, data);
  }

  /** igb_vf_reset_msg: the VF may send and receive, and is told its address. */
  #resetMessage(vf: number, data: VfData): void {
    this.#pools.reset(vf, data);
    this.#enable(vf, data);
    const answer = isZeroAddress(data.address) ? E1000_VT_MSGTYPE_NACK : E1000_VT_MSGTYPE_ACK;
    this.#mailbox.write(vf, [E1000_VF_RESET | answer, ...addressWords(data.address)]);
  }

  #enable(vf: number, data: VfData): void {
    this.#pools.setAddress(vf, data.address);
    this.#pools.mmio.write32(E1000.VFTE, this.#pools.mmio.read32(E1000.VFTE) | (1 << vf));
    this.#pools.mmio.write32(E1000.VFRE, this.#pools.mmio.read32(E1000.VFRE) | (1 << vf));
    data.clearToSend = true;
  }

  /** As igb leaves a VF that has not reset itself yet. */
  #disable(vf: number): void {
    const { mmio } = this.#pools;
    for (const register of [E1000.VFTE, E1000.VFRE]) mmio.write32(register, mmio.read32(register) & ~(1 << vf));
  }

  /** The bits of VMOLR about the largest frame. */
  #frameSize(vf: number): number {
    return this.#pools.mmio.read32(E1000.VMOLR + vf * 4) & (E1000_VMOLR_LPE | E1000_VMOLR_RLPML_MASK);
  }

  #setFrameSize(vf: number, bits: number): void {
    const register = E1000.VMOLR + vf * 4;
    const kept = this.#pools.mmio.read32(register) & ~(E1000_VMOLR_LPE | E1000_VMOLR_RLPML_MASK);
    this.#pools.mmio.write32(register, (kept | bits) >>> 0);
  }

  /** igb_rcv_msg_from_vf. */
  #receive(vf: number, data: VfData): void {
    const message = this.#mailbox.read(vf);
    const mayNack = this.#pools.host.clock.nowNs > data.lastNackNs + NACK_INTERVAL_NS;
    if (message === undefined) {
      this.#pools.host.log("Error receiving message from VF");
      data.clearToSend = false;
      if (mayNack) this.#mailbox.write(vf, [E1000_VT_MSGTYPE_NACK]);
      else this.#mailbox.unlock(vf);
      return;
    }
    const type = message[0] as number;
    if ((type & (E1000_VT_MSGTYPE_ACK | E1000_VT_MSGTYPE_NACK)) !== 0) {
      this.#mailbox.unlock(vf);
    } else if (type === E1000_VF_RESET) {
      this.#resetMessage(vf, data);
    } else if (data.clearToSend) {
      const accepted = this.#handle(vf, data, message);
      const first = (message[0] as number) | E1000_VT_MSGTYPE_CTS;
      this.#mailbox.write(vf, [first | (accepted ? E1000_VT_MSGTYPE_ACK : E1000_VT_MSGTYPE_NACK)]);
    } else if (mayNack) {
      this.#mailbox.write(vf, [type | E1000_VT_MSGTYPE_NACK]);
    } else {
      this.#mailbox.unlock(vf);
    }
  }

  /** igb_rcv_ack_from_vf. */
  #receiveAck(vf: number, data: VfData): void {
    if (data.clearToSend || this.#pools.host.clock.nowNs <= data.lastNackNs + NACK_INTERVAL_NS) return;
    this.#mailbox.write(vf, [E1000_VT_MSGTYPE_NACK]);
    data.lastNackNs = this.#pools.host.clock.nowNs;
  }

  /** @returns whether the VF gets what it asks for */
  #handle(vf: number, data: VfData, message: number[]): boolean {
    const type = message[0] as number;
    const info = type & E1000_VT_MSGINFO_MASK;
    const address = addressFromWords(message[1] as number, message[2] as number);
    switch (type & 0xffff) {
      case E1000_VF_SET_MAC_ADDR:
        return info === 0 ? this.#requestMac(vf, data, address) : this.#requestMacFilter(vf, data, info, address);
      case E1000_VF_SET_PROMISC:
        return this.#requestPromiscuous(vf, data, message);
      case E1000_VF_SET_MULTICAST:
        return this.#requestMulticast(data, info >> E1000_VT_MSGINFO_SHIFT, message);
      case E1000_VF_SET_LPE:
        return this.#requestMaximumFrame(vf, message[1] as number);
      case E1000_VF_SET_VLAN:
        return this.#requestVlan(vf, data, info !== 0, (message[1] as number) & E1000_VLVF_VLANID_MASK);
      default:
        this.#pools.host.log(`Unhandled Msg ${type.toString(16).padStart(8, "0")}`);
        return false;
    }
  }

  /** igb_set_vf_mac_addr. */
  #requestMac(vf: number, data: VfData, address: Uint8Array): boolean {
    if (data.pfSetMac && !data.trusted) {
      this.#pools.host.log(`VF ${vf} attempted to override administratively set MAC address\n${RELOAD}`);
      return false;
    }
    if (!isValidAddress(address)) {
      this.#pools.host.log(`VF ${vf} attempted to set invalid MAC`);
      return false;
    }
    this.#pools.setAddress(vf, address);
    return true;
  }

  /** igb_set_vf_mac_filter. */
  #requestMacFilter(vf: number, data: VfData, info: number, address: Uint8Array): boolean {
    if (data.pfSetMac && !data.trusted) {
      this.#pools.host.log(`VF ${vf} requested MAC filter but is administratively denied`);
      return false;
    }
    if (!isValidAddress(address)) {
      this.#pools.host.log(`VF ${vf} attempted to set invalid MAC filter`);
      return false;
    }
    if (info === E1000_VF_MAC_FILTER_CLR) {
      this.#clearMacFilters(vf);
      return true;
    }
    if (info !== E1000_VF_MAC_FILTER_ADD) return false;
    const free = this.#macFilters.indexOf(undefined);
    if (free >= 0) this.#macFilters[free] = { vf, address };
    if (free >= 0 && this.#pools.host.filters.addAddress(address, vf)) return true;
    this.#pools.host.log(`VF ${vf} has requested MAC filter but there is no space for it`);
    return false;
  }

  /** igb_set_vf_promisc: of multicast only. */
  #requestPromiscuous(vf: number, data: VfData, message: number[]): boolean {
    data.multicastPromiscuous = ((message[0] as number) & E1000_VF_SET_PROMISC_MULTICAST) !== 0;
    if (data.multicastPromiscuous) message[0] = ((message[0] as number) & ~E1000_VF_SET_PROMISC_MULTICAST) >>> 0;
    const register = E1000.VMOLR + vf * 4;
    const vmolr = this.#pools.mmio.read32(register) & ~(E1000_VMOLR_ROPE | E1000_VMOLR_ROMPE | E1000_VMOLR_MPME);
    this.#pools.mmio.write32(register, (vmolr | multicastBits(data)) >>> 0);
    return ((message[0] as number) & E1000_VT_MSGINFO_MASK) === 0;
  }

  /** igb_set_vf_multicasts: two hashes a word. */
  #requestMulticast(data: VfData, count: number, message: readonly number[]): boolean {
    data.multicastCount = count;
    data.multicastHashes = Array.from(
      { length: Math.min(count, MULTICAST_HASHES) },
      (_, index) => ((message[1 + (index >> 1)] as number) >>> ((index & 1) * 16)) & 0xffff,
    );
    this.#pools.host.setRxMode();
    return true;
  }

  /** igb_set_vf_rlpml. */
  #requestMaximumFrame(vf: number, size: number): boolean {
    this.#setFrameSize(vf, Math.min(size, MAX_JUMBO_FRAME_SIZE) | E1000_VMOLR_LPE);
    return true;
  }

  /** igb_set_vf_vlan_msg. */
  #requestVlan(vf: number, data: VfData, on: boolean, vid: number): boolean {
    if (data.vlan !== 0) {
      this.#pools.host.log(`VF ${vf} attempted to override administratively set VLAN tag\n${RELOAD}`);
      return false;
    }
    if (vid === 0 && !on) return true;
    if (!this.#pools.setVlan(vid, on, vf)) return false;
    this.#pools.setVlanStrip(vf, vid !== 0);
    return true;
  }
}

/** An address that the administrator has given it already is nothing to ask for: igb would refuse even that. */
function hasAddressOf(data: VfData, message: readonly number[]): boolean {
  const address = addressFromWords(message[1] ?? 0, message[2] ?? 0);
  return message[0] === E1000_VF_SET_MAC_ADDR && data.address.every((byte, index) => byte === address[index]);
}
