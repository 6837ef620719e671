import type { ModelClock, Timer } from "../clock.ts";
import { NS_PER_MS } from "../clock.ts";
import type { DeviceState } from "../device-model.ts";

/** The internal copper PHY of the 82576, as igb knows it: `IGP03E1000_E_PHY_ID`, revision 1. */
const PHY_ID1 = 0x02a8;
const PHY_ID2 = 0x0391;

const MII_BMCR = 0;
const MII_BMSR = 1;
const MII_ANLPAR = 5;
const MII_STAT1000 = 10;
const IGP01E1000_PHY_PORT_STATUS = 0x11;

const BMCR_ANRESTART = 0x0200;
const BMCR_PDOWN = 0x0800;
const BMCR_ANENABLE = 0x1000;
const BMCR_LOOPBACK = 0x4000;
const BMCR_RESET = 0x8000;
const BMSR_LSTATUS = 0x0004;
const BMSR_ANEGCOMPLETE = 0x0020;
const ANLPAR_LPACK = 0x4000;
/** Both receivers of 1000BASE-T are well. */
const STAT1000_OK = 0x3000;
/** Speed 1000 Mb/s, resolved as MDI-X: igb tells the speed by it (igb_get_phy_info_igp). */
const PSSR_SPEED_1000MBPS = 0xc000;

const WRITABLE = new Set([0x00, 0x04, 0x07, 0x09, 0x10, 0x12, 0x19, 0x1f]);

/** Registers after reset, by number (IEEE 802.3 clause 22, and those of Intel's IGP PHYs). */
const RESET: readonly (readonly [number, number])[] = [
  [MII_BMCR, 0x1140],
  [MII_BMSR, 0x7949],
  [0x02, PHY_ID1],
  [0x03, PHY_ID2],
  [0x04, 0x0de1],
  [MII_ANLPAR, 0x0de1],
  [0x06, 0x0005],
  [0x07, 0x2001],
  [0x09, 0x0f00],
  [MII_STAT1000, 0x0c00],
  [0x0f, 0x3000],
  [0x10, 0x0120],
  [0x19, 0x008d],
];

/** How long negotiation takes: as long as in QEMU, where 1000BASE-T really needs one to three seconds. */
const AUTONEGOTIATION_NS = 500 * NS_PER_MS;

/** The PHY behind MDIC: it has a link where the wire has a carrier and negotiation is done. */
export class Phy {
  readonly #registers = new Uint16Array(32);
  readonly #clock: ModelClock;
  readonly #onLinkChange: () => void;
  #carrier: boolean;
  #negotiation: Timer | undefined;

  constructor(clock: ModelClock, carrier: boolean, onLinkChange: () => void) {
    this.#clock = clock;
    this.#carrier = carrier;
    this.#onLinkChange = onLinkChange;
    this.#setRegisters();
    this.#negotiate();
  }

