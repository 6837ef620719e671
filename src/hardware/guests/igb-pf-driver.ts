import type { ModelClock } from "../clock.ts";
import { E1000 } from "../nic/registers-82576.ts";
import {
  type FrameReceiver,
  programRing,
  ReceiveRing,
  type TransmitOffload,
  TransmitRing,
} from "./descriptor-rings.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { IgbFilters } from "./igb-filters.ts";
import { type IgbErrno, IgbVfControl } from "./igb-vf-control.ts";
import { addressFromWords, multicastHash } from "./mailbox-messages.ts";
import type { Mmio } from "./mmio.ts";

const E1000_CTRL_SLU = 0x40;
const E1000_CTRL_RST = 0x0400_0000;
const E1000_CTRL_VME = 0x4000_0000;
const E1000_CTRL_EXT_PFRSTD = 0x4000;
const E1000_CTRL_EXT_DRV_LOAD = 0x1000_0000;
const E1000_STATUS_LU = 0x2;
const E1000_MDIC_OP_WRITE = 0x0400_0000;
/** BMCR of PHY 1: negotiate anew (igb_copper_link_autoneg). */
const MDIC_RESTART_AUTONEGOTIATION = E1000_MDIC_OP_WRITE | (1 << 21) | 0x1340;
const E1000_RCTL_EN = 0x0000_0002;
const E1000_RCTL_UPE = 0x0000_0008;
const E1000_RCTL_MPE = 0x0000_0010;
const E1000_RCTL_LPE = 0x0000_0020;
const E1000_RCTL_BAM = 0x0000_8000;
const E1000_RCTL_VFE = 0x0004_0000;
const E1000_RCTL_SECRC = 0x0400_0000;
const E1000_TCTL_EN = 0x0000_0002;
const E1000_TCTL_PSP = 0x0000_0008;
const E1000_TCTL_CT = 0x0000_0ff0;
const E1000_TCTL_RTLC = 0x0100_0000;
const COLLISION_THRESHOLD = 15 << 4;
const E1000_RXCSUM_CRCOFL = 0x0800;
const E1000_RXCSUM_PCSD = 0x2000;
const E1000_MRQC_ENABLE_RSS_MQ = 0x2;
const E1000_MRQC_ENABLE_VMDQ = 0x3;
const E1000_VT_CTL_DEFAULT_POOL_SHIFT = 7;
const E1000_VT_CTL_DEFAULT_POOL_MASK = 0x380;
const E1000_VT_CTL_DISABLE_DEF_POOL = 0x2000_0000;
const E1000_VT_CTL_VM_REPL_EN = 0x4000_0000;
const E1000_DTXSWC_SPOOF_MASK = 0xffff;
const E1000_DTXSWC_VMDQ_LOOPBACK_EN = 0x8000_0000;
const E1000_DTXCTL_VLAN_ADDED = 0x8;
const E1000_RPLOLR_STRVLAN = 0x4000_0000;
const E1000_VMOLR_RLPML_MASK = 0x3fff;
const E1000_VMOLR_LPE = 0x0001_0000;
const E1000_VMOLR_ROMPE = 0x0200_0000;
const E1000_VMOLR_ROPE = 0x0400_0000;
const E1000_VMOLR_MPME = 0x1000_0000;
const MAX_JUMBO_FRAME_SIZE = 0x2600;
const E1000_QUEUE_ENABLE = 0x0200_0000;
const E1000_SRRCTL_DROP_EN = 0x8000_0000;
const E1000_SRRCTL_DESCTYPE_ADV_ONEBUF = 0x0200_0000;
const SRRCTL_2_KIB = 2;
const E1000_GPIE = 0xc000_0011;
const E1000_IVAR_VALID = 0x80;
const E1000_ICR_LSC = 0x4;
const E1000_ICR_VMMB = 0x100;
const E1000_ICR_DOUTSYNC = 0x1000_0000;
const E1000_ICR_DRSTA = 0x4000_0000;
const E1000_IOVCTL_REUSE_VFQ = 1;
const OTHER_VECTOR = 0;
const RING_VECTOR = 1;
const VECTOR_BITS = 0x3;
/** About 6000 interrupts a second. */
const IGB_START_ITR = 648;
const IGB_DEFAULT_DESCRIPTORS = 256;
const QUEUE_BYTES = 0x40;
const MAX_NUM_VFS = 7;
const UTA_WORDS = 128;
const NS_PER_MS = 1_000_000;

