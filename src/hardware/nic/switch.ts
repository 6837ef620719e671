import type { FrameHeader } from "./frame-header.ts";
import type { RegisterFile } from "./register-file.ts";
import { DWORD, POOLS } from "./registers-82576.ts";

export const E1000_RCTL_EN = 0x0000_0002;
export const E1000_RCTL_VFE = 0x0004_0000;
const E1000_RAH_AV = 0x8000_0000;
const E1000_VLVF_VLANID_ENABLE = 0x8000_0000;
const E1000_VLVF_LVLAN = 0x0010_0000;
const E1000_VMOLR_AUPE = 0x0100_0000;
const E1000_VMOLR_ROMPE = 0x0200_0000;
const E1000_VMOLR_ROPE = 0x0400_0000;
const E1000_VMOLR_BAM = 0x0800_0000;
const E1000_VMOLR_MPME = 0x1000_0000;
const E1000_VT_CTL_DISABLE_DEF_POOL = 0x2000_0000;
export const E1000_VT_CTL_VM_REPL_EN = 0x4000_0000;
const E1000_DTXSWC_VMDQ_LOOPBACK_EN = 0x8000_0000;
const VMRCTL_POOL = 0x1;
const VMRCTL_UPLINK = 0x2;
const VMRCTL_DOWNLINK = 0x4;
const VMRCTL_VLAN = 0x8;

/** Receive addresses: where they begin, and how many there. */
const RECEIVE_ADDRESSES = [
  [DWORD.RAL, 16],
  [DWORD.RAL2, 8],
] as const;
/** Slots of the table of addresses: more than twice as many as there can be addresses. */
const SLOTS = 64;
const VIDS = 4096;
const VLAN_FILTERS = 32;
const MIRROR_RULES = 4;
const VID = 0xfff;
/** How far the last two bytes of an address are shifted to index MTA and UTA, by RCTL.MO. */
const HASH_SHIFTS = [4, 3, 2, 0] as const;

/** In a decision, beside a bit for each pool: to the network. */
export const TO_WIRE = 0x100;
/** The frame's origin, where it is no pool. */
export const FROM_WIRE = -1;

/**
 * Where frames go: the card's switch, with VMDq enabled (82576 data sheet §7.10.3: Rx packets switching; §7.10.3.6: Tx
 * packets switching; then mirroring). All that it looks at is in registers; from them it derives tables, anew when they have
 * changed, as the card's own are content-addressed.
 */
export class Switch {
  readonly #registers: RegisterFile;
  readonly #values: Uint32Array;
  #version = -1;
  /** Addresses by hash: their two parts, and their pools; no pools where a slot is free. */
  readonly #addressLow = new Int32Array(SLOTS);
  readonly #addressHigh = new Int32Array(SLOTS);
  readonly #addressPools = new Uint8Array(SLOTS);
  /** By VLAN: the pools that are in it, which filters have it, whether it is the card's own only. */
  readonly #vlanPools = new Uint8Array(VIDS);
  readonly #vlanFilters = new Uint32Array(VIDS);
  readonly #localVlan = new Uint8Array(VIDS);
  // Pools by what VMOLR lets them have.
  #untagged = 0;
  #broadcast = 0;
  #hashedMulticast = 0;
  #allMulticast = 0;
  #hashedUnicast = 0;
  #default = 0;
  #replicates = false;
  #filtersVlans = false;
  #loopback = false;
  #mirrors = false;

  constructor(registers: RegisterFile) {
    this.#registers = registers;
    this.#values = registers.values;
  }

