import { IGB_MODULE } from "./drivers/igb.ts";
import { IGBVF_MODULE } from "./drivers/igbvf.ts";
import { NETDEVSIM_MODULE } from "./drivers/netdevsim.ts";
import { NIC_MODULES } from "./drivers/nic-families.ts";
import { NVME_MODULES } from "./drivers/nvme.ts";
import { PCIEPORT_MODULE } from "./drivers/pcieport.ts";
import { QAT_MODULES } from "./drivers/qat.ts";
import { VFIO_MODULES } from "./drivers/vfio-pci.ts";
import { VIRTIO_MODULES } from "./drivers/virtio-pci.ts";
import type { KernelModule } from "./linux.ts";

/** All modules that the modelled Linux has. */
export const KNOWN_MODULES: readonly KernelModule[] = [
  PCIEPORT_MODULE,
  IGB_MODULE,
  IGBVF_MODULE,
  ...VFIO_MODULES,
  ...NIC_MODULES,
  ...QAT_MODULES,
  ...NVME_MODULES,
  ...VIRTIO_MODULES,
  NETDEVSIM_MODULE,
];