export interface IgbOptions {
  readonly mmio: Mmio;
  readonly memory: GuestMemory;
  readonly clock: ModelClock;
  readonly receive: FrameReceiver;
  /** pci_enable_sriov and pci_disable_sriov (NumVFs 0), with what they fail with. */
  readonly setNumVfs: (numVfs: number) => void;
  /** The kernel log's lines of the device. */
  readonly log?: (text: string) => void;
}

/** The driver of an 82576's PF, as Linux's igb (igb_main.c): one queue of its own, and its VFs. It acts by registers only. */
export class IgbPfDriver {
  readonly #options: IgbOptions;
  readonly #mmio: Mmio;
  readonly #filters: IgbFilters;
  readonly #activeVlans = new Set<number>();
  readonly #rings: { readonly tx: TransmitRing; readonly rx: ReceiveRing }[] = [];
  #vfControl: IgbVfControl | undefined;
  #address: Uint8Array = new Uint8Array(6);
  #running = false;
  #down = true;
  #carrier = false;
  #promiscuous = false;
  #multicast: readonly Uint8Array[] = [];
  /** WVBR's bits, until the watchdog tells of them. */
  #wrongBehaviour = 0;

  constructor(options: IgbOptions) {
    this.#options = options;
    this.#mmio = options.mmio;
    this.#filters = new IgbFilters(options.mmio);
  }

  get address(): Uint8Array {
    return this.#address;
  }

  /** Control of the VFs; undefined while there are none. */
  get vfs(): IgbVfControl | undefined {
    return this.#vfControl;
  }

  get carrier(): boolean {
    return this.#carrier;
  }

  /** igb_probe: a reset, and the address that the card has. */
  probe(): void {
    this.#mmio.write32(E1000.EIMC, 0xffff_ffff);
    this.#mmio.write32(E1000.CTRL, this.#mmio.read32(E1000.CTRL) | E1000_CTRL_RST);
    this.#address = addressFromWords(this.#mmio.read32(E1000.RAL), this.#mmio.read32(E1000.RAH));
    this.reset();
    this.#getHardwareControl();
  }

  /** igb_reset: VFs are told, the MAC is reset, the link set up. */
  reset(): void {
    this.#vfControl?.beforeReset();
    this.#mmio.write32(E1000.IMC, 0xffff_ffff);
    this.#mmio.write32(E1000.RCTL, 0);
    this.#mmio.write32(E1000.TCTL, E1000_TCTL_PSP);
    this.#options.clock.advance(10 * NS_PER_MS);
    this.#mmio.write32(E1000.CTRL, this.#mmio.read32(E1000.CTRL) | E1000_CTRL_RST);
    this.#mmio.read32(E1000.ICR);
    this.#filters.clearVlans();
    this.#filters.setMulticastHashes([]);
    this.#setUta(false);
    this.#mmio.write32(E1000.CTRL, this.#mmio.read32(E1000.CTRL) | E1000_CTRL_SLU);
    this.#mmio.write32(E1000.MDIC, MDIC_RESTART_AUTONEGOTIATION);
    this.#filters.flushMacTable();
    this.#filters.setDefault(this.#address);
  }

  /** igb_open: the card as it is to be, rings, interrupts, and word to the VFs. */
  open(): void {
    this.#configure();
    this.#down = false;
    this.#configureMsix();
    this.#mmio.read32(E1000.ICR);
    this.#enableInterrupts();
    if (this.#vfControl !== undefined) {
      this.#mmio.write32(E1000.CTRL_EXT, this.#mmio.read32(E1000.CTRL_EXT) | E1000_CTRL_EXT_PFRSTD);
    }
    this.#running = true;
    this.watchdog();
  }

  /** igb_close. */
  close(): void {
    this.#running = false;
    this.#down = true;
    this.#carrier = false;
    this.#mmio.write32(E1000.RCTL, this.#mmio.read32(E1000.RCTL) & ~E1000_RCTL_EN);
    this.#mmio.write32(E1000.TCTL, this.#mmio.read32(E1000.TCTL) & ~E1000_TCTL_EN);
    this.#mmio.write32(E1000.EIMC, VECTOR_BITS);
    this.#mmio.write32(E1000.IMC, 0xffff_ffff);
    this.reset();
  }

