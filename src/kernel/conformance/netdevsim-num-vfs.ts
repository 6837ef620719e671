import type { ConformanceScript } from "./script.ts";

const BUS = "/sys/bus/netdevsim";
const MAX_VFS = "/sys/kernel/debug/netdevsim/netdevsim10/max_vfs";
const NUM_VFS = "$PF/sriov_numvfs";

/**
 * drivers/net/netdevsim/bus.c, whose attribute is its own and no PCI device's: no `sriov_totalvfs`, no VFs in sysfs,
 * other errors in places. The device is made here, and gone at the end.
 */
export const NETDEVSIM_NUM_VFS: ConformanceScript = {
  name: "netdevsim: devices and sriov_numvfs",
  machine: "netdevsim",
  pf: "/sys/bus/netdevsim/devices/netdevsim10",
  modules: ["netdevsim"],
  steps: [
    { write: `${BUS}/new_device`, value: "10 1", expect: "ok", source: "new_device_store: id, number of ports" },
    { link: "$PF/driver", expect: "netdevsim" },
    { write: `${BUS}/new_device`, value: "10 1", expect: "ENOSPC", source: "ida_alloc_range: the id is given" },
    { write: `${BUS}/new_device`, value: "abc", expect: "EINVAL" },
    { write: `${BUS}/new_device`, value: "", expect: "ok", source: "a write of 0 bytes reaches no attribute" },
    { write: `${BUS}/new_device`, value: "11", expect: "ok", source: "one port, where no number is given" },
    { list: `${BUS}/devices`, expect: ["netdevsim10", "netdevsim11"] },
    { write: `${BUS}/del_device`, value: "11", expect: "ok" },
    { write: `${BUS}/del_device`, value: "11", expect: "ENOENT" },
    {
      write: `${BUS}/del_device`,
      value: "abc",
      expect: "EINVAL",
      log: ['Format for deleting device is "id" (uint).'],
    },
    { list: "$PF", matching: /^sriov_|^virtfn/, expect: ["sriov_numvfs"] },

    { read: MAX_VFS, expect: "4", source: "NSIM_BUS_DEV_MAX_VFS; netdevsim's alone" },
    { read: NUM_VFS, expect: "0" },
    { write: NUM_VFS, value: "5", expect: "ENOMEM", source: "nsim_bus_dev_vfs_enable; of a PCI device ERANGE" },
    { read: NUM_VFS, expect: "0" },
    { write: NUM_VFS, value: "abc", expect: "EINVAL" },
    { write: NUM_VFS, value: "-1", expect: "EINVAL" },
    { write: NUM_VFS, value: "65536", expect: "ENOMEM", source: "kstrtouint: wider than a PCI device's" },
    { write: NUM_VFS, value: "4294967296", expect: "ERANGE", source: "kstrtouint" },
    { write: NUM_VFS, value: "0x3\n", expect: "ok" },
    { read: NUM_VFS, expect: "3" },
    { write: NUM_VFS, value: "3", expect: "ok" },
    { write: NUM_VFS, value: "4", expect: "EBUSY", log: [] },
    { list: "$PF", matching: /^virtfn/, expect: [] },
    { write: MAX_VFS, value: "8", expect: "EBUSY", source: "nsim_bus_dev_max_vfs_write: there are VFs" },
    { write: NUM_VFS, value: "0", expect: "ok" },
    { write: NUM_VFS, value: "0", expect: "ok" },
    { write: MAX_VFS, value: "abc", expect: "EINVAL" },
    { write: MAX_VFS, value: "1234567890", expect: "ENOSPC", source: "ten digits do not fit into its buffer" },
    { write: MAX_VFS, value: "64", expect: "ok" },
    { read: MAX_VFS, expect: "64" },
    { write: NUM_VFS, value: "65", expect: "ENOMEM" },
    { write: NUM_VFS, value: "64", expect: "ok" },
    { read: NUM_VFS, expect: "64" },
    { vfInfo: 63, expect: { mac: "00:00:00:00:00:00" } },
    { vfInfo: 64, expect: null },
    { write: `${BUS}/del_device`, value: "10", expect: "ok", source: "with its VFs" },
    { list: `${BUS}/devices`, expect: [] },
    { read: MAX_VFS, expect: { errno: "ENOENT" } },
  ],
};
