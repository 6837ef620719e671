import { restoreSriov } from "./iov-init.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";

const PCI_COMMAND = 0x04;
const PCI_COMMAND_INTX_DISABLE = 0x400;
const PCI_BRIDGE_CONTROL = 0x3e;
const PCI_BRIDGE_CTL_BUS_RESET = 0x40;
const PCI_EXP_DEVCTL = 0x08;
const PCI_EXP_DEVCTL_BCR_FLR = 0x8000;
/** What `pci_save_pcie_state` keeps: Device, Link, Slot and Root Control, and the second ones. */
const EXPRESS_CONTROLS = [0x08, 0x10, 0x28, 0x30] as const;
const PCI_PM_CTRL = 4;
const PCI_PM_CTRL_STATE_MASK = 0x3;
const PCI_D3HOT = 3;
const PCI_MSIX_FLAGS = 2;
const HEADER_BYTES = 64;

interface SavedState {
  readonly header: readonly number[];
  readonly express: readonly number[];
  readonly msix: number;
}

/** `pci_reset_function`: all that a reset undoes is put back, the VFs of a PF included. @throws KernelError ENOTTY */
export async function resetFunction(linux: Linux, dev: PciDev): Promise<void> {
  if (dev.resetMethods.length === 0) throw new KernelError("ENOTTY");
  await dev.lock.run(async () => {
    const driver = linux.drivers.of(dev);
    await driver?.resetPrepare?.(linux, dev);
    const saved = save(dev);
    dev.write(PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    await tryMethods(linux, dev);
    await restore(linux, dev, saved);
    await driver?.resetDone?.(linux, dev);
  });
}

/** `__pci_reset_function_locked`: the first way that works. */
async function tryMethods(linux: Linux, dev: PciDev): Promise<void> {
  const { express, power } = dev.capabilities;
  const [method] = dev.resetMethods;
  if (method === "flr") {
    // pcie_flr
    dev.update(express + PCI_EXP_DEVCTL, 0, PCI_EXP_DEVCTL_BCR_FLR);
    await linux.time.sleep(100);
  } else if (method === "pm") {
    // pci_pm_reset: to D3hot and back.
    dev.update(power + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK, PCI_D3HOT);
    await linux.time.sleep(10);
    dev.update(power + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK, 0);
    await linux.time.sleep(10);
  } else {
    // pci_reset_secondary_bus: 2 ms, then 1 s until what is below answers again.
    dev.bridge?.update(PCI_BRIDGE_CONTROL, 0, PCI_BRIDGE_CTL_BUS_RESET);
    await linux.time.sleep(2);
    dev.bridge?.update(PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 0);
    await linux.time.sleep(1000);
  }
}

/** `pci_save_state` */
function save(dev: PciDev): SavedState {
  const { express, msix } = dev.capabilities;
  const header: number[] = [];
  for (let at = 0; at < HEADER_BYTES; at += 4) header.push(dev.read(at, 4));
  return {
    header,
    express: express === 0 ? [] : EXPRESS_CONTROLS.map((at) => dev.read(express + at, 2)),
    msix: msix === 0 ? 0 : dev.read(msix + PCI_MSIX_FLAGS, 2),
  };
}

/** `pci_restore_state`: the header from its end, so that Command, which enables the BARs, comes after them. */
async function restore(linux: Linux, dev: PciDev, saved: SavedState): Promise<void> {
  const { express, msix } = dev.capabilities;
  for (const [index, at] of EXPRESS_CONTROLS.entries()) {
    const value = saved.express[index];
    if (value !== undefined) dev.write(express + at, 2, value & ~PCI_EXP_DEVCTL_BCR_FLR);
  }
  for (let index = saved.header.length - 1; index >= 0; index--) {
    const value = saved.header[index] ?? 0;
    if (dev.read(index * 4, 4) !== value) dev.write(index * 4, 4, value);
  }
  if (msix !== 0) dev.write(msix + PCI_MSIX_FLAGS, 2, saved.msix);
  dev.msixTable?.restore();
  await restoreSriov(linux, dev);
}