  /** igb_pci_sriov_configure: igb_enable_sriov, or igb_disable_sriov for none. */
  setNumVfs(numVfs: number): IgbErrno | undefined {
    if (numVfs > MAX_NUM_VFS) return "EPERM";
    if (numVfs === 0) {
      this.#disableSriov();
      return undefined;
    }
    this.#filters.vfsAllocatedCount = numVfs;
    this.#vfControl = new IgbVfControl(
      {
        mmio: this.#mmio,
        filters: this.#filters,
        clock: this.#options.clock,
        activeVlans: this.#activeVlans,
        isDown: () => this.#down,
        log: (text) => this.#log(text),
        setRxMode: () => this.#setRxMode(),
      },
      numVfs,
    );
    this.#reinit();
    this.#options.setNumVfs(numVfs);
    return undefined;
  }

  /** igb_msix_other and igb_msix_ring. */
  interrupt(vector: number): void {
    if (vector === OTHER_VECTOR) this.#other();
    else this.poll();
    if (!this.#down) this.#mmio.write32(E1000.EIMS, 1 << vector);
  }

  /** igb_watchdog_task: the link, and spoofing that was seen. */
  watchdog(): void {
    if (this.#down) return;
    const up = (this.#mmio.read32(E1000.STATUS) & E1000_STATUS_LU) !== 0;
    if (up !== this.#carrier) {
      this.#carrier = up;
      this.#log(up ? "NIC Link is Up 1000 Mbps Full Duplex, Flow Control: None" : "NIC Link is Down");
      this.#vfControl?.pingAll();
      if (up) this.#vfControl?.checkRateLimits();
    }
    for (let vf = 0; vf < this.#filters.vfsAllocatedCount; vf++) {
      const bits = (1 << vf) | (1 << (vf + 8));
      if ((this.#wrongBehaviour & bits) === 0) continue;
      this.#log(`Spoof event(s) detected on VF ${vf}`);
      this.#wrongBehaviour &= ~bits;
    }
  }

  /** The interface's own traffic. @returns how many frames came in */
  poll(): number {
    const rings = this.#rings[this.#pool()];
    if (this.#down || rings === undefined) return 0;
    rings.tx.clean();
    return rings.rx.poll(Number.POSITIVE_INFINITY, this.#options.receive);
  }

  send(frame: Uint8Array, offload?: TransmitOffload): boolean {
    const rings = this.#rings[this.#pool()];
    return !this.#down && rings !== undefined && rings.tx.send(frame, offload);
  }

  /** igb_set_rx_mode with IFF_PROMISC or without. */
  setPromiscuous(on: boolean): void {
    this.#promiscuous = on;
    this.#setRxMode();
  }

  /** igb_uc_sync and igb_uc_unsync: another address of the interface (`bridge fdb add MAC dev PF self`). @returns false where no entry is left */
  setUnicast(address: Uint8Array, on: boolean): boolean {
    if (on) return this.#filters.addAddress(address, this.#pool());
    this.#filters.removeAddress(address, this.#pool());
    return true;
  }

  /** igb_set_rx_mode with the interface's groups. */
  setMulticast(addresses: readonly Uint8Array[]): void {
    this.#multicast = addresses;
    this.#setRxMode();
  }

  /** igb_vlan_rx_add_vid, igb_vlan_rx_kill_vid. */
  setVlan(vid: number, on: boolean): void {
    this.#filters.setVlan(vid, this.#pool(), on, on && vid !== 0);
    if (on) this.#activeVlans.add(vid);
    else this.#activeVlans.delete(vid);
  }

  #log(text: string): void {
    this.#options.log?.(text);
  }

  #pool(): number {
    return this.#filters.vfsAllocatedCount;
  }

  #disableSriov(): void {
    if (this.#vfControl === undefined) return;
    this.#options.setNumVfs(0);
    this.#options.clock.advance(500 * NS_PER_MS);
    this.#vfControl = undefined;
    this.#filters.vfsAllocatedCount = 0;
    this.#mmio.write32(E1000.IOVCTL, E1000_IOVCTL_REUSE_VFQ);
    this.#options.clock.advance(100 * NS_PER_MS);
    this.#log("IOV Disabled");
    this.#reinit();
  }

  /** igb_sriov_reinit. */
  #reinit(): void {
    const running = this.#running;
    if (running) this.close();
    else this.reset();
    if (running) this.open();
  }

  #getHardwareControl(): void {
    this.#mmio.write32(E1000.CTRL_EXT, this.#mmio.read32(E1000.CTRL_EXT) | E1000_CTRL_EXT_DRV_LOAD);
  }

  /** igb_configure. */
  #configure(): void {
    this.#getHardwareControl();
    this.#setRxMode();
    this.#mmio.write32(E1000.CTRL, (this.#mmio.read32(E1000.CTRL) | E1000_CTRL_VME) >>> 0);
    this.#vfControl?.setVlanStrip(this.#pool(), true);
    for (const vid of new Set([0, ...this.#activeVlans])) this.setVlan(vid, true);
    this.#setupTransmitControl();
    this.#setupQueues();
    this.#setupReceiveControl();
    this.#configureRings();
  }

  /** igb_setup_tctl. */
  #setupTransmitControl(): void {
    this.#mmio.write32(E1000.TXDCTL, 0);
    const kept = this.#mmio.read32(E1000.TCTL) & ~E1000_TCTL_CT;
    this.#mmio.write32(
      E1000.TCTL,
      (kept | E1000_TCTL_PSP | E1000_TCTL_RTLC | COLLISION_THRESHOLD | E1000_TCTL_EN) >>> 0,
    );
  }

  /** igb_setup_mrqc and igb_vmm_control. */
  #setupQueues(): void {
    const mmio = this.#mmio;
    mmio.write32(E1000.RXCSUM, mmio.read32(E1000.RXCSUM) | E1000_RXCSUM_PCSD | E1000_RXCSUM_CRCOFL);
    mmio.write32(E1000.DTXCTL, mmio.read32(E1000.DTXCTL) | E1000_DTXCTL_VLAN_ADDED);
    mmio.write32(E1000.RPLOLR, (mmio.read32(E1000.RPLOLR) | E1000_RPLOLR_STRVLAN) >>> 0);
    const vtctl = mmio.read32(E1000.VT_CTL);
    const dtxswc = mmio.read32(E1000.DTXSWC);
    if (this.#vfControl === undefined) {
      mmio.write32(E1000.DTXSWC, (dtxswc & ~E1000_DTXSWC_VMDQ_LOOPBACK_EN) >>> 0);
      mmio.write32(E1000.VT_CTL, vtctl & ~E1000_VT_CTL_VM_REPL_EN);
      mmio.write32(E1000.MRQC, E1000_MRQC_ENABLE_RSS_MQ);
      return;
    }
    const pool = this.#pool();
    const kept = vtctl & ~(E1000_VT_CTL_DEFAULT_POOL_MASK | E1000_VT_CTL_DISABLE_DEF_POOL);
    mmio.write32(E1000.VT_CTL, (kept | (pool << E1000_VT_CTL_DEFAULT_POOL_SHIFT) | E1000_VT_CTL_VM_REPL_EN) >>> 0);
    // igb_vmdq_set_anti_spoofing_pf: the PF may send as anybody.
    const spoofing = E1000_DTXSWC_SPOOF_MASK & ~((1 << pool) | (1 << (pool + 8)));
    mmio.write32(E1000.DTXSWC, (dtxswc | E1000_DTXSWC_VMDQ_LOOPBACK_EN | spoofing) >>> 0);
    mmio.write32(E1000.MRQC, E1000_MRQC_ENABLE_VMDQ);
  }

  /** igb_setup_rctl. */
  #setupReceiveControl(): void {
    const rctl = this.#mmio.read32(E1000.RCTL);
    this.#mmio.write32(E1000.RXDCTL, 0);
    if (this.#vfControl !== undefined) this.#mmio.write32(E1000.QDE, 0xffff);
    this.#mmio.write32(E1000.RCTL, rctl | E1000_RCTL_EN | E1000_RCTL_BAM | E1000_RCTL_SECRC | E1000_RCTL_LPE);
  }

  /** igb_configure_tx and igb_configure_rx: the queue after the VFs'. */
  #configureRings(): void {
    const { memory } = this.#options;
    const pool = this.#pool();
    const mmio = this.#mmio;
    const at = pool * QUEUE_BYTES;
    this.#filters.setDefault(this.#address);
    this.#rings[pool] ??= {
      tx: new TransmitRing(memory, mmio, E1000.TDT + at, IGB_DEFAULT_DESCRIPTORS),
      rx: new ReceiveRing(memory, mmio, E1000.RDT + at, IGB_DEFAULT_DESCRIPTORS),
    };
    const { tx, rx } = this.#rings[pool];
    mmio.write32(E1000.TXDCTL + at, 0);
    tx.reset();
    programRing(this.#mmio, this.#options.memory, tx, E1000.TDBAL + at);
    mmio.write32(E1000.TDH + at, 0);
    mmio.write32(E1000.TDT + at, 0);
    mmio.write32(E1000.TXDCTL + at, E1000_QUEUE_ENABLE);
    mmio.write32(E1000.RXDCTL + at, 0);
    programRing(this.#mmio, this.#options.memory, rx, E1000.RDBAL + at);
    mmio.write32(E1000.RDH + at, 0);
    mmio.write32(E1000.RDT + at, 0);
    const drop = this.#vfControl === undefined ? 0 : E1000_SRRCTL_DROP_EN;
    mmio.write32(E1000.SRRCTL + at, (E1000_SRRCTL_DESCTYPE_ADV_ONEBUF | SRRCTL_2_KIB | drop) >>> 0);
    this.#vfControl?.setVmolr(pool, true);
    mmio.write32(E1000.RXDCTL + at, E1000_QUEUE_ENABLE);
    rx.fill();
  }

  /** igb_configure_msix: vector 0 for all but the queue. */
  #configureMsix(): void {
    this.#mmio.write32(E1000.GPIE, E1000_GPIE);
    this.#mmio.write32(E1000.IVAR_MISC, (OTHER_VECTOR | E1000_IVAR_VALID) << 8);
    const entry = RING_VECTOR | E1000_IVAR_VALID;
    const register = E1000.IVAR0 + this.#pool() * 4;
    this.#mmio.write32(register, (this.#mmio.read32(register) & 0xffff_0000) | entry | (entry << 8));
    this.#mmio.write32(E1000.EITR + RING_VECTOR * 4, IGB_START_ITR);
  }

  /** igb_irq_enable. */
  #enableInterrupts(): void {
    const mmio = this.#mmio;
    mmio.write32(E1000.EIAC, mmio.read32(E1000.EIAC) | VECTOR_BITS);
    mmio.write32(E1000.EIAM, mmio.read32(E1000.EIAM) | VECTOR_BITS);
    mmio.write32(E1000.EIMS, VECTOR_BITS);
    if (this.#vfControl !== undefined) mmio.write32(E1000.MBVFIMR, 0xff);
    const mailbox = this.#vfControl === undefined ? 0 : E1000_ICR_VMMB;
    mmio.write32(E1000.IMS, E1000_ICR_LSC | E1000_ICR_DOUTSYNC | E1000_ICR_DRSTA | mailbox);
  }

  #other(): void {
    const icr = this.#mmio.read32(E1000.ICR);
    if ((icr & E1000_ICR_DOUTSYNC) !== 0) this.#wrongBehaviour |= this.#mmio.read32(E1000.WVBR);
    if ((icr & E1000_ICR_VMMB) !== 0) this.#vfControl?.handleMessages();
    if ((icr & E1000_ICR_LSC) !== 0) this.watchdog();
  }

  #setUta(on: boolean): void {
    for (let word = 0; word < UTA_WORDS; word++) this.#mmio.write32(E1000.UTA + word * 4, on ? 0xffff_ffff : 0);
  }

  /** igb_set_rx_mode. Promiscuity reaches VLANs that the PF is in, and no others: igb_vlan_promisc_enable is not modelled. */
  #setRxMode(): void {
    const mmio = this.#mmio;
    let rctl = E1000_RCTL_VFE;
    let vmolr = 0;
    if (this.#promiscuous) {
      rctl |= E1000_RCTL_UPE | E1000_RCTL_MPE;
      vmolr |= E1000_VMOLR_MPME | E1000_VMOLR_ROPE;
    } else if (this.#multicast.length > 0) {
      vmolr |= E1000_VMOLR_ROMPE;
    }
    const kept = mmio.read32(E1000.RCTL) & ~(E1000_RCTL_UPE | E1000_RCTL_MPE | E1000_RCTL_VFE);
    mmio.write32(E1000.RCTL, kept | rctl);
    mmio.write32(E1000.RLPML, MAX_JUMBO_FRAME_SIZE);
    if (this.#vfControl !== undefined) this.#setUta(this.#promiscuous);
    const register = E1000.VMOLR + this.#pool() * 4;
    const old = mmio.read32(register) & ~(E1000_VMOLR_ROPE | E1000_VMOLR_MPME | E1000_VMOLR_ROMPE);
    mmio.write32(register, ((old & ~E1000_VMOLR_RLPML_MASK) | vmolr | MAX_JUMBO_FRAME_SIZE | E1000_VMOLR_LPE) >>> 0);
    const ofVfs = this.#vfControl?.restoreMulticasts() ?? [];
    this.#filters.setMulticastHashes([...this.#multicast.map(multicastHash), ...ofVfs]);
  }
}
