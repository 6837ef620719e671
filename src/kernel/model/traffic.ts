import { CardHost } from "../../hardware/guests/card-host.ts";
import { Guest } from "../../hardware/guests/guest.ts";
import type { IgbvfDriver } from "../../hardware/guests/igbvf-driver.ts";
import type { Fault } from "../../hardware/iommu/intel-iommu.ts";
import { Vtd } from "../../hardware/iommu/vtd.ts";
import { SERVER_VTD } from "../../hardware/iommu/vtd-capabilities.ts";
import { buildMachine } from "../../hardware/machine.ts";
import { copyFunctions } from "../../hardware/machine-state.ts";
import { Igb82576 } from "../../hardware/nic/igb-82576.ts";
import { E1000 } from "../../hardware/nic/registers-82576.ts";
import { igbAdapterOf } from "./drivers/igb.ts";
import type { IgbAdapter } from "./drivers/igb-vfs.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import { macBytes, ZERO_MAC } from "./mac-address.ts";
import type { LinkStatistics, NetDevice } from "./net-device.ts";
import type { PciDev } from "./pci-dev.ts";

const MIB = 2 ** 20;
const TABLES = { start: MIB, sizeBytes: 3 * MIB };
const DRIVER_MEMORY = { start: 4 * MIB, sizeBytes: 4 * MIB };
const GUESTS_FROM = 8 * MIB;
const GUEST_BYTES = 2 * MIB;
const DEVICE_ID_82576 = 0x10c9;
const MOST_FRAMES = 1_000_000;
const SHORTEST = 64;
const LONGEST = 1518;
const FCS_BYTES = 4;
const HEADER_BYTES = 14;
/** For tests of protocols (IEEE 802 local experimental 1). */
const ETHER_TYPE = 0x88b5;
/** Preamble and gap between frames. */
const WIRE_OVERHEAD_BYTES = 20;
/** Of a bit, at a gigabit a second. */
const NS_PER_BIT = 1;
const LINK_NS = 2_000_000_000;
const QUIET_NS = 10_000_000;
/** A VF that could not hand over a frame for so long has stopped: with 1 Mbit/s, a full ring takes 3 s. */
const STUCK_NS = 5_000_000_000;
const WAIT_NS = 100_000;
/** Of a VF's queue (82576 data sheet §8.26). */
const RQDPC = 0x2830;
const TDH = 0x3810;
const TDT = 0x3818;

/** What is to be sent: from a VF to another, or to the PF's own interface. */
interface Traffic {
  readonly from: number;
  readonly to: number | "pf";
  readonly frames: number;
  /** Of each frame, its check sequence included. */
  readonly bytes: number;
}

/** What a VF's own counters say of the traffic. */
interface VfTraffic {
  readonly vf: number;
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
  /** Frames for it that found no descriptor of its driver, or whose descriptor led nowhere. */
  readonly dropped: number;
}

interface TrafficReport {
  /** Frames that the sender could hand to its card. */
  readonly sent: number;
  readonly received: number;
  /** Of the model's time. */
  readonly tookNs: number;
  readonly vfs: readonly VfTraffic[];
  /** Frames that the card did not deliver, by its own counters. */
  readonly drops: {
    /** Of a source that is not the VF's (SSVPC). */
    readonly spoofed: number;
    /** For nobody who may have them: MAC filters, VLANs, pools that are off (SDPC). */
    readonly noReceiver: number;
    /** Whose bytes could not be fetched, or that met a dead link (HTDPMC). */
    readonly notFetched: number;
  };
  /** That left the card for the network. */
  readonly toNetwork: number;
  readonly faults: readonly Fault[];
}

/**
 * Traffic between the VFs of an 82576, as real work: its machine as it is now, in a copy with the card's and the IOMMU's
 * registers behind the functions, where each VF that is in use has its driver in a guest's memory. What igb was told of VFs is
 * in the card's registers there. Counters of interfaces go up here.
 * @throws KernelError where the interface is none of an 82576, or a VF has nobody who uses it
 */
export function sendTraffic(linux: Linux, pfNetdev: string, traffic: Traffic): TrafficReport {
  const { from, to, frames, bytes } = traffic;
  const inRange = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most;
  if (!inRange(frames, 1, MOST_FRAMES) || !inRange(bytes, SHORTEST, LONGEST)) throw new KernelError("EINVAL");
  const netdev = linux.net.byName(pfNetdev);
  const pf = netdev?.options.dev;
  const adapter = igbAdapterOf(linux, pf);
  if (pf === undefined || adapter === undefined || pf.device !== DEVICE_ID_82576) throw new KernelError("ENODEV");
  if (!linux.options.iommu) throw new KernelError("EOPNOTSUPP");
  const run = new TrafficRun(linux, pf, adapter);
  const report = run.send(from, to, frames, bytes);
  run.count(report.vfs);
  return report;
}

