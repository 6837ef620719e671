import { type ModelClock, NS_PER_MS } from "../clock.ts";
import { E1000 } from "../nic/registers-82576.ts";
import {
  type FrameReceiver,
  programRing,
  ReceiveRing,
  ringBytes,
  type TransmitOffload,
  TransmitRing,
} from "./descriptor-rings.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { IgbFilters } from "./igb-filters.ts";
import {
  announceResetDone,
  configureMsix,
  E1000_ICR_DOUTSYNC,
  E1000_ICR_LSC,
  E1000_ICR_VMMB,
  enableInterrupts,
  negotiateLink,
  OTHER_VECTOR,
  powerLink,
  setUta,
  setupQueues,
  setupReceiveControl,
  setupTransmitControl,
  takeControl,
  VECTOR_BITS,
} from "./igb-setup.ts";
import { IgbStatistics } from "./igb-statistics.ts";
import { type IgbErrno, IgbVfControl } from "./igb-vf-control.ts";
import { addressFromWords, multicastHash } from "./mailbox-messages.ts";
import type { Mmio } from "./mmio.ts";

const E1000_CTRL_SLU = 0x40;
const E1000_CTRL_RST = 0x0400_0000;
const E1000_CTRL_VME = 0x4000_0000;
const E1000_STATUS_LU = 0x2;
const E1000_RCTL_EN = 0x0000_0002;
const E1000_RCTL_UPE = 0x0000_0008;
const E1000_RCTL_MPE = 0x0000_0010;
const E1000_RCTL_VFE = 0x0004_0000;
const E1000_TCTL_EN = 0x0000_0002;
const E1000_TCTL_PSP = 0x0000_0008;
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
const E1000_IOVCTL_REUSE_VFQ = 1;
const IGB_DEFAULT_DESCRIPTORS = 256;
const QUEUE_BYTES = 0x40;
const MAX_NUM_VFS = 7;

/** What the driver's rings need of memory. */
export const IGB_MEMORY_BYTES = ringBytes(IGB_DEFAULT_DESCRIPTORS);

export interface IgbOptions {
  readonly mmio: Mmio;
  /** The driver's own. */
  readonly memory: GuestMemory;
  readonly clock: ModelClock;
  readonly receive: FrameReceiver;
  /** The interface's link came or went by itself (igb_watchdog_task), with what the kernel log says of it. */
  readonly link?: (up: boolean, text: string) => void;
  /** The kernel log's records of the device; one may have two lines. */
  readonly log?: (text: string) => void;
}

/** The rings of a pool. */
interface Rings {
  readonly pool: number;
  readonly tx: TransmitRing;
  readonly rx: ReceiveRing;
}

/** The driver of an 82576's PF, as Linux's igb (igb_main.c): one queue of its own, and its VFs. It acts by registers only. */
export class IgbPfDriver {
  readonly statistics: IgbStatistics;
  readonly #options: IgbOptions;
  readonly #mmio: Mmio;
  readonly #filters: IgbFilters;
  readonly #activeVlans = new Set<number>();
  #rings: Rings | undefined;
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
    this.statistics = new IgbStatistics(options.mmio);
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
    takeControl(this.#mmio);
  }

