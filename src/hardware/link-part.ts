import type { BridgeFunction, Link } from "./bridge-function.ts";
import { logError } from "./error-log.ts";
import type { FunctionPart } from "./function-part.ts";
import type { PciFunction } from "./pci-function.ts";

const PCI_EXP_FLAGS = 0x02;
const PCI_EXP_FLAGS_SLOT = 0x100;
const MESSAGE_NUMBER_LSB = 9;
const PCI_EXP_LNKCAP = 0x0c;
const PCI_EXP_LNKCAP_SDERC = 0x8_0000;
const PCI_EXP_LNKCTL = 0x10;
const PCI_EXP_LNKCTL_LD = 0x10;
const PCI_EXP_LNKCTL_RL = 0x20;
const PCI_EXP_LNKSTA = 0x12;
const PCI_EXP_LNKSTA_SPEED_AND_WIDTH = 0x03ff;
const PCI_EXP_LNKSTA_DLLLA = 0x2000;
const PCI_EXP_LNKSTA_LBMS = 0x4000;
const PCI_EXP_SLTCAP = 0x14;
const PCI_EXP_SLTCAP_PCP = 0x2;
const PCI_EXP_SLTCAP_NCCS = 0x4_0000;
const PCI_EXP_SLTCTL = 0x18;
const PCI_EXP_SLTCTL_ABPE = 0x01;
const PCI_EXP_SLTCTL_PDCE = 0x08;
const PCI_EXP_SLTCTL_CCIE = 0x10;
const PCI_EXP_SLTCTL_HPIE = 0x20;
const PCI_EXP_SLTCTL_PCC = 0x400;
const PCI_EXP_SLTCTL_DLLSCE = 0x1000;
const PCI_EXP_SLTCTL_EIC = 0x800;
const PCI_EXP_SLTSTA = 0x1a;
const PCI_EXP_SLTSTA_ABP = 0x01;
const PCI_EXP_SLTSTA_PDC = 0x08;
const PCI_EXP_SLTSTA_CC = 0x10;
const PCI_EXP_SLTSTA_PDS = 0x40;
const PCI_EXP_SLTSTA_EIS = 0x80;
const PCI_EXP_SLTSTA_DLLSC = 0x100;
const PCI_EXP_LNKCTL2 = 0x30;

/** The link of a downstream port; undefined of any other. */
export function linkPart(port: BridgeFunction): LinkPart | undefined {
  const express = port.express(0);
  return express === undefined || !port.leadsToLink ? undefined : new LinkPart(port, express);
}

interface LinkState {
  readonly broken: boolean;
}

/** The link of a downstream port, and the slot that it may lead to (PCIe 6.0 §6.7, §7.5.3.6 to §7.5.3.11). */
class LinkPart implements FunctionPart, Link {
  readonly key = "link";
  readonly start: number;
  readonly end: number;
  readonly #port: BridgeFunction;
  readonly #express: number;
  /** A fault keeps it down. */
  #broken = false;

  constructor(port: BridgeFunction, express: number) {
    this.#port = port;
    this.#express = express;
    this.start = express + PCI_EXP_LNKCTL;
    this.end = express + PCI_EXP_SLTCTL + 2;
  }

  /** Something is at the other end. */
  get present(): boolean {
    return this.#port.below.functions.size > 0;
  }

