import type { ModelClock } from "../clock.ts";
import { E1000 } from "../nic/registers-82576.ts";
import type { IgbFilters } from "./igb-filters.ts";
import type { Mmio } from "./mmio.ts";

const E1000_VMOLR_RSSE = 0x0002_0000;
const E1000_VMOLR_AUPE = 0x0100_0000;
const E1000_VMOLR_ROMPE = 0x0200_0000;
const E1000_VMOLR_BAM = 0x0800_0000;
const E1000_VMOLR_MPME = 0x1000_0000;
const E1000_VMOLR_STRVLAN = 0x4000_0000;
const E1000_VMVIR_VLANA_DEFAULT = 0x4000_0000;
export const VLAN_PRIO_SHIFT = 13;
/** IGB_MAX_VF_MC_ENTRIES. */
export const MULTICAST_HASHES = 30;

/** struct vf_data_storage. */
export interface VfData {
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

/**
 * The VFs of igb as the card has them: what is known of each (vf_data), and its pool's registers, by which the administrator's
 * settings (igb-vf-control.ts) and the VFs' own wishes (igb-vf-requests.ts) come about.
 */
export class IgbVfPools {
  readonly host: VfControlHost;
  readonly mmio: Mmio;
  readonly vfs: readonly VfData[];

  constructor(host: VfControlHost, numVfs: number) {
    this.host = host;
    this.mmio = host.mmio;
    this.vfs = Array.from({ length: numVfs }, () => ({
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
  }

  /** igb_set_vmolr: broadcasts always, untagged frames as asked for. */
  setVmolr(pool: number, acceptUntagged: boolean): void {
    const register = E1000.VMOLR + pool * 4;
    const value = this.mmio.read32(register) & ~(E1000_VMOLR_AUPE | E1000_VMOLR_RSSE);
    this.mmio.write32(register, (value | E1000_VMOLR_BAM | (acceptUntagged ? E1000_VMOLR_AUPE : 0)) >>> 0);
  }

  /** igb_set_vf_vlan_strip. */
  setVlanStrip(pool: number, on: boolean): void {
    const register = E1000.VMOLR + pool * 4;
    const value = this.mmio.read32(register);
    this.mmio.write32(register, (on ? value | E1000_VMOLR_STRVLAN : value & ~E1000_VMOLR_STRVLAN) >>> 0);
  }

  /** igb_set_vf_mac. */
  setAddress(vf: number, address: Uint8Array): void {
    (this.vfs[vf] as VfData).address = address;
    this.host.filters.setVfAddress(vf, address);
  }

  /** igb_set_vf_vlan: the PF stays in a VLAN that it is in too. */
  setVlan(vid: number, on: boolean, vf: number): boolean {
    const { filters, activeVlans } = this.host;
    if (on && activeVlans.has(vid) && !filters.setVlan(vid, filters.vfsAllocatedCount, true, false)) return false;
    const done = filters.setVlan(vid, vf, on, false);
    if (on && done) return true;
    if (activeVlans.has(vid)) filters.releasePfVlan(vid);
    return done;
  }

  /** igb_set_vmvir. */
  setVmvir(vf: number, tag: number): void {
    this.mmio.write32(E1000.VMVIR + vf * 4, tag === 0 ? 0 : tag | E1000_VMVIR_VLANA_DEFAULT);
  }

  /** igb_vf_reset. */
  reset(vf: number, data: VfData): void {
    data.clearToSend = false;
    data.multicastPromiscuous = false;
    data.lastNackNs = this.host.clock.nowNs;
    this.host.filters.clearVfVlans(vf);
    this.setVlan(data.vlan, true, vf);
    this.setVmvir(vf, data.vlan | (data.qos << VLAN_PRIO_SHIFT));
    this.setVmolr(vf, data.vlan === 0);
    this.setVlanStrip(vf, data.vlan !== 0);
    data.multicastCount = 0;
    data.multicastHashes = [];
    this.host.setRxMode();
  }

  /** igb_restore_vf_multicasts. @returns the hashes that belong into MTA beside the PF's */
  restoreMulticasts(): readonly number[] {
    return this.vfs.flatMap((data, vf) => {
      const vmolr = this.mmio.read32(E1000.VMOLR + vf * 4) & ~(E1000_VMOLR_ROMPE | E1000_VMOLR_MPME);
      this.mmio.write32(E1000.VMOLR + vf * 4, (vmolr | multicastBits(data)) >>> 0);
      return data.multicastCount > MULTICAST_HASHES || data.multicastPromiscuous ? [] : data.multicastHashes;
    });
  }
}

/** How a pool takes groups: all of them, where it asked for more than are kept. */
export function multicastBits(data: VfData): number {
  if (data.multicastCount > MULTICAST_HASHES || data.multicastPromiscuous) return E1000_VMOLR_MPME;
  return data.multicastCount > 0 ? E1000_VMOLR_ROMPE : 0;
}
