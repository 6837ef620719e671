import type { Bdf } from "../pci/bdf.ts";
import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE } from "../pci/config-space.ts";
import { isUnread, type Kernel, type Observed, unread } from "./port.ts";

/**
 * The configuration space of the function at `bdf` as far as the kernel gives it: 64 bytes to those who are not root,
 * 256 of a conventional function, 4096 of a PCI Express one, anything of a dump.
 * @param limitBytes how much is wanted. Each register is read from the hardware, which takes some 1 ms for all 4096 bytes
 * and ten times that in a virtual machine.
 */
export async function configSpaceOf(
  kernel: Kernel,
  bdf: Bdf,
  limitBytes: number = PCI_CFG_SPACE_EXP_SIZE,
): Promise<Observed<ConfigSpace>> {
  if (kernel.config) return kernel.config(bdf);
  const path = `/sys/bus/pci/devices/${bdf}/config`;
  const bytes = await kernel.read(path, Math.min(limitBytes, PCI_CFG_SPACE_EXP_SIZE));
  if (isUnread(bytes)) return bytes;
  return bytes.length === 0 ? unread(path, "ENODATA", "the file is empty") : new ConfigSpace(bytes);
}
