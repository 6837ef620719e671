import type { ModelClock } from "../clock.ts";
import { E1000 } from "../nic/registers-82576.ts";
import type { IgbFilters } from "./igb-filters.ts";
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
import type { Mmio } from "./mmio.ts";
import { PfMailbox } from "./pf-mailbox.ts";
import { areRequestMessages, describeRequest, requestMessages } from "./vf-request-messages.ts";

const E1000_VMOLR_RLPML_MASK = 0x3fff;
const E1000_VMOLR_LPE = 0x0001_0000;
const E1000_VMOLR_RSSE = 0x0002_0000;
const E1000_VMOLR_AUPE = 0x0100_0000;
const E1000_VMOLR_ROMPE = 0x0200_0000;
const E1000_VMOLR_ROPE = 0x0400_0000;
const E1000_VMOLR_BAM = 0x0800_0000;
const E1000_VMOLR_MPME = 0x1000_0000;
const E1000_VMOLR_STRVLAN = 0x4000_0000;
const E1000_VMVIR_VLANA_DEFAULT = 0x4000_0000;
const E1000_RTTBCNRC_RS_ENA = 0x8000_0000;
const E1000_STATUS_LU = 0x2;
const MAX_JUMBO_FRAME_SIZE = 0x2600;
const E1000_VLVF_VLANID_MASK = 0xfff;
const VLAN_PRIO_SHIFT = 13;
const ETH_P_8021Q = 0x8100;
const MULTICAST_HASHES = 30;
const RAR_ENTRIES = 24;
const IGB_PF_MAC_FILTERS_RESERVED = 3;
const LINK_MBPS = 1000;
/** 2 * HZ: a VF that is not let talk is told so no more often. */
const NACK_INTERVAL_NS = 2_000_000_000;

/** How the kernel's calls fail; undefined where they do not. */
export type IgbErrno = "EINVAL" | "EOPNOTSUPP" | "EPERM" | "EPROTONOSUPPORT" | "ENOSPC" | "ENOENT";

/** struct vf_data_storage. */
interface VfData {
  address: Uint8Array;
  multicastHashes: number[];
  /** As many as the VF asked for, which may be more than are kept. */
  multicastCount: number;
  clearToSend: boolean;
  multicastPromiscuous: boolean;
  pfSetMac: boolean;
  lastNackNs: number;
  vlan: number;
  qos: number;
  maxTxRateMbps: number;
  spoofChecked: boolean;
  trusted: boolean;
}

/** struct ifla_vf_info, as igb_ndo_get_vf_config fills it in. */
export interface IgbVfConfig {
  readonly address: Uint8Array;
  readonly vlan: number;
  readonly qos: number;
  readonly maxTxRateMbps: number;
  readonly spoofChecked: boolean;
  readonly trusted: boolean;
}

/** What VF control needs of the PF's driver. */
export interface VfControlHost {
  readonly mmio: Mmio;
  readonly filters: IgbFilters;
  readonly clock: ModelClock;
  /** VLANs that the PF itself is in. */
  readonly activeVlans: ReadonlySet<number>;
  readonly isDown: () => boolean;
  readonly log: (text: string) => void;
  /** igb_set_rx_mode. */
  readonly setRxMode: () => void;
}

/** igb's hold over its VFs (igb_main.c): what the kernel asks for by rtnetlink, and what VFs ask for by mailbox. */
export class IgbVfControl {
  readonly #host: VfControlHost;
  readonly #mmio: Mmio;
  readonly #mailbox: PfMailbox;
  readonly #vfs: VfData[];
  /** Further unicast addresses that VFs asked for (vf_macs); undefined: free. */
  readonly #macFilters: ({ vf: number; address: Uint8Array } | undefined)[];
  #rateLinkSpeed = 0;

