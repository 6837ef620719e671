import { bdf } from "../../pci/bdf.ts";
import type { ConformanceScript } from "./script.ts";
import { link, list, read, unreadable, write } from "./steps.ts";

const PF = { machine: "igb", pf: bdf("0000:01:00.0") } as const;
const NUM_VFS = "$PF/sriov_numvfs";
const WITHOUT_PROBE = write("$PF/sriov_drivers_autoprobe", "0", "ok");
const WITH_PROBE = write("$PF/sriov_drivers_autoprobe", "1", "ok");

/** What `sriov_numvfs_store` (drivers/pci/iov.c) answers to a number, and what then is there. No VF driver has a part in it. */
export const NUM_VFS_VALUES: ConformanceScript = {
  name: "sriov_numvfs: numbers of VFs",
  ...PF,
  modules: ["igb"],
  steps: [
    read("$PF/sriov_totalvfs", "7", { source: "the hardware has 8; igb_probe_vfs: pci_sriov_set_totalvfs(7)" }),
    read(NUM_VFS, "0"),
    WITHOUT_PROBE,
    write(NUM_VFS, "0", "ok", { log: [], events: [], source: "equal value" }),
    write(NUM_VFS, "8", "ERANGE", { log: [], events: [], source: "pci_sriov_get_totalvfs, before the device's lock" }),
    write(NUM_VFS, "9", "ERANGE"),
    write(NUM_VFS, "65535", "ERANGE"),
    write(NUM_VFS, "3", "ok", {
      log: [
        "igb $pf: 3 VFs allocated",
        // The bus is the hardware's own: 128 and 2 as First VF Offset and VF Stride.
        "pci $vf0: [8086:10ca] type 00 class 0x020000 PCIe Endpoint",
        "pci $vf1: [8086:10ca] type 00 class 0x020000 PCIe Endpoint",
        "pci $vf2: [8086:10ca] type 00 class 0x020000 PCIe Endpoint",
      ],
      events: ["add $vf0", "change $vf0", "add $vf1", "change $vf1", "add $vf2", "change $vf2", "change $pf"],
      source: "pci_setup_device (log), pci_iov_sysfs_link (change of a VF), sriov_enable (change of the PF)",
    }),
    read(NUM_VFS, "3"),
    list("$PF", /^virtfn/, ["virtfn0", "virtfn1", "virtfn2"]),
    write(NUM_VFS, "3", "ok", { log: [], events: [], source: "equal value" }),
    write(NUM_VFS, "5", "EBUSY", {
      log: ["igb $pf: 3 VFs already enabled. Disable before enabling 5 VFs"],
      events: [],
    }),
    write(NUM_VFS, "2", "EBUSY", { log: ["igb $pf: 3 VFs already enabled. Disable before enabling 2 VFs"] }),
    write(NUM_VFS, "8", "ERANGE", { log: [], source: "before it is compared with what is there" }),
    read(NUM_VFS, "3"),
    write(NUM_VFS, "0", "ok", {
      log: ["igb $pf: IOV Disabled"],
      events: ["remove $vf0", "remove $vf1", "remove $vf2"],
      source: "sriov_del_vfs; the PF itself gets no event",
    }),
    list("$PF", /^virtfn/, []),
    unreadable("$VF0/vendor", "ENOENT"),
    WITH_PROBE,
  ],
};

/**
 * Texts that are 2 to `kstrtou16` of base 0 (lib/kstrtox.c), and others. They are written while 2 VFs are there: what is
 * 2 is an equal value, what is another number would be EBUSY.
 */
const TWOS = ["2", "2\n", "+2", "0x2", "0X2", "02", "0000000002", "0x0002\n", "2\0", "2\0junk", ""];
const NO_NUMBERS = [
  ...["\n", " ", " 2", "2 ", "\t2", "2\n\n", "2\n ", "2\r\n", "-1", "-0", "-2", "++2", "+", "0x", "0xg", "08", "02 "],
  ...["0b10", "2.0", "2,3", "2VFs", "two", "1e1", "\0", "99999999999999999999"],
];

export const NUM_VFS_TEXTS: ConformanceScript = {
  name: "sriov_numvfs: texts",
  ...PF,
  modules: ["igb"],
  steps: [
    WITHOUT_PROBE,
    write(NUM_VFS, "0x2", "ok", { events: ["add $vf0", "change $vf0", "add $vf1", "change $vf1", "change $pf"] }),
    read(NUM_VFS, "2", { source: "sriov_numvfs_show: decimal" }),
    ...TWOS.map((text) => write(NUM_VFS, text, "ok")),
    ...NO_NUMBERS.map((text) => write(NUM_VFS, text, "EINVAL")),
    ...["65536", "0x10000", "+65536"].flatMap((text) => [
      write(NUM_VFS, text, "EINVAL", { since: "5.16", source: "-EINVAL whatever kstrtou16 says" }),
      write(NUM_VFS, text, "ERANGE", { before: "5.16" }),
    ]),
    write(NUM_VFS, "010", "ERANGE", { source: "octal: 8" }),
    write(NUM_VFS, "007", "EBUSY", { source: "octal: 7" }),
    write(NUM_VFS, "0xffff", "ERANGE"),
    read(NUM_VFS, "2"),
    write(NUM_VFS, "00\n", "ok", { events: ["remove $vf0", "remove $vf1"], source: "a zero of any spelling" }),
    WITH_PROBE,
  ],
};

/** A PF that no driver has. */
export const NUM_VFS_WITHOUT_DRIVER: ConformanceScript = {
  name: "sriov_numvfs: a PF without a driver",
  ...PF,
  modules: ["igb"],
  steps: [
    write("$PF/driver/unbind", "$pf", "ok", { events: ["unbind $pf"] }),
    link("$PF/driver", null),
    read("$PF/sriov_totalvfs", "8", { source: "pci_iov_remove: the driver's limit goes with it" }),
    write(NUM_VFS, "0", "ok", { log: [], source: "an equal value is looked at before the driver" }),
    write(NUM_VFS, "1", "ENOENT", {
      log: ["pci $pf: no driver bound to device; cannot configure SR-IOV"],
      events: [],
    }),
    write(NUM_VFS, "8", "ENOENT"),
    write(NUM_VFS, "9", "ERANGE"),
    write(NUM_VFS, "x", "EINVAL"),
    read(NUM_VFS, "0"),
    read("$PF/sriov_vf_total_msix", "0", { source: "sriov_vf_total_msix_show: no driver to ask", since: "5.13" }),
    write("/sys/bus/pci/drivers/igb/bind", "$pf", "ok", {
      events: ["bind $pf igb"],
      log: [/^igb \$pf: Intel\(R\) Gigabit Ethernet Network Connection$/],
    }),
    read("$PF/sriov_totalvfs", "7"),
  ],
};