  /** igb_reset: VFs are told, the MAC is reset, the link set up, or off with an interface that is down. */
  reset(): void {
    this.#vfControl?.requests.beforeReset();
    this.#mmio.write32(E1000.IMC, 0xffff_ffff);
    this.#mmio.write32(E1000.RCTL, 0);
    this.#mmio.write32(E1000.TCTL, E1000_TCTL_PSP);
    this.#options.clock.advance(10 * NS_PER_MS);
    this.#mmio.write32(E1000.CTRL, this.#mmio.read32(E1000.CTRL) | E1000_CTRL_RST);
    this.#mmio.read32(E1000.ICR);
    this.#filters.clearVlans();
    this.#filters.setMulticastHashes([]);
    setUta(this.#mmio, false);
    this.#mmio.write32(E1000.CTRL, this.#mmio.read32(E1000.CTRL) | E1000_CTRL_SLU);
    negotiateLink(this.#mmio);
    this.#filters.flushMacTable();
    this.#filters.setDefault(this.#address);
    if (!this.#running) powerLink(this.#mmio, false);
  }

  /** igb_open: the card as it is to be, rings, interrupts, and word to the VFs. */
  open(): void {
    powerLink(this.#mmio, true);
    this.#configure();
    this.#down = false;
    configureMsix(this.#mmio, this.pool);
    this.#mmio.read32(E1000.ICR);
    enableInterrupts(this.#mmio, this.#vfControl !== undefined);
    if (this.#vfControl !== undefined) announceResetDone(this.#mmio);
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

  /** igb_enable_sriov, but for pci_enable_sriov, which comes next. */
  allocateVfs(numVfs: number): IgbErrno | undefined {
    if (numVfs > MAX_NUM_VFS) return "EPERM";
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
    this.reinit();
    return undefined;
  }

  /** What pci_enable_sriov has refused. */
  forgetVfs(): void {
    this.#vfControl = undefined;
    this.#filters.vfsAllocatedCount = 0;
  }

  /** igb_disable_sriov, after pci_disable_sriov; igb_sriov_reinit comes next where the driver stays. */
  freeVfs(): void {
    if (this.#vfControl === undefined) return;
    this.forgetVfs();
    this.#mmio.write32(E1000.IOVCTL, E1000_IOVCTL_REUSE_VFQ);
    this.#log("IOV Disabled");
  }

  /** igb_sriov_reinit. */
  reinit(): void {
    const running = this.#running;
    if (running) this.close();
    else this.reset();
    if (running) this.open();
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
      this.#options.link?.(up, up ? "NIC Link is Up 1000 Mbps Full Duplex, Flow Control: RX/TX" : "NIC Link is Down");
      this.#vfControl?.requests.pingAll();
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
    const rings = this.#rings;
    if (this.#down || rings === undefined) return 0;
    rings.tx.clean(this.statistics);
    return rings.rx.poll(Number.POSITIVE_INFINITY, this.#receive);
  }

  send(frame: Uint8Array, offload?: TransmitOffload): boolean {
    const rings = this.#rings;
    return !this.#down && rings !== undefined && rings.tx.send(frame, offload, false, this.statistics);
  }

  /** igb_set_mac. */
  setAddress(address: Uint8Array): void {
    this.#address = address.slice();
    this.#filters.setDefault(this.#address);
  }

  /** igb_set_rx_mode with IFF_PROMISC or without. */
  setPromiscuous(on: boolean): void {
    this.#promiscuous = on;
    this.#setRxMode();
  }

  /** igb_uc_sync and igb_uc_unsync: another address of the interface (`bridge fdb add MAC dev PF self`). @returns false where no entry is left */
  setUnicast(address: Uint8Array, on: boolean): boolean {
    if (on) return this.#filters.addAddress(address, this.pool);
    this.#filters.removeAddress(address, this.pool);
    return true;
  }

  /** igb_set_rx_mode with the interface's groups. */
  setMulticast(addresses: readonly Uint8Array[]): void {
    this.#multicast = addresses;
    this.#setRxMode();
  }

  /** igb_vlan_rx_add_vid, igb_vlan_rx_kill_vid. */
  setVlan(vid: number, on: boolean): void {
    this.#filters.setVlan(vid, this.pool, on, on && vid !== 0);
    if (on) this.#activeVlans.add(vid);
    else this.#activeVlans.delete(vid);
  }

  readonly #receive: FrameReceiver = (bytes, at, length, vlan, status) => {
    this.statistics.rxPackets++;
    this.statistics.rxBytes += length;
    this.#options.receive(bytes, at, length, vlan, status);
  };

  /** Frames are in the ring that the card has not sent. */
  get sending(): boolean {
    this.#rings?.tx.clean(this.statistics);
    return (this.#rings?.tx.inUse ?? 0) > 0;
  }

  #log(text: string): void {
    this.#options.log?.(text);
  }

  /** Of the PF's own queue: the one after the VFs'. */
  get pool(): number {
    return this.#filters.vfsAllocatedCount;
  }

  /** igb_configure. */
  #configure(): void {
    takeControl(this.#mmio);
    this.#setRxMode();
    this.#mmio.write32(E1000.CTRL, (this.#mmio.read32(E1000.CTRL) | E1000_CTRL_VME) >>> 0);
    this.#vfControl?.pools.setVlanStrip(this.pool, true);
    for (const vid of new Set([0, ...this.#activeVlans])) this.setVlan(vid, true);
    setupTransmitControl(this.#mmio);
    setupQueues(this.#mmio, this.pool, this.#vfControl !== undefined);
    setupReceiveControl(this.#mmio, this.#vfControl !== undefined);
    this.#configureRings();
  }

  /** igb_configure_tx and igb_configure_rx: the queue after the VFs'. */
  #configureRings(): void {
    const pool = this.pool;
    const mmio = this.#mmio;
    const at = pool * QUEUE_BYTES;
    this.#filters.setDefault(this.#address);
    const { tx, rx } = this.#ringsOf(pool);
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
    this.#vfControl?.pools.setVmolr(pool, true);
    mmio.write32(E1000.RXDCTL + at, E1000_QUEUE_ENABLE);
    rx.fill();
  }

  /** Of another pool than before, where VFs came or went: their memory is the same. */
  #ringsOf(pool: number): Rings {
    if (this.#rings?.pool === pool) return this.#rings;
    const { memory } = this.#options;
    const mmio = this.#mmio;
    const at = pool * QUEUE_BYTES;
    memory.free();
    this.#rings = {
      pool,
      tx: new TransmitRing(memory, mmio, E1000.TDT + at, IGB_DEFAULT_DESCRIPTORS),
      rx: new ReceiveRing(memory, mmio, E1000.RDT + at, IGB_DEFAULT_DESCRIPTORS),
    };
    return this.#rings;
  }

  #other(): void {
    const icr = this.#mmio.read32(E1000.ICR);
    if ((icr & E1000_ICR_DOUTSYNC) !== 0) this.#wrongBehaviour |= this.#mmio.read32(E1000.WVBR);
    if ((icr & E1000_ICR_VMMB) !== 0) this.#vfControl?.requests.handleMessages();
    if ((icr & E1000_ICR_LSC) !== 0) this.watchdog();
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
    if (this.#vfControl !== undefined) setUta(this.#mmio, this.#promiscuous);
    const register = E1000.VMOLR + this.pool * 4;
    const old = mmio.read32(register) & ~(E1000_VMOLR_ROPE | E1000_VMOLR_MPME | E1000_VMOLR_ROMPE);
    mmio.write32(register, ((old & ~E1000_VMOLR_RLPML_MASK) | vmolr | MAX_JUMBO_FRAME_SIZE | E1000_VMOLR_LPE) >>> 0);
    const ofVfs = this.#vfControl?.pools.restoreMulticasts() ?? [];
    this.#filters.setMulticastHashes([...this.#multicast.map(multicastHash), ...ofVfs]);
  }
}
