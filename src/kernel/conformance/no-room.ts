import { bdf } from "../../pci/bdf.ts";
import type { ConformanceScript, Step } from "./script.ts";

// Not here: a Function Dependency Link to a function that is absent (ENODEV) or no PF (ENOSYS); no emulated device has one.

/** As if nothing had been tried. */
const NOTHING_LEFT: readonly Step[] = [
  { read: "$PF/sriov_numvfs", expect: "0" },
  { list: "$PF", matching: /^virtfn/, expect: [] },
];

/**
 * `sriov_enable` (drivers/pci/iov.c): VFs beyond the buses to which the bridge leads. As 82576 do whose VFs begin 384
 * functions later, without ARI; the lab's is one that was changed so.
 */
export const BUS_RANGE: ConformanceScript = {
  name: "bus range: no room for VFs",
  machine: "narrow-bus",
  pf: bdf("0000:01:00.0"),
  modules: ["igb"],
  steps: [
    { read: "$PF/sriov_totalvfs", expect: "7" },
    { read: "$PF/sriov_offset", expect: "384" },
    { read: "$PF/sriov_stride", expect: "2" },
    {
      write: "$PF/sriov_numvfs",
      value: "1",
      expect: "ENOMEM",
      log: ["igb $pf: 1 VFs allocated", "igb $pf: can't enable 1 VFs (bus 02 out of range of [bus 01])"],
      events: [],
      source: "older Linux: SR-IOV: bus number out of range",
    },
    ...NOTHING_LEFT,
    { vfInfo: 0, expect: null, source: "igb_enable_sriov: its own state is undone, too" },
    { setVf: { vfIndex: 0, trust: true }, expect: "EINVAL" },
    {
      write: "$PF/sriov_numvfs",
      value: "7",
      expect: "ENOMEM",
      log: ["igb $pf: can't enable 7 VFs (bus 02 out of range of [bus 01])"],
      events: [],
    },
    ...NOTHING_LEFT,
    { write: "$PF/sriov_numvfs", value: "8", expect: "ERANGE", log: [] },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok", log: [] },
    { read: "$PF/sriov_offset", expect: "384" },
    { link: "$PF/driver", expect: "igb" },
  ],
};

/** `sriov_enable`: a VF BAR that has got no memory, since the bridge's window is too small for that of all VFs. */
export const MEMORY_WINDOW: ConformanceScript = {
  name: "memory window: no room for VF BARs",
  machine: "small-window",
  pf: bdf("0000:02:00.0"),
  modules: ["nvme"],
  steps: [
    { read: "/sys/class/nvme/$nvme/state", expect: "live", withinMs: 30_000 },
    { read: "$PF/sriov_totalvfs", expect: "127" },
    {
      write: "$PF/sriov_numvfs",
      value: "1",
      expect: "ENOMEM",
      log: ["nvme $pf: not enough MMIO resources for SR-IOV"],
      events: [],
      source: "the memory is that of TotalVFs, however few are asked for",
    },
    ...NOTHING_LEFT,
    {
      write: "$PF/sriov_numvfs",
      value: "127",
      expect: "ENOMEM",
      log: ["nvme $pf: not enough MMIO resources for SR-IOV"],
    },
    ...NOTHING_LEFT,
    { write: "$PF/sriov_numvfs", value: "128", expect: "ERANGE", log: [] },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok", log: [] },
    { read: "/sys/class/nvme/$nvme/state", expect: "live", source: "the PF does not mind" },
  ],
};