  get link(): boolean {
    return ((this.#registers[MII_BMSR] as number) & BMSR_LSTATUS) !== 0;
  }

  /** What is sent comes back (igb_integrated_phy_loopback). */
  get loopback(): boolean {
    return ((this.#registers[MII_BMCR] as number) & BMCR_LOOPBACK) !== 0;
  }

  get carrier(): boolean {
    return this.#carrier;
  }

  set carrier(carrier: boolean) {
    if (carrier === this.#carrier) return;
    this.#carrier = carrier;
    this.#negotiate();
  }

  /** @returns undefined where there is no such register */
  read(register: number): number | undefined {
    return this.#registers[register];
  }

  /** @returns whether it can be written */
  write(register: number, value: number): boolean {
    if (!WRITABLE.has(register)) return false;
    if (register !== MII_BMCR) {
      this.#registers[register] = value;
    } else if ((value & BMCR_RESET) !== 0) {
      this.reset();
    } else {
      const was = this.#registers[MII_BMCR] as number;
      this.#registers[MII_BMCR] = value & ~BMCR_ANRESTART;
      if ((value & BMCR_ANRESTART) !== 0 || ((was ^ value) & (BMCR_PDOWN | BMCR_ANENABLE | BMCR_LOOPBACK)) !== 0)
        this.#negotiate();
    }
    return true;
  }

  reset(): void {
    const had = this.link;
    this.#setRegisters();
    if (had) this.#onLinkChange();
    this.#negotiate();
  }

  save(): DeviceState {
    const remainingNs = this.#negotiation === undefined ? null : this.#negotiation.atNs - this.#clock.nowNs;
    return { registers: [...this.#registers], carrier: this.#carrier, remainingNs };
  }

  restore(state: DeviceState): void {
    const { registers, carrier, remainingNs } = state as {
      registers: number[];
      carrier: boolean;
      remainingNs: number | null;
    };
    this.#registers.set(registers);
    this.#carrier = carrier;
    this.#negotiation?.cancel();
    this.#negotiation = remainingNs === null ? undefined : this.#clock.schedule(remainingNs, () => this.#linkUp());
  }

  #setRegisters(): void {
    this.#registers.fill(0);
    for (const [register, value] of RESET) this.#registers[register] = value;
  }

  /** The link is lost, and comes back after a time where there is somebody at the other end. */
  #negotiate(): void {
    const had = this.link;
    this.#negotiation?.cancel();
    this.#negotiation = undefined;
    this.#registers[MII_BMSR] = (this.#registers[MII_BMSR] as number) & ~(BMSR_LSTATUS | BMSR_ANEGCOMPLETE);
    this.#registers[IGP01E1000_PHY_PORT_STATUS] = 0;
    if (had) this.#onLinkChange();
    if (this.loopback) {
      this.#linkUp();
      return;
    }
    if (!this.#carrier || ((this.#registers[MII_BMCR] as number) & BMCR_PDOWN) !== 0) return;
    this.#negotiation = this.#clock.schedule(AUTONEGOTIATION_NS, () => this.#linkUp());
  }

  #linkUp(): void {
    this.#negotiation = undefined;
    this.#registers[MII_BMSR] = (this.#registers[MII_BMSR] as number) | BMSR_LSTATUS | BMSR_ANEGCOMPLETE;
    this.#registers[MII_ANLPAR] = (this.#registers[MII_ANLPAR] as number) | ANLPAR_LPACK;
    this.#registers[MII_STAT1000] = (this.#registers[MII_STAT1000] as number) | STAT1000_OK;
    this.#registers[IGP01E1000_PHY_PORT_STATUS] = PSSR_SPEED_1000MBPS;
    this.#onLinkChange();
  }
}

const MDIC_PHY = 1;
const MDIC_OP_WRITE = 0x0400_0000;
const MDIC_OP_READ = 0x0800_0000;
const MDIC_READY = 0x1000_0000;
const MDIC_ERROR = 0x4000_0000;

/** Does what was written to MDIC. @returns what it says then (igb_read_phy_reg_mdic) */
export function accessPhy(phy: Phy, value: number): number {
  const register = (value >>> 16) & 0x1f;
  const operation = (value & ~0xffff & ~MDIC_READY & ~MDIC_ERROR) >>> 0;
  if (((value >>> 21) & 0x1f) !== MDIC_PHY) return (operation | MDIC_READY | MDIC_ERROR) >>> 0;
  if ((value & MDIC_OP_READ) !== 0) {
    const data = phy.read(register);
    return (operation | MDIC_READY | (data ?? MDIC_ERROR)) >>> 0;
  }
  if ((value & MDIC_OP_WRITE) === 0) return (operation | (value & 0xffff) | MDIC_READY) >>> 0;
  const done = phy.write(register, value & 0xffff);
  return (operation | (value & 0xffff) | MDIC_READY | (done ? 0 : MDIC_ERROR)) >>> 0;
}
