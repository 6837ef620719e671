import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";

const PCI_MSI_FLAGS = 2;
const PCI_MSI_FLAGS_ENABLE = 0x1;
const PCI_MSIX_FLAGS = 2;
const PCI_MSIX_FLAGS_QSIZE = 0x7ff;
const PCI_MSIX_FLAGS_ENABLE = 0x8000;
const PCI_MSIX_TABLE = 4;
const BIR = 7;

/** How many vectors of MSI-X the function has (`pci_msix_vec_count`). */
function msixVectors(dev: PciDev): number {
  const { msix } = dev.capabilities;
  return msix === 0 ? 0 : (dev.read(msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
}

/**
 * `pci_alloc_irq_vectors`: of MSI-X, where there is not any one vector of MSI.
 * @param handler of MSI-X's vectors; what is modelled of a device without one sends no interrupts
 * @returns how many there are; 0 where the function has neither
 */
export function allocateVectors(linux: Linux, dev: PciDev, wanted: number, handler?: (vector: number) => void): number {
  const { msi, msix } = dev.capabilities;
  if (linux.options.noMsi) return 0;
  const count = Math.min(wanted, msixVectors(dev));
  if (count > 0 && handler !== undefined) writeTable(linux, dev, count, handler);
  if (count > 0) dev.update(msix + PCI_MSIX_FLAGS, 0, PCI_MSIX_FLAGS_ENABLE);
  else if (msi !== 0) dev.update(msi + PCI_MSI_FLAGS, 0, PCI_MSI_FLAGS_ENABLE);
  else return 0;
  const mode = count > 0 ? "msix" : "msi";
  dev.msiIrqs = Array.from({ length: Math.max(count, 1) }, () => ({ irq: linux.nextIrq++, mode }) as const);
  const folder = dev.folder?.folder("msi_irqs");
  for (const { irq } of dev.msiIrqs) folder?.shows(String(irq), () => mode);
  return dev.msiIrqs.length;
}

/** `msix_setup_interrupts`, `request_irq` */
function writeTable({ dma }: Linux, dev: PciDev, count: number, handler: (vector: number) => void): void {
  const at = dev.read(dev.capabilities.msix + PCI_MSIX_TABLE, 4);
  const bar = dev.bars[at & BIR];
  if (bar === undefined) throw new KernelError("ENODEV");
  const table = { requesterId: dev.routingId, address: bar.start + ((at & ~BIR) >>> 0) };
  const { interrupts } = dma;
  const handles = interrupts.allocate(table, count, handler);
  if (handles === undefined) throw new KernelError("ENOSPC");
  dev.msixTable = {
    restore: () => interrupts.writeMessages(table, handles),
    free: () => interrupts.free(handles),
  };
}

/** `pci_free_irq_vectors` */
export function freeVectors(dev: PciDev): void {
  const { msi, msix } = dev.capabilities;
  if (dev.msiIrqs.length === 0) return;
  if (msix !== 0) dev.update(msix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 0);
  if (msi !== 0) dev.update(msi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 0);
  dev.msixTable?.free();
  dev.msixTable = undefined;
  dev.msiIrqs = [];
  dev.folder?.removeChild("msi_irqs");
}