class TrafficRun {
  readonly #linux: Linux;
  readonly #adapter: IgbAdapter;
  readonly #host: CardHost;
  readonly #guests = new Map<number, Guest>();
  readonly #dropped = new Map<number, number>();
  readonly #pf: LinkStatistics = emptyStatistics();
  #received = 0;

  constructor(linux: Linux, pf: PciDev, adapter: IgbAdapter) {
    this.#linux = linux;
    this.#adapter = adapter;
    const { vfs, netdev } = adapter;
    const units: Vtd[] = [];
    const { machine } = linux;
    const copy = buildMachine(
      { ...machine.description, memoryBytes: GUESTS_FROM + vfs.length * GUEST_BYTES },
      {
        iommu: (memory, fabric) => {
          const unit = new Vtd(memory, SERVER_VTD, {
            sendMessage: (address, data) => fabric.platformInterrupt(address, data),
            invalidateDevice: (requesterId) => fabric.invalidateDevice(requesterId),
          });
          units.push(unit);
          return unit;
        },
      },
    );
    copyFunctions(machine, copy);
    const fn = copy.fabric.functionAt(pf.routingId);
    const [vtd] = units;
    if (fn === undefined || vtd === undefined) throw new KernelError("ENODEV");
    const card = new Igb82576({
      port: copy.fabric.portOf(fn),
      vfPort: (vfIndex) => {
        const vf = fn.vfs?.vf(vfIndex);
        if (vf === undefined) throw new KernelError("ENODEV");
        return copy.fabric.portOf(vf);
      },
      macAddress: macBytes(netdev.mac),
    });
    fn.attach(card);
    if (vfs.length > 0) card.enableVfs(vfs.length);
    this.#host = new CardHost({
      machine: copy,
      vtd,
      pf: fn,
      tables: TABLES,
      driverMemory: DRIVER_MEMORY,
      receive: (_bytes, _at, length) => {
        this.#received++;
        this.#pf.rxPackets++;
        this.#pf.rxBytes += length;
      },
    });
    if (vfs.length > 0) this.#host.pf.setNumVfs(vfs.length);
    copy.clock.advance(LINK_NS);
    this.#applySettings();
    for (const vf of vfs.keys()) if (this.#isUsed(vf)) this.#start(vf, copy.memory.sizeBytes);
    if (!netdev.up) this.#host.pf.close();
    copy.clock.advance(LINK_NS);
  }

  /** What the administrator set, as igb writes it to the card. */
  #applySettings(): void {
    const control = this.#host.pf.vfs;
    for (const [index, vf] of this.#adapter.vfs.entries()) {
      if (vf.macSetByPf) control?.setMac(index, macBytes(vf.mac));
      if (vf.vlan !== 0 || vf.qos !== 0) control?.setVlan(index, vf.vlan, vf.qos);
      if (vf.maxTxRate !== 0) control?.setRate(index, 0, vf.maxTxRate);
      if (!vf.spoofCheck) control?.setSpoofCheck(index, false);
      if (vf.trusted) control?.setTrust(index, true);
    }
  }

  /** An interface of igbvf that is up, or a VF that a process has by VFIO, in whose guest igbvf runs. */
  #isUsed(vf: number): boolean {
    const dev = this.#devOf(vf);
    if (dev?.driver?.name === "vfio-pci") return this.#linux.processes.usersOf(dev.bdf).length > 0;
    return this.#netdevOf(vf)?.up === true;
  }

  #devOf(vf: number): PciDev | undefined {
    return this.#adapter.dev.sriov?.vfs.get(vf);
  }

  #netdevOf(vf: number): NetDevice | undefined {
    return this.#linux.net.all.find(({ options }) => options.dev !== undefined && options.dev === this.#devOf(vf));
  }

  #start(vf: number, endOfRam: number): void {
    const own = this.#netdevOf(vf)?.mac ?? this.#adapter.vfs[vf]?.mac ?? ZERO_MAC;
    const guest = new Guest({
      host: this.#host,
      base: endOfRam - (this.#adapter.vfs.length - vf) * GUEST_BYTES,
      sizeBytes: GUEST_BYTES,
      receive: () => {
        this.#received++;
      },
      // Of a guest that has made one up itself, nobody here knows it.
      randomAddress: () => (own === ZERO_MAC ? Uint8Array.of(0x02, 0, 0, 0, 0, vf) : macBytes(own)),
    });
    guest.attach(vf);
    this.#guests.set(vf, guest);
  }

  #driverOf(vf: number): IgbvfDriver {
    const guest = this.#guests.get(vf);
    if (guest === undefined) throw new KernelError(this.#devOf(vf) === undefined ? "ENODEV" : "ENETDOWN");
    return guest.driver;
  }

  /**
   * What others know it by. An interface goes by its own address even where igb has given the VF another meanwhile, until its
   * driver is loaded anew.
   */
  #addressOf(end: number | "pf"): Uint8Array {
    if (end === "pf") return this.#host.pf.address;
    const address = this.#netdevOf(end)?.mac ?? this.#adapter.vfs[end]?.mac;
    if (address !== undefined && address !== ZERO_MAC) return macBytes(address);
    const guest = this.#guests.get(end);
    if (guest === undefined) throw new KernelError("ENODEV");
    return guest.driver.address;
  }

  send(from: number, to: number | "pf", frames: number, bytes: number): TrafficReport {
    const sender = this.#driverOf(from);
    const frame = new Uint8Array(bytes - FCS_BYTES);
    frame.set(this.#addressOf(to), 0);
    frame.set(this.#addressOf(from), 6);
    new DataView(frame.buffer).setUint16(HEADER_BYTES - 2, ETHER_TYPE);
    const { clock } = this.#host.machine;
    const began = clock.nowNs;
    let sent = 0;
    for (; sent < frames; sent++) {
      let waited = 0;
      for (; !sender.send(frame) && waited < STUCK_NS; waited += WAIT_NS) clock.advance(WAIT_NS);
      if (waited >= STUCK_NS) break;
      clock.advance((bytes + WIRE_OVERHEAD_BYTES) * 8 * NS_PER_BIT);
    }
    this.#drain(from);
    const registers = this.#host.registers;
    for (const [vf, guest] of this.#guests) this.#dropped.set(vf, guest.mmio.read32(RQDPC));
    return {
      sent,
      received: this.#received,
      tookNs: clock.nowNs - began,
      vfs: [...this.#guests.keys()].map((vf) => this.#vfTraffic(vf)),
      drops: {
        spoofed: registers.read32(E1000.SSVPC),
        noReceiver: registers.read32(E1000.SDPC),
        notFetched: registers.read32(E1000.HTDPMC),
      },
      toNetwork: registers.read32(E1000.GPTC),
      faults: this.#host.takeFaults(),
    };
  }

  /** Until all that is in the ring has been sent, which may take as long as a rate wants. */
  #drain(vf: number): void {
    const { clock } = this.#host.machine;
    const mmio = this.#guests.get(vf)?.mmio;
    const isEmpty = () => mmio?.read32(TDH) === mmio?.read32(TDT);
    for (let waited = 0; !isEmpty() && waited < STUCK_NS; waited += WAIT_NS) clock.advance(WAIT_NS);
    clock.advance(QUIET_NS);
  }

  #vfTraffic(vf: number): VfTraffic {
    const { rxPackets, rxBytes, txPackets, txBytes } = this.#driverOf(vf).statistics();
    return { vf, rxPackets, rxBytes, txPackets, txBytes, dropped: this.#dropped.get(vf) ?? 0 };
  }

  /** `netdev->stats`: of the PF's interface and those of igbvf here. A guest's are the guest's. */
  count(vfs: readonly VfTraffic[]): void {
    add(this.#adapter.netdev.statistics, this.#pf);
    for (const { vf, dropped, ...counted } of vfs) {
      const netdev = this.#netdevOf(vf);
      if (netdev !== undefined) add(netdev.statistics, { ...emptyStatistics(), ...counted, rxDropped: dropped });
    }
  }
}

function emptyStatistics(): LinkStatistics {
  return { rxPackets: 0, rxBytes: 0, rxDropped: 0, rxMulticast: 0, txPackets: 0, txBytes: 0, txDropped: 0 };
}

function add(to: LinkStatistics, more: LinkStatistics): void {
  for (const name of Object.keys(to) as (keyof LinkStatistics)[]) to[name] += more[name];
}
