import { bdf } from "../../pci/bdf.ts";
import { isUnread } from "../port.ts";
import type { ChangeableKernel } from "../port-change.ts";
import type { NvmeFlexibleResources, NvmeManagement, NvmeSecondary } from "../port-nvme.ts";
import { asked, changed } from "./calls.ts";
import type { Place } from "./place.ts";
import type { ConformanceScript, Step } from "./script.ts";

/** Do Not Retry and a command specific code (NVM Express Base 2.0, figure 94). */
const INVALID_CONTROLLER = "status 0x411f";
const INVALID_STATE = "status 0x4120";
const INVALID_COUNT = "status 0x4121";

/** `nvme_wait_ready`; nvme1 because nvme0 is the only other one here, and QEMU's controllers that are offline say 2. */
const NOT_READY = "nvme nvme1: Device not ready; aborting initialisation, CSTS=0x2";

function manage(change: NvmeManagement, expect = "ok", source = ""): Step {
  const call = `NVMe virtualization management: ${JSON.stringify(change)}`;
  return changed(call, async (kernel, place) => kernel.nvme.manage(await place.resolve("$nvme"), change), expect, {
    source,
  });
}

function assign(controllerId: number, resource: "vq" | "vi", count: number, expect?: string, source?: string): Step {
  return manage({ action: "assign", controllerId, resource, count }, expect, source);
}

/** The first two of the list; the others are as they were, offline and with nothing. */
function secondaries(first: Partial<NvmeSecondary>, second: Partial<NvmeSecondary> = {}): Step {
  const changes = [first, second, {}, {}];
  const expect = changes.map((change, index) => ({
    controllerId: index + 1,
    primaryControllerId: 0,
    online: false,
    vfNumber: index + 1,
    vq: 0,
    vi: 0,
    ...change,
  }));
  const ask = async (kernel: ChangeableKernel, place: Place) =>
    kernel.nvme.secondaryControllers(await place.resolve("$nvme"));
  return asked("NVMe secondary controllers", ask, expect);
}

function primary(assigned: { readonly vq: number; readonly vi: number }): Step {
  const flexible: Omit<NvmeFlexibleResources, "private" | "assigned"> = {
    total: 8,
    primary: 0,
    secondaryMax: 2,
    granularity: 1,
  };
  async function ask({ nvme }: ChangeableKernel, place: Place) {
    const told = await nvme.primaryCapabilities(await place.resolve("$nvme"));
    if (isUnread(told) || "kind" in told) return told;
    const { vq, vi } = told;
    const common = ({ total, primary, secondaryMax, granularity }: NvmeFlexibleResources) =>
      JSON.stringify({ total, primary, secondaryMax, granularity }) === JSON.stringify(flexible);
    return {
      vq: vq?.assigned,
      vi: vi?.assigned,
      asMade: vq !== undefined && vi !== undefined && common(vq) && common(vi),
    };
  }
  const source = "what is flexible: 8 of each, 2 at the most for a VF; this device's";
  return asked("NVMe primary controller capabilities", ask, { ...assigned, asMade: true }, { source });
}

/**
 * NVM Express Base 2.0 §8.26, drivers/nvme/host/pci.c: a VF is a secondary controller, offline until it is given queues
 * and vectors and told to go online.
 */
