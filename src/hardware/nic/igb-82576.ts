import type { DeviceModel, DeviceState, PfDeviceModel, Quiet, ResetKind } from "../device-model.ts";
import type { DevicePort } from "../device-port.ts";
import { eeprom82576, readEeprom } from "./eeprom.ts";
import { Forwarder } from "./forward.ts";
import { E1000_ICR_LSC, Interrupts } from "./interrupts.ts";
import { Mailbox } from "./mailbox.ts";
import { accessPhy, Phy } from "./phy.ts";
import { E1000_QUEUE_ENABLE, Receiver } from "./receive.ts";
import { RegisterFile } from "./register-file.ts";
import { DWORD, POOLS, QUEUES, type RegisterName } from "./registers-82576.ts";
import { Transmitter } from "./transmit.ts";
import { Vf82576, type VfCard } from "./vf-82576.ts";
import { VfState } from "./vf-state.ts";
import type { Wire, WireEnd } from "./wire.ts";

const E1000_CTRL_GIO_MASTER_DISABLE = 0x0000_0004;
const E1000_CTRL_SLU = 0x0000_0040;
const E1000_CTRL_RST = 0x0400_0000;
const E1000_CTRL_PHY_RST = 0x8000_0000;
const E1000_STATUS_FD = 0x0000_0001;
const E1000_STATUS_LU = 0x0000_0002;
const E1000_STATUS_SPEED_1000 = 0x0000_0080;
const E1000_STATUS_PHYRA = 0x0000_0400;
const E1000_STATUS_IOV_MODE = 0x0004_0000;
const E1000_STATUS_GIO_MASTER_ENABLE = 0x0008_0000;
const E1000_CTRL_EXT_PFRSTD = 0x0000_4000;
/** ASDCHK and EE_RST clear themselves. */
const CTRL_EXT_SELF_CLEARING = 0x0000_3000;
const E1000_EECD_REQ = 0x40;
const E1000_EECD_GNT = 0x80;
const E1000_SWSM_SMBI = 0x1;
const E1000_RAH_AV = 0x8000_0000;
const ALL_QUEUES = 0xffff;
const MMIO_BAR = 0;
const IO_BAR = 2;
/** What a software reset leaves as it is (82576 data sheet §4.2). */
const KEPT_BY_SOFTWARE_RESET: readonly RegisterName[] = ["RXPBS", "TXPBS", "EITR"];

/** Whether a VF sees the link as it is, or as the PF's software wants it to. */
export type VfLinkState = "auto" | "enable" | "disable";

export interface Card82576 {
  /** The PF's own port. */
  readonly port: DevicePort;
  /** Each VF's, once VFs are enabled. */
  readonly vfPort: (vfIndex: number) => DevicePort;
  readonly macAddress: Uint8Array;
  /** Which of the chip's two ports it is. */
  readonly lanId?: 0 | 1;
  readonly wire?: Wire;
}

/**
 * One port of an Intel 82576: the PF, and through it all that its VFs share. Software sees what Linux's igb and igbvf, and
 * QEMU's model of the same card, know of the data sheet (324632 rev. 2.7).
 */
export class Igb82576 implements PfDeviceModel, VfCard, WireEnd {
  readonly #card: Card82576;
  readonly #registers = new RegisterFile();
  readonly #values = this.#registers.values;
  readonly #ports: DevicePort[];
  readonly #vfPorts: DevicePort[] = [];
  readonly #interrupts: Interrupts;
  readonly #mailbox: Mailbox;
  readonly #receiver: Receiver;
  readonly #forwarder: Forwarder;
  readonly #transmitter: Transmitter;
  readonly #phy: Phy;
  readonly #vfState: VfState;
  readonly #eeprom: Uint16Array;
  #vfs: Vf82576[] = [];
  readonly #vfLinks: VfLinkState[] = Array.from({ length: POOLS }, () => "auto" as const);
  readonly #vfQuiet: Quiet[] = Array.from({ length: POOLS }, () => "no" as const);
  #ioAddress = 0;
  #linkUp = false;

