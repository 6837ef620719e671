import { type Bdf, bdf } from "../../pci/bdf.ts";
import type { ConformanceScript, Step } from "./script.ts";

/** The ways in which VF 0 is used; behind a bar, what is no use by itself. */
function users(expect: string): Step {
  return {
    call: "who uses VF 0",
    run: async (kernel, place) => {
      const vf = (await place.resolve("$vf0")) as Bdf;
      const told = (await kernel.usersOf([vf])).get(vf);
      const kinds = (list: readonly { readonly kind: string }[] = []) => list.map(({ kind }) => kind).join(" ");
      return `${kinds(told?.users)} | ${kinds(told?.idle)}`;
    },
    expect,
  };
}

function hold(path: string, expect: string, source = ""): Step {
  return {
    call: `a process opens ${path} and keeps it`,
    run: async (_kernel, place) => place.files.hold(await place.resolve(path)),
    expect,
    source,
  };
}

const LET_GO: Step = {
  call: "the processes that have files open end",
  run: async (_kernel, place) => {
    await place.files.letGo();
    return "ok";
  },
  expect: "ok",
};

/** drivers/vfio/group.c: a VF's group that a process has open, and no more than that. */
export const VFIO_GROUP: ConformanceScript = {
  name: "vfio-pci: a group that is held open",
  machine: "igb",
  pf: bdf("0000:01:00.0"),
  modules: ["igb", "vfio-pci"],
  steps: [
    { list: "/dev/vfio", expect: ["vfio"] },
    { write: "$PF/sriov_drivers_autoprobe", value: "0", expect: "ok" },
    { write: "$PF/sriov_numvfs", value: "1", expect: "ok" },
    users(" | "),
    { write: "$VF0/driver_override", value: "vfio-pci", expect: "ok" },
    { write: "/sys/bus/pci/drivers_probe", value: "$vf0", expect: "ok", events: ["bind $vf0 vfio-pci"] },
    { list: "/dev/vfio", expect: ["$group0", "vfio"] },
    users(" | driver"),
    hold("/dev/vfio/$group0", "ok"),
    hold("/dev/vfio/$group0", "EBUSY", "vfio_group_fops_open: one opener a group"),
    users("vfio | driver"),
    LET_GO,
    users(" | driver"),
    hold("/dev/vfio/$group0", "ok", "it is free again"),
    {
      write: "$VF0/driver/unbind",
      value: "$vf0",
      expect: "ok",
      events: ["unbind $vf0"],
      source: "vfio_unregister_group_dev waits for users of the device, of which an open group is none",
    },
    { list: "/dev/vfio", expect: ["vfio"] },
    { write: "/sys/bus/pci/drivers/vfio-pci/bind", value: "$vf0", expect: "ok" },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok", events: ["unbind $vf0", "remove $vf0"] },
    { list: "/dev/vfio", expect: ["vfio"] },
    LET_GO,
    hold("/dev/vfio/none-such", "ENOENT"),
    { write: "$PF/sriov_drivers_autoprobe", value: "1", expect: "ok" },
  ],
};
