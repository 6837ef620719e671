import { bdf } from "../../pci/bdf.ts";
import { load, unload } from "./module-steps.ts";
import type { ConformanceScript } from "./script.ts";
import { link, list, read, write } from "./steps.ts";

const AUTOPROBE = "$PF/sriov_drivers_autoprobe";
/** Only the first character counts, of `on` and `off` two (`kstrtobool`, lib/kstrtox.c). */
const NO_AND_YES = [
  ["0", "1"],
  ["n", "y"],
  ["N", "Y"],
  ["off", "on"],
  ["OF\n", "ON\n"],
  ["no", "yes\n"],
  ["0x1", "1234"],
  ["offering", "onward"],
] as const;
const NEITHER = ["2", "-1", " 1", "\n", "o", "O\n", "enable", "x"];
const TRUE_AND_FALSE = { since: "5.19", source: "kstrtobool knows true and false" };

/** `sriov_drivers_autoprobe_store` (drivers/pci/iov.c), and what it does for VFs that come. */
export const DRIVERS_AUTOPROBE: ConformanceScript = {
  name: "sriov_drivers_autoprobe",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb", "igbvf"],
  steps: [
    read(AUTOPROBE, "1", { source: "sriov_init" }),
    ...NO_AND_YES.flatMap(([no, yes]) => [
      write(AUTOPROBE, no, "ok"),
      read(AUTOPROBE, "0"),
      write(AUTOPROBE, yes, "ok"),
      read(AUTOPROBE, "1"),
    ]),
    ...NEITHER.map((text) => write(AUTOPROBE, text, "EINVAL")),
    write(AUTOPROBE, "", "ok", { source: "vfs_write: nothing is asked of the attribute" }),
    read(AUTOPROBE, "1"),
    write(AUTOPROBE, "false", "ok", TRUE_AND_FALSE),
    read(AUTOPROBE, "0", { since: "5.19" }),
    write(AUTOPROBE, "T", "ok", TRUE_AND_FALSE),
    read(AUTOPROBE, "1", { since: "5.19" }),
    write(AUTOPROBE, "0", "ok", { log: [], events: [] }),
    write("$PF/sriov_numvfs", "1", "ok", { events: ["add $vf0", "change $vf0", "change $pf"] }),
    link("$VF0/driver", null, { source: "pci_device_can_probe" }),
    write(AUTOPROBE, "1", "ok", { log: [], events: [], source: "VFs that are there stay without" }),
    link("$VF0/driver", null),
    write("/sys/bus/pci/drivers_probe", "$vf0", "ok", { events: ["bind $vf0 igbvf"] }),
    link("$VF0/driver", "igbvf"),
    write(AUTOPROBE, "0", "ok", { log: [], events: [], source: "VFs that are bound stay so" }),
    link("$VF0/driver", "igbvf"),
    write("$PF/sriov_numvfs", "0", "ok", { events: ["unbind $vf0", "remove $vf0"] }),
    read(AUTOPROBE, "0", { source: "it stays for the VFs to come" }),
    write(AUTOPROBE, "1", "ok"),
  ],
};

/** The VFs' own driver takes each VF as it comes. */
export const VF_DRIVER: ConformanceScript = {
  name: "VFs that their own driver takes",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb", "igbvf"],
  steps: [
    write("$PF/sriov_numvfs", "4", "ok", {
      events: [
        ...["add $vf0", "change $vf0", "bind $vf0 igbvf", "add $vf1", "change $vf1", "bind $vf1 igbvf"],
        ...["add $vf2", "change $vf2", "bind $vf2 igbvf", "add $vf3", "change $vf3", "bind $vf3 igbvf", "change $pf"],
      ],
      log: [
        "igb $pf: 4 VFs allocated",
        "igbvf $vf0: Intel(R) 82576 Virtual Function",
        "igbvf $vf3: Intel(R) 82576 Virtual Function",
      ],
      source: "pci_iov_add_virtfn: one VF after the other, its driver within; the PF last",
    }),
    link("$VF0/driver", "igbvf"),
    link("$VF3/driver", "igbvf"),
    read("$VF0/enable", "1"),
    list("$VF0/net", /./, ["$net0"], { source: "igbvf_probe: register_netdev" }),
    link("/sys/class/net/$net3/device", "$vf3"),
    unload("igbvf", "ok", {
      events: ["unbind $vf3", "unbind $vf2", "unbind $vf1", "unbind $vf0"],
      source: "driver_detach: the last that came is the first that goes",
    }),
    unload("igbvf", "ok", { log: [], events: [], source: "it is not there" }),
    read("$PF/sriov_numvfs", "4"),
    load("igbvf", "ok", {
      events: ["bind $vf0 igbvf", "bind $vf1 igbvf", "bind $vf2 igbvf", "bind $vf3 igbvf"],
      source: "driver_attach",
    }),
    write("$VF0/sriov_vf_msix_count", "4", "EOPNOTSUPP", {
      source: "sriov_vf_msix_count_store looks at the PF's driver before the VF's",
      since: "5.13",
    }),
    write("$PF/sriov_numvfs", "0", "ok", {
      events: [
        ...["unbind $vf0", "remove $vf0", "unbind $vf1", "remove $vf1"],
        ...["unbind $vf2", "remove $vf2", "unbind $vf3", "remove $vf3"],
      ],
      log: ["igb $pf: IOV Disabled"],
    }),
  ],
};
