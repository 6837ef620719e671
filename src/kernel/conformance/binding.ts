import { bdf } from "../../pci/bdf.ts";
import type { ConformanceScript } from "./script.ts";
import { link, list, read, unreadable, write } from "./steps.ts";

const DRIVERS = "/sys/bus/pci/drivers";
const PROBE = "/sys/bus/pci/drivers_probe";
const OVERRIDE = "$VF0/driver_override";
const NO_OVERRIDE = read(OVERRIDE, "(null)", { source: "driver_override_show prints a null pointer" });
/** The longest that `driver_override_show` can give back with a newline and the end of its string. */
const LONGEST = 4096 - 2;

/** How a VF gets a driver and loses it: drivers/base/bus.c, drivers/pci/pci-driver.c. */
export const BINDING: ConformanceScript = {
  name: "drivers of a VF: driver_override, bind, unbind, drivers_probe",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb", "igbvf", "vfio-pci"],
  steps: [
    write("$PF/sriov_drivers_autoprobe", "0", "ok"),
    write("$PF/sriov_numvfs", "1", "ok"),
    NO_OVERRIDE,

    // Without autoprobe only an override lets a driver have a VF (pci_device_can_probe).
    write(PROBE, "$vf0", "ok", { log: [], events: [], source: "__device_attach_driver goes on after -ENODEV" }),
    link("$VF0/driver", null),
    write(`${DRIVERS}/igbvf/bind`, "$vf0", "ENODEV", { events: [], source: "pci_device_probe" }),
    write(`${DRIVERS}/vfio-pci/bind`, "$vf0", "ENODEV", { source: "pci_match_device: it has no such ID" }),
    write(OVERRIDE, "igbvf", "ok", { log: [], events: [] }),
    link("$VF0/driver", null, { source: "an override alone binds nothing" }),
    write(`${DRIVERS}/igbvf/bind`, "$vf0", "ok", {
      events: ["bind $vf0 igbvf"],
      log: ["igbvf $vf0: Intel(R) 82576 Virtual Function"],
    }),
    write(`${DRIVERS}/igbvf/bind`, "$vf0", "EBUSY", { log: [], events: [], source: "__driver_probe_device" }),
    write(`${DRIVERS}/vfio-pci/bind`, "$vf0", "ENODEV", { source: "the override is looked at first" }),
    write(PROBE, "$vf0", "ok", { events: [], source: "__device_attach: bound" }),

    // Whatever is written to the override, who is bound stays.
    write(OVERRIDE, "vfio-pci", "ok", { log: [], events: [] }),
    link("$VF0/driver", "igbvf"),
    write(`${DRIVERS}/vfio-pci/bind`, "$vf0", "EBUSY"),
    write(`${DRIVERS}/igbvf/bind`, "$vf0", "ENODEV", { source: "it is another's now, before it is bound already" }),
    write(`${DRIVERS}/vfio-pci/unbind`, "$vf0", "ENODEV", { events: [], source: "unbind_store: another driver" }),
    write("$VF0/driver/unbind", "0000:ff:1f.7", "ENODEV", { source: "unbind_store: no such device" }),
    write("$VF0/driver/unbind", "$pf", "ENODEV", { source: "unbind_store: another driver's" }),
    write("$VF0/driver/unbind", "$vf0", "ok", { events: ["unbind $vf0"] }),
    link("$VF0/driver", null),
    write("$VF0/driver/unbind", "$vf0", "ENOENT", { source: "there is no such file" }),
    write(`${DRIVERS}/igbvf/unbind`, "$vf0", "ENODEV"),

    // Names: all of the address, a newline may follow.
    write(`${DRIVERS}/vfio-pci/bind`, "0000:ff:1f.7", "ENODEV"),
    write(`${DRIVERS}/vfio-pci/bind`, "01:10.0", "ENODEV", { source: "bus_find_device_by_name" }),
    write(`${DRIVERS}/vfio-pci/bind`, " $vf0", "ENODEV"),
    write(`${DRIVERS}/vfio-pci/bind`, "$vf0 ", "ENODEV"),
    write(`${DRIVERS}/vfio-pci/bind`, "\n", "ENODEV"),
    write(PROBE, "0000:ff:1f.7", "ENODEV"),
    write(PROBE, "$vf0 0000:01:10.2", "ENODEV"),
    write(`${DRIVERS}/vfio-pci/bind`, "$vf0\n", "ok", {
      events: ["bind $vf0 vfio-pci"],
      source: "device_match_name: sysfs_streq",
    }),
    link("$VF0/driver", "vfio-pci"),
    list("$VF0/vfio-dev", /^vfio\d+$/, ["vfio0"], { since: "6.1", source: "vfio_register_group_dev" }),
    write(`${DRIVERS}/vfio-pci/unbind`, "$vf0\n", "ok", { events: ["unbind $vf0"] }),
    unreadable(`${DRIVERS}/vfio-pci/bind`, "EACCES", { source: "kernfs_fop_open: mode 0200 is refused to root, too" }),
    unreadable(`${DRIVERS}/vfio-pci/nothing`, "ENOENT"),
    write(`${DRIVERS}/nothing/bind`, "$vf0", "ENOENT", { source: "there is no such file" }),

    // What an override may be (__device_set_driver_override; driver_set_override before).
    write(OVERRIDE, "no-such-driver", "ok"),
    write(PROBE, "$vf0", "ok", { events: [], source: "no driver has the name" }),
    link("$VF0/driver", null),
    write(OVERRIDE, "", "ok", { source: "vfs_write: nothing is asked of the attribute" }),
    read(OVERRIDE, "no-such-driver"),
    write(OVERRIDE, "\n", "ok"),
    NO_OVERRIDE,
    write(OVERRIDE, "igbvf\nvfio-pci", "ok", { source: "up to the first newline" }),
    read(OVERRIDE, "igbvf"),
    write(OVERRIDE, " igbvf ", "ok", { source: "blanks count" }),
    read(OVERRIDE, " igbvf "),
    write(OVERRIDE, "\nigbvf", "ok"),
    NO_OVERRIDE,
    write(OVERRIDE, "x".repeat(LONGEST), "ok", { source: "PAGE_SIZE - 1 is too long; pages here have 4096 bytes" }),
    read(OVERRIDE, "x".repeat(LONGEST)),
    write(OVERRIDE, "y".repeat(LONGEST + 1), "EINVAL"),
    read(OVERRIDE, "x".repeat(LONGEST)),
    write(OVERRIDE, "\n", "ok"),

    write("$PF/sriov_drivers_autoprobe", "1", "ok"),
    write(`${DRIVERS}/vfio-pci/bind`, "$vf0", "ENODEV", { source: "without an override the IDs decide" }),
    write(`${DRIVERS}/igbvf/bind`, "$vf0", "ok", { events: ["bind $vf0 igbvf"] }),
    write("$PF/sriov_numvfs", "0", "ok", { events: ["unbind $vf0", "remove $vf0"] }),
    write(PROBE, "$vf0", "ENODEV", { source: "it is gone" }),
    write(`${DRIVERS}/igbvf/bind`, "$vf0", "ENODEV"),
    write(OVERRIDE, "igbvf", "ENOENT"),
  ],
};

