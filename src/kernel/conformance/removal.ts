import { bdf } from "../../pci/bdf.ts";
import { load, unload } from "./module-steps.ts";
import type { ConformanceScript } from "./script.ts";
import { link, list, read, unreadable, write } from "./steps.ts";

const PF = { machine: "igb", pf: bdf("0000:01:00.0") } as const;

/** A PF's driver goes while there are VFs; igb takes them along (igb_remove: igb_disable_sriov). */
export const PF_DRIVER_GOES: ConformanceScript = {
  name: "a PF's driver goes while there are VFs",
  ...PF,
  modules: ["igb", "igbvf"],
  steps: [
    write("$PF/sriov_numvfs", "2", "ok"),
    write("$PF/driver/unbind", "$pf", "ok", {
      events: ["unbind $vf0", "remove $vf0", "unbind $vf1", "remove $vf1", "unbind $pf"],
      log: ["igb $pf: IOV Disabled"],
    }),
    read("$PF/sriov_numvfs", "0"),
    list("$PF", /^virtfn/, []),
    write("/sys/bus/pci/drivers_probe", "$pf", "ok", { events: ["bind $pf igb"] }),
    read("$PF/sriov_numvfs", "0", { source: "nothing brings the VFs back" }),

    write("$PF/sriov_drivers_autoprobe", "0", "ok"),
    write("$PF/sriov_numvfs", "6", "ok"),
    unload("igb", "ok", {
      events: [...[0, 1, 2, 3, 4, 5].map((vf) => `remove $vf${vf}`), "unbind $pf"],
      log: ["igb $pf: IOV Disabled"],
      source: "driver_detach; VFs do not keep the module",
    }),
    { list: "/sys/bus/pci/drivers/igb", expect: { errno: "ENOENT" } },
    link("$PF/driver", null),
    read("$PF/sriov_totalvfs", "8"),
    write("$PF/sriov_numvfs", "1", "ENOENT"),
    read("$PF/sriov_drivers_autoprobe", "0", { source: "it is the PF's, not the driver's" }),
    load("igb", "ok", {
      events: ["bind $pf igb"],
      source: "driver_attach",
    }),
    write("$PF/sriov_drivers_autoprobe", "1", "ok"),
  ],
};

/** A PF is removed and found again: `remove_store`, `rescan_store` (drivers/pci/pci-sysfs.c). */
export const PF_REMOVED: ConformanceScript = {
  name: "a PF with VFs is removed and found again",
  ...PF,
  modules: ["igb", "igbvf"],
  steps: [
    write("$PF/sriov_numvfs", "1", "ok"),
    write("$PF/sriov_drivers_autoprobe", "0", "ok"),
    write("$PF/driver_override", "igb", "ok"),
    write("$PF/remove", "0", "ok", { events: [], source: "remove_store: nothing" }),
    write("$PF/remove", "x", "EINVAL"),
    unreadable("$PF/remove", "EACCES"),
    write("$PF/remove", "1", "ok", {
      events: ["unbind $vf0", "remove $vf0", "unbind $pf", "remove $pf"],
      log: ["igb $pf: IOV Disabled"],
      source: "pci_stop_dev: its driver goes first, and takes the VFs along",
    }),
    unreadable("$PF/vendor", "ENOENT"),
    unreadable("$VF0/vendor", "ENOENT"),
    write("$PF/remove", "1", "ENOENT"),
    write("/sys/bus/pci/rescan", "x", "EINVAL"),
    write("/sys/bus/pci/rescan", "0", "ok", { events: [] }),
    write("/sys/bus/pci/rescan", "1", "ok", {
      events: ["add $pf", "bind $pf igb"],
      log: [/^pci \$pf: \[8086:10c9\] type 00 class 0x020000 PCIe Endpoint/],
    }),
    read("$PF/sriov_numvfs", "0"),
    read("$PF/sriov_totalvfs", "7"),
    read("$PF/sriov_drivers_autoprobe", "1", { source: "sriov_init: it is a new device" }),
    read("$PF/driver_override", "(null)", { source: "it is a new device" }),
  ],
};
