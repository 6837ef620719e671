import { bdf } from "../../pci/bdf.ts";
import { unload } from "./module-steps.ts";
import type { ConformanceScript } from "./script.ts";
import { link, list, read, write } from "./steps.ts";

const ENABLE_SRIOV = "/sys/module/vfio_pci/parameters/enable_sriov";
const CAPTURED = "pci_device_add: vfio_pci_bus_notifier";

/** A PF that a program in user space is to have: drivers/vfio/pci/vfio_pci.c, vfio_pci_core.c. */
export const PF_ON_VFIO: ConformanceScript = {
  name: "sriov_numvfs: a PF on vfio-pci",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb", "igbvf", "vfio-pci"],
  steps: [
    write("$PF/driver_override", "vfio-pci", "ok"),
    write("$PF/driver/unbind", "$pf", "ok", { events: ["unbind $pf"] }),
    write("/sys/bus/pci/drivers_probe", "$pf", "ok", { events: ["bind $pf vfio-pci"] }),
    link("$PF/driver", "vfio-pci"),
    read("$PF/sriov_totalvfs", "8", { source: "all that the hardware has; igb, which offers 7, is gone" }),
    unload("vfio_pci_core", "EBUSY", { events: [], source: "vfio_pci, of which it is a part, is there" }),
    read(ENABLE_SRIOV, "N"),
    write("$PF/sriov_numvfs", "2", "ENOENT", {
      log: [],
      events: [],
      source: "vfio_pci_sriov_configure, without a word in the log",
    }),
    read("$PF/sriov_numvfs", "0"),
    write(ENABLE_SRIOV, "maybe", "EINVAL", { source: "param_set_bool" }),
    write(ENABLE_SRIOV, "Y", "ok"),
    read(ENABLE_SRIOV, "Y"),
    write("$PF/sriov_numvfs", "2", "ok", {
      log: [
        "vfio-pci $pf: Captured SR-IOV VF $vf0 driver_override",
        "vfio-pci $pf: Captured SR-IOV VF $vf1 driver_override",
      ],
      events: [
        ...["add $vf0", "change $vf0", "bind $vf0 vfio-pci", "add $vf1", "change $vf1", "bind $vf1 vfio-pci"],
        "change $pf",
      ],
      source: CAPTURED,
    }),
    link("$VF0/driver", "vfio-pci"),
    read("$VF0/driver_override", "vfio-pci", { source: CAPTURED }),
    read("$VF1/driver_override", "vfio-pci"),
    write("$PF/sriov_numvfs", "3", "EBUSY", {
      log: ["vfio-pci $pf: 2 VFs already enabled. Disable before enabling 3 VFs"],
    }),

    // A VF may go to its own driver, and the kernel warns: its PF is in the hands of a program.
    write("$VF0/driver_override", "igbvf", "ok"),
    write("$VF0/driver/unbind", "$vf0", "ok", { events: ["unbind $vf0"] }),
    write("/sys/bus/pci/drivers_probe", "$vf0", "ok", {
      events: ["bind $vf0 igbvf"],
      log: ["vfio-pci $pf: VF $vf0 bound to driver igbvf while PF bound to driver vfio-pci"],
      source: "vfio_pci_bus_notifier",
    }),
    write(ENABLE_SRIOV, "N", "ok"),
    write("$PF/sriov_numvfs", "0", "ENOENT", { events: [], source: "vfio_pci_sriov_configure: what is on stays on" }),
    read("$PF/sriov_numvfs", "2"),

    write("$PF/driver/unbind", "$pf", "ok", {
      events: ["unbind $vf0", "remove $vf0", "unbind $vf1", "remove $vf1", "unbind $pf"],
      source: "vfio_pci_core_unregister_device: the VFs go with the driver, whatever enable_sriov says",
    }),
    read("$PF/sriov_numvfs", "0"),
    list("$PF", /^virtfn/, []),
    write("$PF/driver_override", "\n", "ok"),
    write("/sys/bus/pci/drivers_probe", "$pf", "ok", { events: ["bind $pf igb"] }),
    link("$PF/driver", "igb"),
  ],
};