  constructor(card: Card82576) {
    this.#card = card;
    const { port, macAddress } = card;
    const registers = this.#registers;
    this.#ports = Array.from({ length: QUEUES }, () => port);
    this.#eeprom = eeprom82576(macAddress);
    this.#interrupts = new Interrupts(registers, port, this.#vfPorts);
    this.#mailbox = new Mailbox(registers, this.#interrupts);
    this.#receiver = new Receiver(registers, this.#interrupts, this.#ports);
    this.#forwarder = new Forwarder(registers, this.#interrupts, this.#receiver, (bytes, at, length) => {
      if (this.#phy.loopback) this.receive(bytes, at, length);
      else card.wire?.transmit(this, bytes, at, length);
    });
    this.#transmitter = new Transmitter(registers, this.#interrupts, this.#ports, (queue, packet, length, tag) =>
      this.#forwarder.send(queue, packet, length, tag),
    );
    this.#vfState = new VfState(registers, this.#interrupts, this.#receiver, this.#transmitter);
    this.#phy = new Phy(port.clock, true, () => this.#updateLink());
    this.#installHooks();
    this.#loadEeprom();
  }

  readBar(bar: number, offset: number, size: 1 | 2 | 4): number {
    const value = this.#readDword(bar, offset & ~3);
    if (size === 4) return value;
    return (value >>> ((offset & 3) * 8)) & (size === 2 ? 0xffff : 0xff);
  }

  /** Registers are written as dwords only (82576 data sheet §8.1). */
  writeBar(bar: number, offset: number, size: 1 | 2 | 4, value: number): void {
    if (size !== 4) return;
    if (bar === MMIO_BAR) this.#registers.write(offset, value);
    else if (bar === IO_BAR && offset === 0) this.#ioAddress = value;
    else if (bar === IO_BAR && offset === 4) this.#registers.write(this.#ioAddress, value);
  }

  read(offset: number): number {
    return this.#registers.read(offset);
  }

  write(offset: number, value: number): void {
    this.#registers.write(offset, value);
  }

  /** The VFs are the function's to disable; a conventional reset reaches the PHY too. */
  reset(kind: ResetKind): void {
    this.#resetRegisters([]);
    if (kind === "conventional") this.#phy.reset();
  }

  enableVfs(numVfs: number): void {
    this.disableVfs();
    for (let vf = 0; vf < Math.min(numVfs, POOLS); vf++) {
      const port = this.#card.vfPort(vf);
      this.#vfPorts[vf] = port;
      this.#ports[vf] = port;
      this.#ports[vf + POOLS] = port;
      this.#vfs.push(new Vf82576(this, vf));
    }
    this.#interrupts.numVfs = this.#vfs.length;
  }

  disableVfs(): void {
    this.#vfs.forEach((_, vf) => {
      this.#vfState.reset(vf);
      this.#ports[vf] = this.#card.port;
      this.#ports[vf + POOLS] = this.#card.port;
    });
    this.#vfs = [];
    this.#vfPorts.length = 0;
    this.#interrupts.numVfs = 0;
    this.#vfLinks.fill("auto");
    this.#vfQuiet.fill("no");
    this.#silence();
  }

  vf(vfIndex: number): DeviceModel {
    const vf = this.#vfs[vfIndex];
    if (vf === undefined) throw new RangeError(`VF ${vfIndex} of ${this.#vfs.length} that are enabled`);
    return vf;
  }

  /** A frame comes in from the wire. */
  receive(bytes: Uint8Array, at: number, length: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#forwarder.receive(bytes, view, at, length);
    if (!this.#transmitter.isBusy) this.#interrupts.flush();
  }

  /** Whether there is somebody at the other end of the wire; without, the link goes down. */
  get carrier(): boolean {
    return this.#phy.carrier;
  }

  set carrier(carrier: boolean) {
    this.#phy.carrier = carrier;
  }

  /**
   * Has a VF see a link that is up, or down, whatever the wire says. The 82576 has no register for it, other cards' firmware
   * has (`ip link set ... vf N state`). A VF whose link is down neither sends nor gets anything; one whose link is up reaches
   * the card's other pools though the wire is dead.
   */
  setVfLink(vfIndex: number, state: VfLinkState): void {
    this.#vfLinks[vfIndex] = state;
    this.#silence();
    this.#transmitter.kick(ALL_QUEUES);
  }

  /** VFIO's RUNNING_P2P and STOP: neither frames nor messages of a VF, until it goes on with what is in its rings. */
  setVfQuiet(vfIndex: number, quiet: Quiet): void {
    this.#vfQuiet[vfIndex] = quiet;
    this.#silence();
    this.#transmitter.kick(ALL_QUEUES);
  }

  vfQuiet(vfIndex: number): Quiet {
    return this.#vfQuiet[vfIndex] ?? "no";
  }

  vfStatus(vfIndex: number): number {
    const status = this.#status() & (E1000_STATUS_FD | E1000_STATUS_LU | E1000_STATUS_SPEED_1000);
    const link = this.#vfLinks[vfIndex];
    if (link === "enable") return status | E1000_STATUS_LU | E1000_STATUS_SPEED_1000;
    return link === "disable" ? status & ~(E1000_STATUS_LU | E1000_STATUS_SPEED_1000) : status;
  }

  /** A VF's Function Level Reset, or VTCTRL.RST: queues off, and the PF is told. */
  resetVf(vfIndex: number): void {
    this.#vfState.reset(vfIndex);
    if (this.#vfQuiet[vfIndex] !== "no") this.setVfQuiet(vfIndex, "no");
    this.#values[DWORD.VFRE] = (this.#values[DWORD.VFRE] as number) & ~(1 << vfIndex);
    this.#values[DWORD.VFTE] = (this.#values[DWORD.VFTE] as number) & ~(1 << vfIndex);
    this.#mailbox.vfReset(vfIndex);
  }

  saveVf(vfIndex: number): DeviceState {
    return this.#vfState.save(vfIndex);
  }

  vfAccepts(vfIndex: number, state: DeviceState): boolean {
    return this.#vfState.accepts(vfIndex, state);
  }

  restoreVf(vfIndex: number, state: DeviceState): void {
    this.#vfState.restore(vfIndex, state);
  }

  save(): DeviceState {
    return {
      registers: this.#registers.save(),
      numVfs: this.#vfs.length,
      vfLinks: [...this.#vfLinks],
      vfQuiet: [...this.#vfQuiet],
      ioAddress: this.#ioAddress,
      phy: this.#phy.save(),
      interrupts: this.#interrupts.save(),
      transmitter: this.#transmitter.save(),
    };
  }

  restore(state: DeviceState): void {
    const saved = state as {
      registers: [number, number][];
      numVfs: number;
      vfLinks: VfLinkState[];
      vfQuiet: Quiet[];
      ioAddress: number;
      phy: DeviceState;
      interrupts: DeviceState;
      transmitter: DeviceState;
    };
    this.enableVfs(saved.numVfs);
    this.#registers.restore(saved.registers);
    for (let queue = 0; queue < QUEUES; queue++) this.#receiver.forget(queue);
    saved.vfLinks.forEach((link, vf) => {
      this.#vfLinks[vf] = link;
    });
    saved.vfQuiet.forEach((quiet, vf) => {
      this.#vfQuiet[vf] = quiet;
    });
    this.#ioAddress = saved.ioAddress;
    this.#phy.restore(saved.phy);
    this.#interrupts.restore(saved.interrupts);
    this.#transmitter.restore(saved.transmitter);
    this.#setLink();
    this.#silence();
  }

  #readDword(bar: number, offset: number): number {
    if (bar === MMIO_BAR) return this.#registers.read(offset);
    if (bar !== IO_BAR) return 0;
    if (offset === 0) return this.#ioAddress;
    return offset === 4 ? this.#registers.read(this.#ioAddress) : 0;
  }

  #status(): number {
    const control = this.#values[DWORD.CTRL] as number;
    const numVfs = this.#vfs.length;
    return (
      ((this.#values[DWORD.STATUS] as number) |
        E1000_STATUS_FD |
        (this.#linkUp ? E1000_STATUS_LU | E1000_STATUS_SPEED_1000 : 0) |
        ((this.#card.lanId ?? 0) << 2) |
        (numVfs === 0 ? 0 : (numVfs << 14) | E1000_STATUS_IOV_MODE) |
        ((control & E1000_CTRL_GIO_MASTER_DISABLE) === 0 ? E1000_STATUS_GIO_MASTER_ENABLE : 0)) >>>
      0
    );
  }

  /** The link is up where the PHY has one and the MAC may use it (CTRL.SLU). */
  #setLink(): void {
    this.#linkUp = this.#phy.link && ((this.#values[DWORD.CTRL] as number) & E1000_CTRL_SLU) !== 0;
    this.#forwarder.linkUp = this.#linkUp;
    this.#transmitter.linkUp = this.#linkUp;
  }

  #updateLink(): void {
    const was = this.#linkUp;
    this.#setLink();
    if (this.#linkUp === was) return;
    this.#interrupts.other(E1000_ICR_LSC);
    this.#transmitter.kick(ALL_QUEUES);
  }

  #silence(): void {
    const pools = (matches: (vf: number) => boolean) =>
      this.#vfLinks.reduce((bits, _, vf) => (matches(vf) ? bits | (1 << vf) : bits), 0);
    const quiet = pools((vf) => this.#vfQuiet[vf] !== "no");
    const silenced = quiet | pools((vf) => this.#vfLinks[vf] === "disable");
    this.#forwarder.silencedPools = silenced;
    this.#transmitter.silencedPools = silenced;
    this.#transmitter.forcedPools = pools((vf) => this.#vfLinks[vf] === "enable");
    this.#interrupts.setQuiet(quiet);
  }

  /** CTRL.RST and above: VFs see RSTI until the PF says PFRSTD. */
  #resetRegisters(except: readonly RegisterName[]): void {
    this.#registers.resetAll(except);
    this.#interrupts.reset();
    this.#transmitter.reset();
    for (let queue = 0; queue < QUEUES; queue++) this.#receiver.forget(queue);
    this.#loadEeprom();
    this.#setLink();
  }

  /** What the card reads of its EEPROM by itself: its address, into the first receive address. */
  #loadEeprom(): void {
    const address = this.#eeprom;
    this.#values[DWORD.RAL] = ((address[1] as number) << 16) | (address[0] as number);
    this.#values[DWORD.RAH] = (address[2] as number) | E1000_RAH_AV;
    for (const name of ["RXDCTL", "TXDCTL"] as const) {
      this.#values[DWORD[name]] = (this.#values[DWORD[name]] as number) | E1000_QUEUE_ENABLE;
    }
  }

  #writeControl(value: number): void {
    this.#values[DWORD.CTRL] = value & ~E1000_CTRL_RST & ~E1000_CTRL_PHY_RST;
    if ((value & E1000_CTRL_RST) !== 0) this.#resetRegisters(KEPT_BY_SOFTWARE_RESET);
    if ((value & E1000_CTRL_PHY_RST) !== 0) {
      this.#values[DWORD.STATUS] = (this.#values[DWORD.STATUS] as number) | E1000_STATUS_PHYRA;
      this.#phy.reset();
    }
    this.#updateLink();
  }

  #installHooks(): void {
    const registers = this.#registers;
    const values = this.#values;
    const clock = this.#card.port.clock;
    registers.onWrite("CTRL", (_, value) => this.#writeControl(value));
    registers.onRead("STATUS", () => this.#status());
    registers.onWrite("STATUS", (_, value) => {
      if ((value & E1000_STATUS_PHYRA) === 0) {
        values[DWORD.STATUS] = (values[DWORD.STATUS] as number) & ~E1000_STATUS_PHYRA;
      }
    });
    registers.onWrite("CTRL_EXT", (_, value) => {
      values[DWORD.CTRL_EXT] = value & ~CTRL_EXT_SELF_CLEARING;
      if ((value & E1000_CTRL_EXT_PFRSTD) !== 0) this.#mailbox.resetDone();
    });
    registers.onRead("EECD", () => {
      const value = values[DWORD.EECD] as number;
      return (value & E1000_EECD_REQ) !== 0 ? value | E1000_EECD_GNT : value;
    });
    registers.onWrite("EERD", (_, value) => {
      values[DWORD.EERD] = readEeprom(this.#eeprom, value);
    });
    registers.onWrite("MDIC", (_, value) => {
      values[DWORD.MDIC] = accessPhy(this.#phy, value);
    });
    registers.onRead("SWSM", () => {
      const value = values[DWORD.SWSM] as number;
      values[DWORD.SWSM] = value | E1000_SWSM_SMBI;
      return value;
    });
    registers.onRead("FRTIMER", () => {
      const us = Math.floor(clock.nowNs / 1000);
      return (us % 1000) | ((Math.floor(us / 1000) % 1000) << 10) | ((Math.floor(us / 1_000_000) & 0xfff) << 20);
    });
    registers.onWrite("VFTE", (_, value) => {
      values[DWORD.VFTE] = value;
      this.#transmitter.kick(ALL_QUEUES);
    });
    registers.onWrite("PVTCTRL", (vf, value) => {
      if ((value & E1000_CTRL_RST) !== 0) this.resetVf(vf);
    });
    for (const [high, low] of [
      ["GORCH", "GORCL"],
      ["GOTCH", "GOTCL"],
      ["TORH", "TORL"],
      ["TOTH", "TOTL"],
      ["HGORCH", "HGORCL"],
      ["HGOTCH", "HGOTCL"],
    ] as const) {
      registers.onRead(high, () => {
        const value = values[DWORD[high]] as number;
        values[DWORD[high]] = 0;
        values[DWORD[low]] = 0;
        return value;
      });
    }
  }
}
