import { E1000 } from "../nic/registers-82576.ts";
import { addressWords, isValidAddress, isZeroAddress } from "./mailbox-messages.ts";
import type { Mmio } from "./mmio.ts";

const E1000_RAR_ENTRIES_82576 = 24;
const E1000_RAH_AV = 0x8000_0000;
const E1000_RAH_POOL_1 = 0x0004_0000;
const E1000_VLVF_ARRAY_SIZE = 32;
const E1000_VLVF_VLANID_MASK = 0xfff;
const E1000_VLVF_POOLSEL_SHIFT = 12;
const E1000_VLVF_POOLSEL_MASK = 0xff << E1000_VLVF_POOLSEL_SHIFT;
const E1000_VLVF_VLANID_ENABLE = 0x8000_0000;
const VFTA_WORDS = 128;
const MTA_WORDS = 128;

interface MacEntry {
  address: Uint8Array;
  queue: number;
  inUse: boolean;
  isDefault: boolean;
}

/** igb's filters: its table of addresses, VLANs, multicast hashes (igb_main.c, e1000_mac.c), mirrored in registers. */
export class IgbFilters {
  readonly #mmio: Mmio;
  readonly #macTable: MacEntry[];
  readonly #shadowVfta = new Uint32Array(VFTA_WORDS);
  /** Pools 0 up to it are VFs; the PF's own is the next. */
  vfsAllocatedCount = 0;

