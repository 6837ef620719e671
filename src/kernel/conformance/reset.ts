import { bdf } from "../../pci/bdf.ts";
import { configBytes, sriovRegisters } from "./config-steps.ts";
import type { ConformanceScript } from "./script.ts";
import { link, read, unreadable, write } from "./steps.ts";

const METHOD = "$VF0/reset_method";

/** Resets by sysfs: `reset_store` (drivers/pci/pci-sysfs.c), `reset_method_store` (drivers/pci/pci.c). */
export const RESET_OF_A_VF: ConformanceScript = {
  name: "reset of a VF",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb", "vfio-pci"],
  steps: [
    write("$PF/sriov_drivers_autoprobe", "0", "ok"),
    write("$PF/sriov_numvfs", "2", "ok"),
    read(METHOD, "flr", {
      since: "5.15",
      source: "PCIe 6.0 §9.2.2.2: a VF has FLR; it shares its bus, so no other way",
    }),
    unreadable("$VF0/reset", "EACCES", { source: "kernfs_fop_open: mode 0200 is refused to root, too" }),
    ...["0", "2", "x", "\n", "-1"].map((text) => write("$VF0/reset", text, "EINVAL")),
    write("$VF0/reset", "1", "ok", { log: [], events: [] }),
    write("$VF0/reset", "0x1\n", "ok", { log: [], events: [] }),
    read("$PF/sriov_numvfs", "2", { source: "PCIe 6.0 §9.2.2.2: the PF and other VFs have no part in it" }),
    link("$VF0/physfn", "$pf"),

    write(METHOD, "bus", "EINVAL", { since: "5.15", log: ["pci $vf0: Unsupported reset method 'bus'"] }),
    write(METHOD, "flr bus", "EINVAL", { since: "5.15" }),
    write(METHOD, "best", "EINVAL", { since: "5.15", log: ["pci $vf0: Invalid reset method 'best'"] }),
    read(METHOD, "flr", { since: "5.15", source: "nothing of it was taken" }),
    write(METHOD, " flr \n", "ok", { since: "5.15" }),
    write(METHOD, "\n", "ok", { since: "5.15", log: ["pci $vf0: All device reset methods disabled by user"] }),
    read(METHOD, "", { since: "5.15" }),
    write("$VF0/reset", "1", "ENOTTY", { since: "5.15", source: "pci_reset_supported" }),
    write(METHOD, "default", "ok", { since: "5.15", log: [] }),
    read(METHOD, "flr", { since: "5.15" }),

    // On vfio-pci that nobody has opened.
    write("$VF0/driver_override", "vfio-pci", "ok"),
    write("/sys/bus/pci/drivers_probe", "$vf0", "ok"),
    write("$VF0/reset", "1", "ok", { events: [] }),
    link("$VF0/driver", "vfio-pci"),
    write("$PF/sriov_numvfs", "0", "ok"),
    write("$VF0/reset", "1", "ENOENT"),
    write("$PF/sriov_drivers_autoprobe", "1", "ok"),
  ],
};

/** The reset of a PF destroys its VFs; the kernel brings back what it was told of them. */
export const RESET_OF_A_PF: ConformanceScript = {
  name: "reset of a PF with VFs",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb"],
  steps: [
    read("$PF/reset_method", /^flr\b/, {
      since: "5.15",
      source: "pci_reset_fn_methods: before all but a device's own",
    }),
    write("$PF/sriov_drivers_autoprobe", "0", "ok"),
    write("$PF/sriov_numvfs", "5", "ok"),
    configBytes("$vf4", 8, 4, "01 00 00 02", "Revision ID and Class Code: the VF answers"),
    write("$PF/reset", "1", "ok", { log: [], events: [], source: "pci_reset_function; igb has no reset_prepare" }),
    read("$PF/sriov_numvfs", "5"),
    sriovRegisters("5 true true", "sriov_restore_state"),
    configBytes("$vf4", 8, 4, "01 00 00 02", "the VFs are back"),
    link("$VF4/physfn", "$pf"),
    write("$PF/sriov_numvfs", "0", "ok", { log: ["igb $pf: IOV Disabled"] }),
    write("$PF/driver/unbind", "$pf", "ok", { source: "igb learns nothing of the reset; so it starts anew" }),
    write("/sys/bus/pci/drivers/igb/bind", "$pf", "ok"),
    write("$PF/sriov_drivers_autoprobe", "1", "ok"),
  ],
};
