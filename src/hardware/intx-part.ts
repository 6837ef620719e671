import { AER } from "../pci/extended/aer.ts";
import { BridgeFunction, busOf } from "./bridge-function.ts";
import type { FunctionPart, Intx } from "./function-part.ts";
import type { PciFunction } from "./pci-function.ts";

const PCI_COMMAND = 0x04;
const PCI_COMMAND_INTX_DISABLE = 0x400;
const PCI_STATUS = 0x06;
const PCI_STATUS_INTERRUPT = 0x8;
const PCI_INTERRUPT_PIN = 0x3d;
const PCI_EXP_SLTCTL = 0x18;
const PCI_EXP_SLTCTL_HPIE = 0x20;
const PCI_EXP_SLTSTA = 0x1a;
/** Attention button, power fault, MRL sensor, presence, command completed: of one place in Slot Control and Slot Status. */
const SLOT_EVENTS = 0x1f;
const PCI_EXP_SLTCTL_DLLSCE = 0x1000;
const PCI_EXP_SLTSTA_DLLSC = 0x100;
const PCI_ERR_ROOT_COMMAND = 0x2c;
const PCI_ERR_ROOT_STATUS = 0x30;
const COR_RECEIVED = 0x01;
const NON_FATAL_RECEIVED = 0x20;
const FATAL_RECEIVED = 0x40;

/** INTx of a function (PCIe 6.0 §6.1.2, §7.5.1.1.3, §7.5.1.1.4): a level, which stays until its cause is served. */
class IntxPart implements FunctionPart, Intx {
  readonly key = "intx";
  readonly start = 0;
  /** Command, MSI's and MSI-X's enables, and what a port's own conditions are made of, wherever they are. */
  readonly end = Number.POSITIVE_INFINITY;
  readonly pin: number;
  readonly #fn: PciFunction;
  #pending = false;
  #asserted = false;

  constructor(fn: PciFunction, pin: number) {
    this.#fn = fn;
    this.pin = pin;
  }

  get asserted(): boolean {
    return this.#asserted;
  }

  setPending(pending: boolean): void {
    if (this.#pending === pending) return;
    this.#pending = pending;
    this.settle();
  }

  settle(): void {
    const fn = this.#fn;
    // A function that uses MSI or MSI-X has no INTx (§6.1.4).
    const pending =
      (this.#pending || (fn instanceof BridgeFunction && portWaits(fn))) &&
      !fn.interrupters.some(({ enabled }) => enabled);
    fn.config.setBits(PCI_STATUS, 2, PCI_STATUS_INTERRUPT, pending ? PCI_STATUS_INTERRUPT : 0);
    // Interrupt Disable leaves Interrupt Status alone (§7.5.1.1.4); Bus Master Enable is for memory and I/O requests only.
    const disabled = (fn.config.read(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) !== 0;
    const asserted = pending && !disabled && fn.powerState === 0;
    if (asserted === this.#asserted) return;
    this.#asserted = asserted;
    fn.surroundings.intxChanged(fn);
  }

  written(): void {
    this.settle();
  }

  reset(): void {
    this.#pending = false;
    this.settle();
  }

  save(): unknown {
    return this.#pending ? { pending: true } : undefined;
  }

  restore(state: unknown): void {
    this.#pending = (state as { pending: boolean } | undefined)?.pending === true;
    this.settle();
  }
}

/** INTx of a function that has an Interrupt Pin. A VF has none: its pin is 0 (SR-IOV 1.1 §3.4.1.18, as vfio_pci_config.c has it). */
export function intxPart(fn: PciFunction): (FunctionPart & Intx) | undefined {
  const pin = fn.config.read(PCI_INTERRUPT_PIN, 1);
  return pin === 0 ? undefined : new IntxPart(fn, pin - 1);
}

/** A port's own conditions: of its slot (PCIe 6.0 §6.7.3.4), and of errors that it collected (§6.2.4.1.2). */
function portWaits(port: BridgeFunction): boolean {
  const { config } = port;
  const slot = port.express(PCI_EXP_SLTCTL);
  const slotStatus = port.express(PCI_EXP_SLTSTA);
  if (slot !== undefined && slotStatus !== undefined) {
    const control = config.read(slot, 2);
    const status = config.read(slotStatus, 2);
    const link = (control & PCI_EXP_SLTCTL_DLLSCE) !== 0 && (status & PCI_EXP_SLTSTA_DLLSC) !== 0;
    if ((control & PCI_EXP_SLTCTL_HPIE) !== 0 && ((control & status & SLOT_EVENTS) !== 0 || link)) return true;
  }
  const aer = port.template.offsetOf(AER, true);
  if (aer === undefined) return false;
  const command = config.read(aer + PCI_ERR_ROOT_COMMAND, 4);
  const received = config.read(aer + PCI_ERR_ROOT_STATUS, 4);
  return [COR_RECEIVED, NON_FATAL_RECEIVED, FATAL_RECEIVED].some(
    (bit, index) => (received & bit) !== 0 && (command & (1 << index)) !== 0,
  );
}

/** A wire of the root complex. */
export interface RootIntx {
  /** Device number on bus 0: of a root port, or of a device that is part of the root complex. */
  readonly device: number;
  /** 0 INTA to 3 INTD. */
  readonly pin: number;
}

/**
 * Where a function's INTx comes out at the root: each bridge turns the wires by the device number that they come from
 * (PCIe 6.0 §2.2.8.1, Table 2-21; Linux's `pci_swizzle_interrupt_pin`). A link that is down has all its wires deasserted.
 */
export function rootIntx(fn: PciFunction, ownPin: number): RootIntx | undefined {
  let pin = ownPin;
  let from = fn;
  for (let { bridge } = busOf(fn); bridge !== undefined; bridge = bridge.bus?.bridge) {
    if (!bridge.linkUp) return undefined;
    // At the end of a link there is device 0 alone, all the more with ARI.
    if (!bridge.leadsToLink) pin = (pin + (from.devfn >>> 3)) & 3;
    from = bridge;
  }
  return { device: from.devfn >>> 3, pin };
}

/**
 * The interrupt of the chipset that a wire of the root is led to: 20 to 23 of a Q35's I/O APIC, by device number again
 * (QEMU's acpi-build.c, which the modelled kernel's `acpi_pci_irq_enable` goes by).
 */
export function ioApicInput({ device, pin }: RootIntx): number {
  return 20 + ((device + pin) & 3);
}