  constructor(mmio: Mmio) {
    this.#mmio = mmio;
    this.#macTable = Array.from({ length: E1000_RAR_ENTRIES_82576 }, () => ({
      address: new Uint8Array(6),
      queue: 0,
      inUse: false,
      isDefault: false,
    }));
  }

  /** igb_flush_mac_table, after what a reset cleared. */
  flushMacTable(): void {
    this.#macTable.forEach((entry, index) => {
      entry.inUse = false;
      entry.address = new Uint8Array(6);
      entry.queue = 0;
      this.#setReceiveAddress(index);
    });
  }

  /** igb_set_default_mac_filter: the PF's address, in the first entry. */
  setDefault(address: Uint8Array): void {
    this.#macTable[0] = { address, queue: this.vfsAllocatedCount, inUse: true, isDefault: true };
    this.#setReceiveAddress(0);
  }

  /** igb_set_vf_mac: a VF's, from the table's end. */
  setVfAddress(vf: number, address: Uint8Array): void {
    const index = E1000_RAR_ENTRIES_82576 - (vf + 1);
    this.#macTable[index] = { address, queue: vf, inUse: true, isDefault: false };
    this.#setReceiveAddress(index);
  }

  /** igb_add_mac_filter. @returns false where no entry is left */
  addAddress(address: Uint8Array, queue: number): boolean {
    const free = this.#entries().findIndex(({ inUse, address: taken }) => !inUse || isEqual(taken, address));
    if (isZeroAddress(address) || free < 0) return false;
    const isDefault = this.#macTable[free]?.isDefault ?? false;
    this.#macTable[free] = { address, queue, inUse: true, isDefault };
    this.#setReceiveAddress(free);
    return true;
  }

  /** igb_del_mac_filter. */
  removeAddress(address: Uint8Array, queue: number): void {
    const index = this.#entries().findIndex(
      (entry) => entry.inUse && entry.queue === queue && isEqual(entry.address, address),
    );
    const entry = this.#macTable[index];
    if (entry === undefined) return;
    if (entry.isDefault) entry.queue = this.vfsAllocatedCount;
    else this.#macTable[index] = { address: new Uint8Array(6), queue: 0, inUse: false, isDefault: false };
    this.#setReceiveAddress(index);
  }

  /** igb_update_mc_addr_list, then igb_mta_set of further ones. */
  setMulticastHashes(hashes: Iterable<number>): void {
    const table = new Uint32Array(MTA_WORDS);
    for (const hash of hashes) {
      const word = (hash >> 5) & (MTA_WORDS - 1);
      table[word] = (table[word] as number) | (1 << (hash & 31));
    }
    table.forEach((bits, word) => {
      this.#mmio.write32(E1000.MTA + word * 4, bits);
    });
  }

  /** The registers' VLANs were cleared (igb_clear_vfta). */
  clearVlans(): void {
    this.#shadowVfta.fill(0);
    for (let word = 0; word < VFTA_WORDS; word++) this.#mmio.write32(E1000.VFTA + word * 4, 0);
  }

  /**
   * igb_vfta_set: lets a pool into a VLAN, or out.
   * @param bypass no entry of VLVF is used where there is none yet
   * @returns false where VLVF is full
   */
  setVlan(vlan: number, pool: number, on: boolean, bypass: boolean): boolean {
    const word = vlan >> 5;
    const bit = 1 << (vlan & 31);
    const current = this.#shadowVfta[word] as number;
    let changes = ((current & bit) !== 0) !== on;
    if (this.vfsAllocatedCount > 0) {
      const slot = this.#findVlvfSlot(vlan, bypass);
      if (slot < 0 && !bypass) return false;
      if (slot >= 0) {
        const register = E1000.VLVF + slot * 4;
        const poolBit = 1 << (E1000_VLVF_POOLSEL_SHIFT + pool);
        const bits = this.#mmio.read32(register);
        const next = on ? bits | poolBit : bits & ~poolBit;
        if (!on && (next & E1000_VLVF_POOLSEL_MASK) === 0) {
          // VFTA first: otherwise stray frames would reach the PF, by the default pool.
          if (changes) this.#writeVfta(word, current ^ bit);
          this.#mmio.write32(register, 0);
          return true;
        }
        if (!on) changes = false;
        this.#mmio.write32(register, (next | vlan | E1000_VLVF_VLANID_ENABLE) >>> 0);
      }
    }
    if (changes) this.#writeVfta(word, current ^ bit);
    return true;
  }

  /** The VLANs that a pool is in, rising. */
  vlansOf(pool: number): readonly number[] {
    const bit = 1 << (E1000_VLVF_POOLSEL_SHIFT + pool);
    return Array.from({ length: E1000_VLVF_ARRAY_SIZE }, (_, slot) => this.#mmio.read32(E1000.VLVF + slot * 4))
      .filter((entry) => (entry & bit) !== 0)
      .map((entry) => entry & E1000_VLVF_VLANID_MASK)
      .sort((one, other) => one - other);
  }

  /** igb_clear_vf_vfta: a VF is in no VLAN any more. */
  clearVfVlans(vf: number): void {
    const own = 1 << (E1000_VLVF_POOLSEL_SHIFT + vf);
    const pf = 1 << (E1000_VLVF_POOLSEL_SHIFT + this.vfsAllocatedCount);
    for (let slot = E1000_VLVF_ARRAY_SIZE - 1; slot >= 0; slot--) {
      const register = E1000.VLVF + slot * 4;
      const bits = this.#mmio.read32(register);
      if ((bits & own) === 0) continue;
      const left = (bits & ~own) >>> 0;
      if ((left & E1000_VLVF_POOLSEL_MASK & ~pf) !== 0) {
        this.#mmio.write32(register, left);
        continue;
      }
      const vid = left & E1000_VLVF_VLANID_MASK;
      const word = vid >> 5;
      const bit = 1 << (vid & 31);
      const current = this.#shadowVfta[word] as number;
      if ((left & E1000_VLVF_POOLSEL_MASK) === 0 && (current & bit) !== 0) this.#writeVfta(word, current ^ bit);
      this.#mmio.write32(register, 0);
    }
  }

  /** igb_update_pf_vlvf: where only the PF is left in an entry, the default pool does. */
  releasePfVlan(vlan: number): void {
    const slot = this.#findVlvf(vlan);
    if (slot === 0) return;
    const others = E1000_VLVF_POOLSEL_MASK & ~(1 << (E1000_VLVF_POOLSEL_SHIFT + this.vfsAllocatedCount));
    if ((this.#mmio.read32(E1000.VLVF + slot * 4) & others) === 0) this.#mmio.write32(E1000.VLVF + slot * 4, 0);
  }

  /** Entries that are not reserved for VFs' own addresses. */
  #entries(): readonly MacEntry[] {
    return this.#macTable.slice(0, E1000_RAR_ENTRIES_82576 - this.vfsAllocatedCount);
  }

  /** igb_rar_set_index. */
  #setReceiveAddress(index: number): void {
    const { address, queue, inUse } = this.#macTable[index] as MacEntry;
    const [low, high] = addressWords(address);
    const valid = inUse && isValidAddress(address) ? E1000_RAH_AV : 0;
    const pool = inUse ? E1000_RAH_POOL_1 << queue : 0;
    const [ral, rah] =
      index < 16
        ? [E1000.RAL + index * 8, E1000.RAH + index * 8]
        : [E1000.RAL2 + (index - 16) * 8, E1000.RAH2 + (index - 16) * 8];
    this.#mmio.write32(ral, low);
    this.#mmio.write32(rah, (high | valid | pool) >>> 0);
  }

  #writeVfta(word: number, bits: number): void {
    this.#shadowVfta[word] = bits;
    this.#mmio.write32(E1000.VFTA + word * 4, bits >>> 0);
  }

  /** igb_find_vlvf_entry: 0 where there is none. */
  #findVlvf(vlan: number): number {
    if (vlan === 0) return 0;
    let slot = E1000_VLVF_ARRAY_SIZE - 1;
    while (slot > 0 && (this.#mmio.read32(E1000.VLVF + slot * 4) & E1000_VLVF_VLANID_MASK) !== vlan) slot--;
    return slot;
  }

  /** igb_find_vlvf_slot: where the VLAN is, or can be put; -1 where it cannot. */
  #findVlvfSlot(vlan: number, bypass: boolean): number {
    if (vlan === 0) return 0;
    let empty = -1;
    for (let slot = E1000_VLVF_ARRAY_SIZE - 1; slot > 0; slot--) {
      const vid = this.#mmio.read32(E1000.VLVF + slot * 4) & E1000_VLVF_VLANID_MASK;
      if (vid === vlan) return slot;
      if (empty < 0 && vid === 0 && !bypass) empty = slot;
    }
    return empty;
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, index) => byte === other[index]);
}
