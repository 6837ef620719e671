import { PCI_CFG_SPACE_EXP_SIZE, PCI_CFG_SPACE_SIZE } from "../../pci/config-space.ts";
import type { PciDev } from "./pci-dev.ts";

/** `pci_read_config`: 4,096 bytes of a PCI Express function, 256 of another. */
export function showConfig(dev: PciDev, limitBytes: number): Uint8Array {
  const size = dev.capabilities.express === 0 ? PCI_CFG_SPACE_SIZE : PCI_CFG_SPACE_EXP_SIZE;
  const length = Math.min(size, limitBytes);
  const bytes = new Uint8Array(Math.ceil(length / 4) * 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < length; at += 4) view.setUint32(at, dev.read(at, 4), true);
  return bytes.subarray(0, length);
}

/** `pci_write_config`, of a write at the beginning of the file. */
export function storeConfig(dev: PciDev, written: Uint8Array): void {
  for (const [at, byte] of written.entries()) dev.write(at, 1, byte);
}