  /**
   * Where a frame goes.
   * @param origin the pool that sends it, or FROM_WIRE
   * @returns a bit for each pool that gets it, and TO_WIRE
   */
  decide(header: FrameHeader, origin: number): number {
    if (this.#registers.version !== this.#version) this.#derive();
    const values = this.#values;
    const local = origin !== FROM_WIRE;
    if (local && !this.#loopback) return TO_WIRE;
    const vid = header.tag & VID;
    const tagged = header.tag >= 0;
    if (this.#filtersVlans && tagged && ((values[DWORD.VFTA + (vid >> 5)] as number) & (1 << (vid & 31))) === 0) {
      return local ? TO_WIRE : 0;
    }
    const exact = this.addressPools(header.destinationLow, header.destinationHigh);
    let pools = header.multicast ? this.#groupPools(header, exact) : exact;
    if (pools === 0 && !header.multicast && hashHit(values, DWORD.UTA, header)) pools = this.#hashedUnicast;
    // Source pruning, unless DTXSWC.LLE lets the pool hear itself.
    if (local) pools &= ~(1 << origin) | ((values[DWORD.DTXSWC] as number) >>> 16);
    if (this.#filtersVlans) pools &= tagged ? (this.#vlanPools[vid] as number) : this.#untagged;
    // A frame from a pool is not sent to the default pool, but to the network.
    if (!local && !header.multicast && pools === 0) pools = this.#default;
    pools &= values[DWORD.VFRE] as number;
    const toWire = local && (header.multicast || exact === 0) && !(tagged && this.#localVlan[vid] === 1);
    const decision = toWire ? pools | TO_WIRE : pools;
    if (!this.#mirrors) return decision;
    return decision | (this.#mirrorPools(header.tag, decision, local) & (values[DWORD.VFRE] as number));
  }

  /** Whether a pool's frame has a source address or VLAN that is not its own (DTXSWC: MACAS, VLANAS). */
  isSpoofed(header: FrameHeader, pool: number): boolean {
    if (this.#registers.version !== this.#version) this.#derive();
    const control = this.#values[DWORD.DTXSWC] as number;
    const bit = 1 << pool;
    if ((control & bit) !== 0 && (this.addressPools(header.sourceLow, header.sourceHigh) & bit) === 0) return true;
    if ((control & (bit << 8)) === 0 || header.tag < 0) return false;
    return ((this.#vlanPools[header.tag & VID] as number) & bit) === 0;
  }

  /** The pools that an address belongs to, by the exact filters RAL and RAH. */
  addressPools(low: number, high: number): number {
    for (let slot = slotOf(low, high); this.#addressPools[slot] !== 0; slot = (slot + 1) % SLOTS) {
      if (this.#addressLow[slot] === low && this.#addressHigh[slot] === high) return this.#addressPools[slot] as number;
    }
    return 0;
  }

  /** The pools of a broadcast or multicast frame, before VLANs. Without replication only one can have it. */
  #groupPools(header: FrameHeader, exact: number): number {
    if (header.broadcast) return this.#replicates ? this.#broadcast : this.#default;
    if (!this.#replicates) return exact === 0 ? this.#default : exact;
    const hashed = exact === 0 && hashHit(this.#values, DWORD.MTA, header) ? this.#hashedMulticast : exact;
    return hashed | this.#allMulticast;
  }

  /** The pools that mirror rules add to a decision. */
  #mirrorPools(tag: number, decision: number, local: boolean): number {
    const values = this.#values;
    let pools = 0;
    for (let rule = 0; rule < MIRROR_RULES; rule++) {
      const control = values[DWORD.VMRCTL + rule] as number;
      const filters = tag < 0 ? 0 : (this.#vlanFilters[tag & VID] as number);
      const hit =
        ((control & VMRCTL_POOL) !== 0 && (decision & (values[DWORD.VMRVM + rule] as number)) !== 0) ||
        ((control & VMRCTL_UPLINK) !== 0 && !local && decision !== 0) ||
        ((control & VMRCTL_DOWNLINK) !== 0 && (decision & TO_WIRE) !== 0) ||
        ((control & VMRCTL_VLAN) !== 0 && (filters & (values[DWORD.VMRVLAN + rule] as number)) !== 0);
      if (hit) pools |= 1 << ((control >>> 8) & 7);
    }
    return pools;
  }

  #derive(): void {
    const values = this.#values;
    this.#version = this.#registers.version;
    this.#deriveAddresses();
    this.#deriveVlans();
    this.#untagged = this.#poolsWith(E1000_VMOLR_AUPE);
    this.#broadcast = this.#poolsWith(E1000_VMOLR_BAM);
    this.#hashedMulticast = this.#poolsWith(E1000_VMOLR_ROMPE);
    this.#allMulticast = this.#poolsWith(E1000_VMOLR_MPME);
    this.#hashedUnicast = this.#poolsWith(E1000_VMOLR_ROPE);
    const control = values[DWORD.VT_CTL] as number;
    this.#default = (control & E1000_VT_CTL_DISABLE_DEF_POOL) !== 0 ? 0 : 1 << ((control >>> 7) & 7);
    this.#replicates = (control & E1000_VT_CTL_VM_REPL_EN) !== 0;
    this.#filtersVlans = ((values[DWORD.RCTL] as number) & E1000_RCTL_VFE) !== 0;
    this.#loopback = ((values[DWORD.DTXSWC] as number) & E1000_DTXSWC_VMDQ_LOOPBACK_EN) !== 0;
    this.#mirrors = values.subarray(DWORD.VMRCTL, DWORD.VMRCTL + MIRROR_RULES).some((rule) => (rule & 0xf) !== 0);
  }

  #deriveAddresses(): void {
    const values = this.#values;
    this.#addressPools.fill(0);
    for (const [first, entries] of RECEIVE_ADDRESSES) {
      for (let dword: number = first; dword < first + entries * 2; dword += 2) {
        const rah = values[dword + 1] as number;
        const pools = (rah >>> 18) & 0xff;
        if ((rah & E1000_RAH_AV) === 0 || pools === 0) continue;
        const low = (values[dword] as number) | 0;
        const high = rah & 0xffff;
        let slot = slotOf(low, high);
        while (
          this.#addressPools[slot] !== 0 &&
          !(this.#addressLow[slot] === low && this.#addressHigh[slot] === high)
        ) {
          slot = (slot + 1) % SLOTS;
        }
        this.#addressLow[slot] = low;
        this.#addressHigh[slot] = high;
        this.#addressPools[slot] = (this.#addressPools[slot] as number) | pools;
      }
    }
  }

  #deriveVlans(): void {
    this.#vlanPools.fill(0);
    this.#vlanFilters.fill(0);
    this.#localVlan.fill(0);
    for (let filter = 0; filter < VLAN_FILTERS; filter++) {
      const vlvf = this.#values[DWORD.VLVF + filter] as number;
      if ((vlvf & E1000_VLVF_VLANID_ENABLE) === 0) continue;
      const vid = vlvf & VID;
      this.#vlanPools[vid] = (this.#vlanPools[vid] as number) | ((vlvf >>> 12) & 0xff);
      this.#vlanFilters[vid] = (this.#vlanFilters[vid] as number) | (1 << filter);
      if ((vlvf & E1000_VLVF_LVLAN) !== 0) this.#localVlan[vid] = 1;
    }
  }

  #poolsWith(bit: number): number {
    let pools = 0;
    for (let pool = 0; pool < POOLS; pool++) {
      if (((this.#values[DWORD.VMOLR + pool] as number) & bit) !== 0) pools |= 1 << pool;
    }
    return pools;
  }
}

function slotOf(low: number, high: number): number {
  return (high ^ (high >> 8) ^ low ^ (low >> 24)) & (SLOTS - 1);
}

/** Whether an exact filter has the address, for whatever pool. */
export function hasAddress(values: Uint32Array, low: number, high: number): boolean {
  return RECEIVE_ADDRESSES.some(([first, entries]) => {
    for (let dword: number = first; dword < first + entries * 2; dword += 2) {
      const rah = values[dword + 1] as number;
      if (((values[dword] as number) | 0) === low && rah >>> 31 === 1 && (rah & 0xffff) === high) return true;
    }
    return false;
  });
}

/** Whether the hash of the destination is set in MTA or UTA (igb_hash_mc_addr). */
export function hashHit(values: Uint32Array, table: number, header: FrameHeader): boolean {
  const shift = HASH_SHIFTS[((values[DWORD.RCTL] as number) >>> 12) & 3] as number;
  const hash = (header.destinationHigh >>> shift) & 0xfff;
  return ((values[table + (hash >> 5)] as number) & (1 << (hash & 31))) !== 0;
}