const NEW_ID = `${DRIVERS}/vfio-pci/new_id`;
const REMOVE_ID = `${DRIVERS}/vfio-pci/remove_id`;

/** IDs that a driver is taught: `new_id_store` and `remove_id_store` (drivers/pci/pci-driver.c). */
export const DYNAMIC_IDS: ConformanceScript = {
  name: "drivers of VFs: new_id, remove_id",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb", "igbvf", "vfio-pci"],
  steps: [
    write("$PF/sriov_drivers_autoprobe", "0", "ok"),
    write("$PF/sriov_numvfs", "2", "ok"),
    write("$PF/sriov_drivers_autoprobe", "1", "ok"),
    ...["8086", "8086:10ca", "vfio", "\n", "8086 x"].map((text) => write(NEW_ID, text, "EINVAL")),
    write(NEW_ID, "8086 10ca", "ok", {
      events: ["bind $vf0 vfio-pci", "bind $vf1 vfio-pci"],
      source: "do_pci_add_dynid: driver_attach takes all that are without a driver",
    }),
    write(NEW_ID, "8086 10ca", "EEXIST", { events: [] }),
    write(NEW_ID, "0x8086 0x10ca\n", "EEXIST", { source: "sscanf %x takes 0x" }),
    write(NEW_ID, "8086 10ca ffffffff ffffffff 0 0 0", "ok", {
      source: "seven numbers: no duplicate is looked for",
    }),
    write("$VF0/driver/unbind", "$vf0", "ok", { events: ["unbind $vf0"] }),
    write(`${DRIVERS}/vfio-pci/bind`, "$vf0", "ok", { events: ["bind $vf0 vfio-pci"] }),
    ...["8086", "x"].map((text) => write(REMOVE_ID, text, "EINVAL")),
    write(REMOVE_ID, "8086 10cb", "ENODEV"),
    write(REMOVE_ID, "8086 10ca", "ok", { events: [], source: "who is bound stays" }),
    link("$VF0/driver", "vfio-pci"),
    write(REMOVE_ID, "8086 10ca", "ok", { source: "one at a time; the second is still there" }),
    write(REMOVE_ID, "8086 10ca", "ENODEV"),
    write("$VF0/driver/unbind", "$vf0", "ok"),
    write(`${DRIVERS}/vfio-pci/bind`, "$vf0", "ENODEV"),
    write("$PF/sriov_numvfs", "0", "ok", { events: ["remove $vf0", "unbind $vf1", "remove $vf1"] }),
  ],
};
