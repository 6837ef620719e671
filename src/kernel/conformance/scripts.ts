import { BINDING, DYNAMIC_IDS } from "./binding.ts";
import { DRIVERS_AUTOPROBE, VF_DRIVER } from "./drivers-autoprobe.ts";
import { IGB_VF_DRIVER } from "./igb-vf-driver.ts";
import { IGB_VF_MAC } from "./igb-vf-mac.ts";
import { IGB_VF_SETTINGS } from "./igb-vf-settings.ts";
import { IGB_VF_VLAN } from "./igb-vf-vlan.ts";
import { NETDEVSIM_DEVLINK } from "./netdevsim-devlink.ts";
import { NETDEVSIM_ESWITCH } from "./netdevsim-eswitch.ts";
import { NETDEVSIM_NUM_VFS } from "./netdevsim-num-vfs.ts";
import { NETDEVSIM_VF_SETTINGS } from "./netdevsim-vf-settings.ts";
import { NO_IOMMU } from "./no-iommu.ts";
import { BUS_RANGE, MEMORY_WINDOW } from "./no-room.ts";
import { NUM_VFS_TEXTS, NUM_VFS_VALUES, NUM_VFS_WITHOUT_DRIVER } from "./num-vfs.ts";
import { NVME_SECONDARY } from "./nvme-secondary.ts";
import { PF_ON_VFIO } from "./pf-on-vfio.ts";
import { PF_DRIVER_GOES, PF_REMOVED } from "./removal.ts";
import { RESET_OF_A_PF, RESET_OF_A_VF } from "./reset.ts";
import type { ConformanceScript } from "./script.ts";
import { SECOND_PORT } from "./second-port.ts";
import { VF_ATTRIBUTES } from "./vf-attributes.ts";
import { VFIO_GROUP } from "./vfio-group.ts";
import { VIRTIO_NET } from "./virtio-net.ts";

/** All scripts, each run on the real kernel of the lab and on the model. */
export const CONFORMANCE_SCRIPTS: readonly ConformanceScript[] = [
  NUM_VFS_VALUES,
  NUM_VFS_TEXTS,
  NUM_VFS_WITHOUT_DRIVER,
  VF_ATTRIBUTES,
  DRIVERS_AUTOPROBE,
  VF_DRIVER,
  BINDING,
  DYNAMIC_IDS,
  PF_ON_VFIO,
  RESET_OF_A_VF,
  PF_DRIVER_GOES,
  PF_REMOVED,
  RESET_OF_A_PF,
  SECOND_PORT,
  IGB_VF_MAC,
  IGB_VF_VLAN,
  IGB_VF_SETTINGS,
  IGB_VF_DRIVER,
  VFIO_GROUP,
  NETDEVSIM_NUM_VFS,
  NETDEVSIM_VF_SETTINGS,
  NETDEVSIM_ESWITCH,
  NETDEVSIM_DEVLINK,
  NVME_SECONDARY,
  VIRTIO_NET,
  BUS_RANGE,
  MEMORY_WINDOW,
  NO_IOMMU,
];
