import { bdf } from "../../pci/bdf.ts";
import type { ConformanceScript } from "./script.ts";

/** A host without an IOMMU: VFs as anywhere, but none for a guest. */
export const NO_IOMMU: ConformanceScript = {
  name: "no IOMMU: VFs without groups",
  machine: "no-iommu",
  pf: bdf("0000:01:00.0"),
  modules: ["igb", "vfio-pci"],
  steps: [
    { link: "$PF/iommu_group", expect: null },
    { list: "/sys/kernel/iommu_groups", expect: [] },
    { list: "/dev/vfio", expect: ["vfio"] },
    { write: "$PF/sriov_drivers_autoprobe", value: "0", expect: "ok" },
    {
      write: "$PF/sriov_numvfs",
      value: "1",
      expect: "ok",
      log: ["igb $pf: 1 VFs allocated"],
      events: ["add $vf0", "change $vf0", "change $pf"],
    },
    { link: "$VF0/iommu_group", expect: null },
    { write: "$VF0/driver_override", value: "vfio-pci", expect: "ok" },
    {
      write: "/sys/bus/pci/drivers_probe",
      value: "$vf0",
      expect: "ok",
      log: ["vfio-pci $vf0: probe with driver vfio-pci failed with error -22"],
      events: [],
      source:
        "vfio_device_set_group: EINVAL without a group, unless enable_unsafe_noiommu_mode; drivers_probe does not tell",
    },
    { link: "$VF0/driver", expect: null },
    {
      write: "/sys/bus/pci/drivers/vfio-pci/bind",
      value: "$vf0",
      expect: "EINVAL",
      log: ["vfio-pci $vf0: probe with driver vfio-pci failed with error -22"],
      events: [],
    },
    { list: "/dev/vfio", expect: ["vfio"] },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok", events: ["remove $vf0"] },
    { write: "$PF/sriov_drivers_autoprobe", value: "1", expect: "ok" },
  ],
};