  /** Trains the link for the first time, at power on. */
  powerOn(): void {
    this.#port.linkUp = this.#wanted;
    if (this.#port.linkUp) this.#negotiate();
    this.#showPresence();
  }

  /** The link fails, or comes back. */
  setBroken(broken: boolean): void {
    this.#broken = broken;
    this.#settle(true);
  }

  /** A card was pulled out or put in: what is below the port has changed already. */
  presenceChanged(): void {
    this.#settle(true);
    this.#showPresence();
    this.#event(PCI_EXP_SLTSTA_PDC, PCI_EXP_SLTCTL_PDCE);
  }

  pressAttentionButton(): void {
    this.#event(PCI_EXP_SLTSTA_ABP, PCI_EXP_SLTCTL_ABPE);
  }

  written(offset: number, size: number): void {
    const { config } = this.#port;
    const at = this.#express + PCI_EXP_LNKCTL;
    const retrain = (config.read(at, 2) & PCI_EXP_LNKCTL_RL) !== 0;
    // Retrain Link always reads 0.
    config.setBits(at, 2, PCI_EXP_LNKCTL_RL, 0);
    this.#settle(false);
    if (retrain && this.#port.linkUp) {
      this.#negotiate();
      config.setBits(this.#express + PCI_EXP_LNKSTA, 2, PCI_EXP_LNKSTA_LBMS, PCI_EXP_LNKSTA_LBMS);
    }
    const slotControl = this.#express + PCI_EXP_SLTCTL;
    if (offset < slotControl + 2 && offset + size > slotControl) this.#slotControlWritten();
  }

  reset(): void {
    this.#showPresence();
    if (this.#port.linkUp) this.#negotiate();
  }

  save(): LinkState {
    return { broken: this.#broken };
  }

  restore(state: unknown): void {
    this.#broken = (state as LinkState).broken;
  }

  get #wanted(): boolean {
    const disabled = (this.#read(PCI_EXP_LNKCTL) & PCI_EXP_LNKCTL_LD) !== 0;
    return this.present && !disabled && this.#powered && !this.#broken;
  }

  get #hasSlot(): boolean {
    return (this.#read(PCI_EXP_FLAGS) & PCI_EXP_FLAGS_SLOT) !== 0;
  }

  get #powered(): boolean {
    if (!this.#hasSlot || (this.#read(PCI_EXP_SLTCAP) & PCI_EXP_SLTCAP_PCP) === 0) return true;
    return (this.#read(PCI_EXP_SLTCTL) & PCI_EXP_SLTCTL_PCC) === 0;
  }

  /** @param surprising nobody asked for the change: a link that goes down so is an error (PCIe 6.0 §3.2.1) */
  #settle(surprising: boolean): void {
    const up = this.#wanted;
    const port = this.#port;
    if (up === port.linkUp) return;
    port.linkUp = up;
    if (up) this.#negotiate();
    else {
      const status = this.#express + PCI_EXP_LNKSTA;
      port.config.setBits(status, 2, PCI_EXP_LNKSTA_SPEED_AND_WIDTH | PCI_EXP_LNKSTA_DLLLA, 0);
      if (surprising && (port.config.read(this.#express + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_SDERC) !== 0) {
        logError(port, "surpriseDownError");
      }
    }
    // What is below is reset by it (PCIe 6.0 §6.6.1).
    port.resetBelow();
    port.surroundings.decodeChanged();
    this.#event(PCI_EXP_SLTSTA_DLLSC, PCI_EXP_SLTCTL_DLLSCE);
  }

  /** The greatest speed and width that both ends have (PCIe 6.0 §7.5.3.8). */
  #negotiate(): void {
    const own = this.#read(PCI_EXP_LNKCAP);
    const target = this.#read(PCI_EXP_LNKCTL2) & 0xf;
    for (const fn of this.#port.below.functions.values()) {
      const at = fn.express(PCI_EXP_LNKCAP);
      if (at === undefined) continue;
      const other = fn.config.read(at, 4);
      const speed = Math.min(own & 0xf, other & 0xf, target === 0 ? 1 : target);
      const width = Math.min((own >>> 4) & 0x3f, (other >>> 4) & 0x3f);
      const mask = PCI_EXP_LNKSTA_SPEED_AND_WIDTH;
      setLinkStatus(fn, mask, speed | (width << 4));
      setLinkStatus(this.#port, mask | PCI_EXP_LNKSTA_DLLLA, speed | (width << 4) | PCI_EXP_LNKSTA_DLLLA);
    }
  }

  #showPresence(): void {
    if (!this.#hasSlot) return;
    const { config } = this.#port;
    config.setBits(this.#express + PCI_EXP_SLTSTA, 2, PCI_EXP_SLTSTA_PDS, this.present ? PCI_EXP_SLTSTA_PDS : 0);
  }

  /** A write to Slot Control is a command, done at once (PCIe 6.0 §6.7.3.2). */
  #slotControlWritten(): void {
    if (!this.#hasSlot) return;
    const { config } = this.#port;
    const control = this.#express + PCI_EXP_SLTCTL;
    if ((config.read(control, 2) & PCI_EXP_SLTCTL_EIC) !== 0) {
      // A one turns the interlock over, and reads 0 (§7.5.3.10).
      config.setBits(control, 2, PCI_EXP_SLTCTL_EIC, 0);
      const status = this.#express + PCI_EXP_SLTSTA;
      config.setBits(status, 2, PCI_EXP_SLTSTA_EIS, config.read(status, 2) ^ PCI_EXP_SLTSTA_EIS);
    }
    if ((this.#read(PCI_EXP_SLTCAP) & PCI_EXP_SLTCAP_NCCS) === 0) this.#event(PCI_EXP_SLTSTA_CC, PCI_EXP_SLTCTL_CCIE);
  }

  /** An event of the slot: its bit, and an interrupt where both it and hot-plug interrupts are enabled (§6.7.3.4). */
  #event(status: number, enable: number): void {
    if (!this.#hasSlot) return;
    const port = this.#port;
    port.config.setBits(this.#express + PCI_EXP_SLTSTA, 2, status, status);
    const control = this.#read(PCI_EXP_SLTCTL);
    const wanted = enable | PCI_EXP_SLTCTL_HPIE;
    if ((control & wanted) === wanted) port.interrupt((this.#read(PCI_EXP_FLAGS) >>> MESSAGE_NUMBER_LSB) & 0x1f);
  }

  #read(register: number): number {
    const size = register === PCI_EXP_LNKCAP || register === PCI_EXP_SLTCAP ? 4 : 2;
    return this.#port.config.read(this.#express + register, size);
  }
}

function setLinkStatus(fn: PciFunction, mask: number, value: number): void {
  const at = fn.express(PCI_EXP_LNKSTA);
  if (at !== undefined) fn.config.setBits(at, 2, mask, value);
}
