import type { DeviceDescription, DeviceFunction } from "../../../hardware/device-description.ts";
import { intel82576 } from "../../../hardware/devices/intel-82576.ts";
import type { DeviceEntry, MachineDescription } from "../../../hardware/machine-description.ts";
import type { ModelDescription } from "../model-description.ts";
import { filler, qemuVirtioNet } from "./qemu-virtio-net.ts";

type RootEntry = MachineDescription["root"][number];

const MEMORY_BYTES = 512 * 1024 * 1024;
/** What QEMU's firmware gives to each bridge that cards may be put behind. */
const WINDOWS = { low: 0x20_0000, high: 0x2000_0000 };
const VTD = { interruptRemapping: true };
/** Of QEMU's pcie-root-port. */
const LINK = { generation: 4, width: 32 } as const;
/** The lab's kernel writes nothing to its console. */
const QUIET =
  "console=ttyS0 quiet loglevel=4 panic=-1 no_timer_check mitigations=off init_on_alloc=0 no5lvl rcupdate.rcu_expedited=1";

interface LabModel {
  readonly root: readonly RootEntry[];
  readonly iommu?: { readonly interruptRemapping: boolean };
  readonly parameters?: string;
  readonly windows?: { readonly low: number; readonly high: number };
}

/** QEMU's igb: VFs begin 128 functions later, with ARI or without. */
function igb(ports: number, firstVfOffset = 128): DeviceDescription {
  const device = intel82576(ports);
  return { ...device, functions: device.functions.map((fn) => withOffset(fn, firstVfOffset)) };
}

function withOffset(fn: DeviceFunction, firstVfOffset: number): DeviceFunction {
  const placement = { firstVfOffset, vfStride: 2 };
  return fn.sriov === undefined ? fn : { ...fn, sriov: { ...fn.sriov, placement, placementWithoutAri: placement } };
}

function rootPort(device: DeviceEntry["device"], options: DeviceEntry["options"] = {}): RootEntry {
  return { kind: "root port", anyDevice: true, link: LINK, below: { kind: "device", device, options } };
}

function switchOf(portsWithAcs: readonly number[], devices: readonly DeviceEntry["device"][]): RootEntry {
  const ports = devices.map((device, index) => ({
    acs: portsWithAcs.includes(index),
    anyDevice: true as const,
    below: { kind: "device", device } as const,
  }));
  return { kind: "root port", anyDevice: true, link: LINK, below: { kind: "switch", ports } };
}

/** With two functions more, which leave of the bridge's windows what the VF BARs of one port need. */
function crowded(device: DeviceDescription): DeviceDescription {
  const fillers = [
    filler({ index: 0, sizeBytes: 0x10_0000 }),
    filler({ index: 2, sizeBytes: 0x20_0000, is64: true, prefetchable: true }),
  ];
  return { ...device, functions: [...device.functions, ...fillers] };
}

/** QEMU's NVMe of the lab: two queues and vectors for each VF, and six more. */
function nvme(totalVfs: number): RootEntry {
  return rootPort("NVMe", { totalVfs, vectors: totalVfs * 2 + 6 });
}

const MODELS: Readonly<Record<string, LabModel>> = {
  igb: { iommu: VTD, root: [rootPort(igb(1))] },
  "igb-nvme": { iommu: VTD, root: [rootPort(igb(2)), nvme(4), rootPort(qemuVirtioNet(3))] },
  netdevsim: { root: [] },
  "no-iommu": { root: [rootPort(igb(2))] },
  "no-remapping": { iommu: { interruptRemapping: false }, root: [rootPort(igb(1))] },
  switch: { iommu: VTD, root: [switchOf([], [igb(1), igb(1)])] },
  "switch-acs": { iommu: VTD, root: [switchOf([0, 1], [igb(1), igb(1)])] },
  mixed: {
    iommu: VTD,
    root: [switchOf([0], [igb(1), igb(1)]), { kind: "integrated", at: 0x0a, device: igb(1) }],
  },
  "no-ari": { iommu: VTD, parameters: "pci=noari", root: [rootPort(igb(2))] },
  "narrow-bus": { iommu: VTD, parameters: "pci=noari", root: [rootPort(igb(1, 384)), rootPort(igb(1, 384))] },
  "no-msi": { iommu: VTD, parameters: "pci=nomsi", root: [rootPort(igb(1)), nvme(4)] },
  guests: { iommu: VTD, root: [rootPort(igb(1)), nvme(4)] },
  "small-window": {
    iommu: VTD,
    parameters: "pci=realloc=off,noari",
    windows: { low: 0x20_0000, high: 0x20_0000 },
    root: [rootPort(crowded(igb(2))), nvme(127)],
  },
};

/** The names of the lab's machines that have PCI devices and a model. */
export const MODELLED_MACHINES = Object.keys(MODELS).filter((name) => MODELS[name]?.root.length);

/** The model of a machine of the lab (src/lab/machines.ts), by its name; undefined where there is none. */
export function labModel(name: string): ModelDescription | undefined {
  const model = MODELS[name];
  if (model === undefined) return undefined;
  const { iommu, parameters, root, windows = WINDOWS } = model;
  const words = [
    QUIET,
    ...(iommu ? ["intel_iommu=on"] : []),
    ...(parameters ? [parameters] : []),
    `lab.machine=${name}`,
  ];
  return {
    machine: { memoryBytes: MEMORY_BYTES, root },
    ...(iommu === undefined ? {} : { iommu }),
    firmware: { virtualFunctions: false, leastWindows: () => windows },
    commandLine: words.join(" "),
  };
}