export const NVME_SECONDARY: ConformanceScript = {
  name: "NVMe: secondary controllers",
  machine: "igb-nvme",
  pf: bdf("0000:02:00.0"),
  modules: ["nvme"],
  steps: [
    { read: "/sys/class/nvme/$nvme/state", expect: "live", withinMs: 30_000, source: "nvme_probe is asynchronous" },
    { read: "$PF/sriov_totalvfs", expect: "4" },
    primary({ vq: 0, vi: 0 }),
    secondaries({}),
    { write: "$PF/sriov_numvfs", value: "5", expect: "ERANGE", log: [], events: [] },
    {
      write: "$PF/sriov_numvfs",
      value: "2",
      expect: "ok",
      log: [
        "nvme $vf0: enabling device (0000 -> 0002)",
        NOT_READY,
        "nvme $vf1: enabling device (0000 -> 0002)",
        NOT_READY,
      ],
      events: ["add $vf0", "change $vf0", "add $vf1", "change $vf1", "change $pf"],
      source: "the VFs are made, whatever becomes of their drivers: nvme_probe fails with what is offline",
    },
    { link: "$VF0/driver", expect: null },
    { link: "$VF1/driver", expect: null },
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok" },

    { write: "$PF/sriov_drivers_autoprobe", value: "0", expect: "ok" },
    manage({ action: "online", controllerId: 1 }, INVALID_STATE, "without VFs there is no such controller yet"),
    {
      write: "$PF/sriov_numvfs",
      value: "2",
      expect: "ok",
      events: ["add $vf0", "change $vf0", "add $vf1", "change $vf1", "change $pf"],
    },
    manage({ action: "online", controllerId: 1 }, INVALID_STATE, "it has no queues"),
    assign(1, "vq", 3, INVALID_COUNT, "above VQFRSM"),
    assign(1, "vi", 99, INVALID_COUNT),
    assign(9, "vi", 2, INVALID_CONTROLLER),
    assign(1, "vq", 2),
    secondaries({ vq: 2 }),
    manage({ action: "online", controllerId: 1 }, INVALID_STATE, "it has no vectors"),
    assign(1, "vi", 2),
    primary({ vq: 2, vi: 2 }),
    secondaries({ vq: 2, vi: 2 }),
    manage({ action: "online", controllerId: 1 }),
    secondaries({ online: true, vq: 2, vi: 2 }),
    manage({ action: "online", controllerId: 1 }, "ok", "it is"),
    assign(1, "vq", 1, INVALID_STATE, "it is online"),
    assign(1, "vi", 1, INVALID_STATE, "it is online"),
    assign(2, "vq", 1),
    secondaries({ online: true, vq: 2, vi: 2 }, { vq: 1 }),
    manage({ action: "primary-flexible", resource: "vq", count: 99 }, INVALID_COUNT),

    { write: "$PF/sriov_drivers_autoprobe", value: "1", expect: "ok" },
    { write: "/sys/bus/pci/drivers/nvme/bind", value: "$vf0", expect: "ok", events: ["bind $vf0 nvme"] },
    { link: "$VF0/driver", expect: "nvme" },
    { read: "/sys/class/nvme/$nvme0/state", expect: "live", withinMs: 30_000 },
    { read: "/sys/class/nvme/$nvme0/cntlid", expect: "1" },
    { read: "/sys/class/nvme/$nvme0/address", expect: "$vf0" },
    {
      write: "/sys/bus/pci/drivers/nvme/bind",
      value: "$vf1",
      expect: "ENODEV",
      log: ["nvme nvme2: Device not ready; aborting initialisation, CSTS=0x2"],
      events: [],
      source: "it is offline; nvme_probe",
    },
    { link: "$VF1/driver", expect: null },
    { write: "/sys/bus/pci/drivers/nvme/unbind", value: "$vf0", expect: "ok", events: ["unbind $vf0"] },
    { list: "$VF0/nvme", expect: { errno: "ENOENT" } },
    manage({ action: "offline", controllerId: 1 }),
    { ...secondaries({}, { vq: 1 }), source: "QEMU's nvme_virt_set_state takes all resources from what goes offline" },
    primary({ vq: 1, vi: 0 }),
    { write: "$PF/sriov_numvfs", value: "0", expect: "ok", events: ["remove $vf0", "remove $vf1"] },
    { ...secondaries({}), source: "QEMU takes them from all when VF Enable goes" },
    primary({ vq: 0, vi: 0 }),
    asked(
      "NVMe secondary controllers of what is none",
      (kernel) => kernel.nvme.secondaryControllers("nvme99"),
      "ENODEV",
    ),
  ],
};