  constructor(host: VfControlHost, numVfs: number) {
    this.#host = host;
    this.#mmio = host.mmio;
    this.#mailbox = new PfMailbox(host.mmio);
    this.#vfs = Array.from({ length: numVfs }, () => ({
      address: new Uint8Array(6),
      multicastHashes: [],
      multicastCount: 0,
      clearToSend: false,
      multicastPromiscuous: false,
      pfSetMac: false,
      lastNackNs: Number.NEGATIVE_INFINITY,
      vlan: 0,
      qos: 0,
      maxTxRateMbps: 0,
      spoofChecked: true,
      trusted: false,
    }));
    this.#macFilters = Array.from({ length: RAR_ENTRIES - 1 - IGB_PF_MAC_FILTERS_RESERVED - numVfs });
    host.log(`${numVfs} VFs allocated`);
    // igb_vf_configure.
    for (let vf = 0; vf < numVfs; vf++) this.#setVfAddress(vf, new Uint8Array(6));
  }

  /** igb_msg_task: what VFs have done since. */
  handleMessages(): void {
    this.#vfs.forEach((data, vf) => {
      if (this.#mailbox.hasReset(vf)) this.#resetEvent(vf, data);
      if (this.#mailbox.hasMessage(vf)) this.#receive(vf, data);
      if (this.#mailbox.hasAck(vf)) this.#receiveAck(vf, data);
    });
  }

  /** igb_ping_all_vfs: the link or the PF has changed. */
  pingAll(): void {
    this.#vfs.forEach(({ clearToSend }, vf) => {
      this.#mailbox.write(vf, [E1000_PF_CONTROL_MSG | (clearToSend ? E1000_VT_MSGTYPE_CTS : 0)]);
    });
  }

  /** The part of igb_reset that is about VFs: they must reset themselves before they are let talk again. */
  beforeReset(): void {
    for (const data of this.#vfs) {
      data.clearToSend = false;
      data.multicastPromiscuous = false;
    }
    this.pingAll();
    this.#mmio.write32(E1000.VFRE, 0);
    this.#mmio.write32(E1000.VFTE, 0);
  }

  /** igb_restore_vf_multicasts. @returns the hashes that belong into MTA beside the PF's */
  restoreMulticasts(): readonly number[] {
    return this.#vfs.flatMap((data, vf) => {
      const vmolr = this.#mmio.read32(E1000.VMOLR + vf * 4) & ~(E1000_VMOLR_ROMPE | E1000_VMOLR_MPME);
      this.#mmio.write32(E1000.VMOLR + vf * 4, (vmolr | multicastBits(data)) >>> 0);
      return data.multicastCount > MULTICAST_HASHES || data.multicastPromiscuous ? [] : data.multicastHashes;
    });
  }

  /** igb_ndo_set_vf_mac: zero gives the choice back to the VF. */
  setMac(vf: number, address: Uint8Array): IgbErrno | undefined {
    const data = this.#vfs[vf];
    if (data === undefined) return "EINVAL";
    if (isZeroAddress(address)) {
      data.pfSetMac = false;
      this.#host.log(`remove administratively set MAC on VF ${vf}`);
    } else if (isValidAddress(address)) {
      data.pfSetMac = true;
      this.#host.log(`setting MAC ${formatAddress(address)} on VF ${vf}`);
      this.#host.log("Reload the VF driver to make this change effective.");
      if (this.#host.isDown()) this.#warnDown("The VF MAC address has been set, but the PF device is not up.");
    } else {
      return "EINVAL";
    }
    this.#setVfAddress(vf, address);
    return undefined;
  }

  /** igb_ndo_set_vf_vlan. */
  setVlan(vf: number, vlan: number, qos: number, protocol = ETH_P_8021Q): IgbErrno | undefined {
    const data = this.#vfs[vf];
    if (data === undefined || vlan > 4095 || qos > 7) return "EINVAL";
    if (protocol !== ETH_P_8021Q) return "EPROTONOSUPPORT";
    return vlan !== 0 || qos !== 0 ? this.#enablePortVlan(vf, data, vlan, qos) : this.#disablePortVlan(vf, data);
  }

  /** igb_ndo_set_vf_bw. */
  setRate(vf: number, minTxRateMbps: number, maxTxRateMbps: number): IgbErrno | undefined {
    if (minTxRateMbps !== 0) return "EINVAL";
    const data = this.#vfs[vf];
    const linkUp = (this.#mmio.read32(E1000.STATUS) & E1000_STATUS_LU) !== 0;
    if (data === undefined || !linkUp || maxTxRateMbps < 0 || maxTxRateMbps > LINK_MBPS) return "EINVAL";
    this.#rateLinkSpeed = LINK_MBPS;
    data.maxTxRateMbps = maxTxRateMbps;
    this.#setRateLimit(vf, maxTxRateMbps);
    return undefined;
  }

  /** igb_check_vf_rate_limit, when the link has come up. */
  checkRateLimits(): void {
    if (this.#rateLinkSpeed === 0) return;
    this.#vfs.forEach(({ maxTxRateMbps }, vf) => {
      this.#setRateLimit(vf, maxTxRateMbps);
    });
  }

  /** igb_ndo_set_vf_spoofchk. */
  setSpoofCheck(vf: number, on: boolean): IgbErrno | undefined {
    const data = this.#vfs[vf];
    if (data === undefined) return "EINVAL";
    const bits = (1 << vf) | (1 << (vf + 8));
    const value = this.#mmio.read32(E1000.DTXSWC);
    this.#mmio.write32(E1000.DTXSWC, (on ? value | bits : value & ~bits) >>> 0);
    data.spoofChecked = on;
    return undefined;
  }

  /** igb_ndo_set_vf_trust. */
  setTrust(vf: number, on: boolean): IgbErrno | undefined {
    const data = this.#vfs[vf];
    if (data === undefined) return "EINVAL";
    if (data.trusted === on) return undefined;
    data.trusted = on;
    this.#host.log(`VF ${vf} is ${on ? "" : "not "}trusted`);
    return undefined;
  }

  /** igb_ndo_get_vf_config. */
  config(vf: number): IgbVfConfig | undefined {
    const data = this.#vfs[vf];
    if (data === undefined) return undefined;
    const { address, vlan, qos, maxTxRateMbps, spoofChecked, trusted } = data;
    return { address, vlan, qos, maxTxRateMbps, spoofChecked, trusted };
  }

  /** What a VF's software has of its PF by asking: it goes along where the VF's state is moved. */
  requestsOf(vf: number): readonly (readonly number[])[] {
    const data = this.#vfs[vf];
    if (data === undefined) return [];
    const vmolr = this.#mmio.read32(E1000.VMOLR + vf * 4);
    return requestMessages({
      ...data,
      macFilters: this.#macFilters.flatMap((filter) => (filter?.vf === vf ? [filter.address] : [])),
      maximumFrame: (vmolr & E1000_VMOLR_LPE) === 0 ? 0 : vmolr & E1000_VMOLR_RLPML_MASK,
      // What the administrator put it into is not the VF's to ask for.
      vlans: this.#host.filters.vlansOf(vf).filter((vid) => vid !== 0 && vid !== data.vlan),
    });
  }

  /**
   * Has a VF that was reset be as if its driver had sent these messages: by the rules that this administrator has set.
   * @returns what it may not have, and then it has nothing of it
   */
  assume(vf: number, messages: unknown): string | undefined {
    const data = this.#vfs[vf];
    if (data === undefined || !areRequestMessages(messages)) return "no requests of a VF";
    const before = data.address;
    this.#reset(vf, data);
    this.#enable(vf, data);
    for (const message of messages) {
      if (this.#has(data, message) || this.#handle(vf, data, [...message])) continue;
      this.#reset(vf, data);
      this.#setVfAddress(vf, before);
      this.#clearMacFilters(vf);
      return `the PF does not let VF ${vf} have ${describeRequest(message)}`;
    }
    return undefined;
  }

  /** Takes out of the filters what a VF that was reset had asked for, which igb leaves there: nobody answers to it any more. */
  release(vf: number): void {
    this.#clearMacFilters(vf);
    if (this.#vfs[vf]?.pfSetMac === false) this.#setVfAddress(vf, new Uint8Array(6));
  }

  #clearMacFilters(vf: number): void {
    this.#macFilters.forEach((filter, index) => {
      if (filter?.vf !== vf) return;
      this.#macFilters[index] = undefined;
      this.#host.filters.removeAddress(filter.address, vf);
    });
  }

  /** An address that the administrator has given it already is nothing to ask for: igb would refuse even that. */
  #has(data: VfData, message: readonly number[]): boolean {
    const address = addressFromWords(message[1] ?? 0, message[2] ?? 0);
    return message[0] === E1000_VF_SET_MAC_ADDR && data.address.every((byte, index) => byte === address[index]);
  }

  /** igb_set_vmolr: broadcasts always, untagged frames as asked for. */
  setVmolr(pool: number, acceptUntagged: boolean): void {
    const register = E1000.VMOLR + pool * 4;
    const value = this.#mmio.read32(register) & ~(E1000_VMOLR_AUPE | E1000_VMOLR_RSSE);
    this.#mmio.write32(register, (value | E1000_VMOLR_BAM | (acceptUntagged ? E1000_VMOLR_AUPE : 0)) >>> 0);
  }

  /** igb_set_vf_vlan_strip. */
  setVlanStrip(pool: number, on: boolean): void {
    const register = E1000.VMOLR + pool * 4;
    const value = this.#mmio.read32(register);
    this.#mmio.write32(register, (on ? value | E1000_VMOLR_STRVLAN : value & ~E1000_VMOLR_STRVLAN) >>> 0);
  }

  #warnDown(what: string): void {
    this.#host.log(what);
    this.#host.log("Bring the PF device up before attempting to use the VF device.");
  }

  #setVfAddress(vf: number, address: Uint8Array): void {
    (this.#vfs[vf] as VfData).address = address;
    this.#host.filters.setVfAddress(vf, address);
  }

  /** igb_set_vf_vlan: the PF stays in a VLAN that it is in too. */
  #setVfVlan(vid: number, on: boolean, vf: number): boolean {
    const { filters, activeVlans } = this.#host;
    if (on && activeVlans.has(vid) && !filters.setVlan(vid, filters.vfsAllocatedCount, true, false)) return false;
    const done = filters.setVlan(vid, vf, on, false);
    if (on && done) return true;
    if (activeVlans.has(vid)) filters.releasePfVlan(vid);
    return done;
  }

  #enablePortVlan(vf: number, data: VfData, vlan: number, qos: number): IgbErrno | undefined {
    if (!this.#setVfVlan(vlan, true, vf)) return "ENOSPC";
    this.#setVmvir(vf, vlan | (qos << VLAN_PRIO_SHIFT));
    this.setVmolr(vf, vlan === 0);
    if (vlan !== data.vlan) this.#setVfVlan(data.vlan, false, vf);
    data.vlan = vlan;
    data.qos = qos;
    this.setVlanStrip(vf, true);
    this.#host.log(`Setting VLAN ${vlan}, QOS 0x${qos.toString(16)} on VF ${vf}`);
    if (this.#host.isDown()) this.#warnDown("The VF VLAN has been set, but the PF device is not up.");
    return undefined;
  }

  #disablePortVlan(vf: number, data: VfData): undefined {
    // Frames without a tag again, by way of VLAN 0.
    this.#setVfVlan(0, true, vf);
    this.#setVmvir(vf, 0);
    this.setVmolr(vf, true);
    if (data.vlan !== 0) this.#setVfVlan(data.vlan, false, vf);
    data.vlan = 0;
    data.qos = 0;
    this.setVlanStrip(vf, false);
  }

  #setVmvir(vf: number, tag: number): void {
    this.#mmio.write32(E1000.VMVIR + vf * 4, tag === 0 ? 0 : tag | E1000_VMVIR_VLANA_DEFAULT);
  }

  /** igb_set_vf_rate_limit: the link's speed over the rate, with 14 bits of fraction. */
  #setRateLimit(vf: number, rateMbps: number): void {
    let value = 0;
    if (rateMbps !== 0) {
      const integer = Math.floor(LINK_MBPS / rateMbps);
      const fraction = Math.floor(((LINK_MBPS - integer * rateMbps) * (1 << 14)) / rateMbps);
      value = (E1000_RTTBCNRC_RS_ENA | ((integer & 0x3fff) << 14) | (fraction & 0x3fff)) >>> 0;
    }
    this.#mmio.write32(E1000.RTTDQSEL, vf);
    this.#mmio.write32(E1000.RTTBCNRM, 0x14);
    this.#mmio.write32(E1000.RTTBCNRC, value);
  }

  /** igb_vf_reset. */
  #reset(vf: number, data: VfData): void {
    data.clearToSend = false;
    data.multicastPromiscuous = false;
    data.lastNackNs = this.#host.clock.nowNs;
    this.#host.filters.clearVfVlans(vf);
    this.#setVfVlan(data.vlan, true, vf);
    this.#setVmvir(vf, data.vlan | (data.qos << VLAN_PRIO_SHIFT));
    this.setVmolr(vf, data.vlan === 0);
    this.setVlanStrip(vf, data.vlan !== 0);
    data.multicastCount = 0;
    data.multicastHashes = [];
    this.#host.setRxMode();
  }

  /** igb_vf_reset_event. */
  #resetEvent(vf: number, data: VfData): void {
    if (!data.pfSetMac) data.address = new Uint8Array(6);
    this.#reset(vf, data);
  }

  /** igb_vf_reset_msg: the VF may send and receive, and is told its address. */
  #resetMessage(vf: number, data: VfData): void {
    this.#reset(vf, data);
    this.#enable(vf, data);
    const answer = isZeroAddress(data.address) ? E1000_VT_MSGTYPE_NACK : E1000_VT_MSGTYPE_ACK;
    this.#mailbox.write(vf, [E1000_VF_RESET | answer, ...addressWords(data.address)]);
  }

  #enable(vf: number, data: VfData): void {
    this.#setVfAddress(vf, data.address);
    this.#mmio.write32(E1000.VFTE, this.#mmio.read32(E1000.VFTE) | (1 << vf));
    this.#mmio.write32(E1000.VFRE, this.#mmio.read32(E1000.VFRE) | (1 << vf));
    data.clearToSend = true;
  }

  /** igb_rcv_msg_from_vf. */
  #receive(vf: number, data: VfData): void {
    const message = this.#mailbox.read(vf);
    const mayNack = this.#host.clock.nowNs > data.lastNackNs + NACK_INTERVAL_NS;
    if (message === undefined) {
      this.#host.log("Error receiving message from VF");
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
    if (data.clearToSend || this.#host.clock.nowNs <= data.lastNackNs + NACK_INTERVAL_NS) return;
    this.#mailbox.write(vf, [E1000_VT_MSGTYPE_NACK]);
    data.lastNackNs = this.#host.clock.nowNs;
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
        this.#host.log(`Unhandled Msg ${type.toString(16).padStart(8, "0")}`);
        return false;
    }
  }

  /** igb_set_vf_mac_addr. */
  #requestMac(vf: number, data: VfData, address: Uint8Array): boolean {
    if (data.pfSetMac && !data.trusted) {
      this.#host.log(`VF ${vf} attempted to override administratively set MAC address`);
      this.#host.log("Reload the VF driver to resume operations");
      return false;
    }
    if (!isValidAddress(address)) {
      this.#host.log(`VF ${vf} attempted to set invalid MAC`);
      return false;
    }
    this.#setVfAddress(vf, address);
    return true;
  }

  /** igb_set_vf_mac_filter. */
  #requestMacFilter(vf: number, data: VfData, info: number, address: Uint8Array): boolean {
    if (data.pfSetMac && !data.trusted) {
      this.#host.log(`VF ${vf} requested MAC filter but is administratively denied`);
      return false;
    }
    if (!isValidAddress(address)) {
      this.#host.log(`VF ${vf} attempted to set invalid MAC filter`);
      return false;
    }
    if (info === E1000_VF_MAC_FILTER_CLR) {
      this.#clearMacFilters(vf);
      return true;
    }
    if (info !== E1000_VF_MAC_FILTER_ADD) return false;
    const free = this.#macFilters.indexOf(undefined);
    if (free >= 0) this.#macFilters[free] = { vf, address };
    if (free >= 0 && this.#host.filters.addAddress(address, vf)) return true;
    this.#host.log(`VF ${vf} has requested MAC filter but there is no space for it`);
    return false;
  }

  /** igb_set_vf_promisc: of multicast only. */
  #requestPromiscuous(vf: number, data: VfData, message: number[]): boolean {
    data.multicastPromiscuous = ((message[0] as number) & E1000_VF_SET_PROMISC_MULTICAST) !== 0;
    if (data.multicastPromiscuous) message[0] = ((message[0] as number) & ~E1000_VF_SET_PROMISC_MULTICAST) >>> 0;
    const register = E1000.VMOLR + vf * 4;
    const vmolr = this.#mmio.read32(register) & ~(E1000_VMOLR_ROPE | E1000_VMOLR_ROMPE | E1000_VMOLR_MPME);
    this.#mmio.write32(register, (vmolr | multicastBits(data)) >>> 0);
    return ((message[0] as number) & E1000_VT_MSGINFO_MASK) === 0;
  }

  /** igb_set_vf_multicasts: two hashes a word. */
  #requestMulticast(data: VfData, count: number, message: readonly number[]): boolean {
    data.multicastCount = count;
    data.multicastHashes = Array.from(
      { length: Math.min(count, MULTICAST_HASHES) },
      (_, index) => ((message[1 + (index >> 1)] as number) >>> ((index & 1) * 16)) & 0xffff,
    );
    this.#host.setRxMode();
    return true;
  }

  /** igb_set_vf_rlpml. */
  #requestMaximumFrame(vf: number, size: number): boolean {
    const register = E1000.VMOLR + vf * 4;
    const value = this.#mmio.read32(register) & ~E1000_VMOLR_RLPML_MASK;
    this.#mmio.write32(register, (value | Math.min(size, MAX_JUMBO_FRAME_SIZE) | E1000_VMOLR_LPE) >>> 0);
    return true;
  }

  /** igb_set_vf_vlan_msg. */
  #requestVlan(vf: number, data: VfData, on: boolean, vid: number): boolean {
    if (data.vlan !== 0) {
      this.#host.log(`VF ${vf} attempted to override administratively set VLAN tag`);
      this.#host.log("Reload the VF driver to resume operations");
      return false;
    }
    if (vid === 0 && !on) return true;
    if (!this.#setVfVlan(vid, on, vf)) return false;
    this.setVlanStrip(vf, vid !== 0);
    return true;
  }
}

function multicastBits(data: VfData): number {
  if (data.multicastCount > MULTICAST_HASHES || data.multicastPromiscuous) return E1000_VMOLR_MPME;
  return data.multicastCount > 0 ? E1000_VMOLR_ROMPE : 0;
}

function formatAddress(address: Uint8Array): string {
  return [...address].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
