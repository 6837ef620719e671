import type { DeviceDescription, DeviceFunction } from "../../../hardware/device-description.ts";
import { intel82576 } from "../../../hardware/devices/intel-82576.ts";
import type { DeviceEntry, MachineDescription } from "../../../hardware/machine-description.ts";
import type { ModelDescription } from "../model-description.ts";

const MEMORY_BYTES = 512 * 1024 * 1024;
const TWO_MIB = 0x20_0000;
/** Where QEMU's root ports of the lab are. */
const FIRST_PORT = 4;
const VTD = { interruptRemapping: true };
/** The lab's kernel writes nothing to its console. */
const QUIET = "console=ttyS0 quiet loglevel=4 panic=-1 no_timer_check";

interface LabModel {
  readonly devices: readonly (DeviceEntry | undefined)[];
  readonly iommu?: { readonly interruptRemapping: boolean };
  readonly parameters?: string;
  /** Of the windows of root ports. */
  readonly windows?: { readonly low: number; readonly high: number };
}

function card(device: DeviceDescription | string, options: DeviceEntry["options"] = {}): DeviceEntry {
  return { kind: "device", device, options };
}

/** QEMU's igb: VFs begin 128 functions later, with ARI or without. */
function igb(ports: number, firstVfOffset = 128): DeviceEntry {
  const device = intel82576(ports);
  return card({ ...device, functions: device.functions.map((fn) => qemuFunction(fn, firstVfOffset)) });
}

function qemuFunction(fn: DeviceFunction, firstVfOffset: number): DeviceFunction {
  const placement = { firstVfOffset, vfStride: 2 };
  return fn.sriov === undefined ? fn : { ...fn, sriov: { ...fn.sriov, placement, placementWithoutAri: placement } };
}

const MODELS: Readonly<Record<string, LabModel>> = {
  igb: { iommu: VTD, devices: [igb(1)] },
  "no-iommu": { devices: [igb(2)] },
  "no-remapping": { iommu: { interruptRemapping: false }, devices: [igb(1)] },
  "no-ari": { iommu: VTD, parameters: "pci=noari", devices: [igb(2)] },
  "narrow-bus": { iommu: VTD, parameters: "pci=noari", devices: [igb(1, 384), igb(1, 384)] },
};

/** The model of a machine of the lab (src/lab/machines.ts), by its name; undefined where there is none yet. */
export function labModel(name: string): ModelDescription | undefined {
  const model = MODELS[name];
  if (model === undefined) return undefined;
  const { iommu, parameters, devices, windows = { low: TWO_MIB, high: TWO_MIB } } = model;
  const root = devices.map((below, index): MachineDescription["root"][number] => ({
    kind: "root port",
    device: FIRST_PORT + index,
    slot: { number: index },
    ...(below === undefined ? {} : { below }),
  }));
  return {
    machine: { memoryBytes: MEMORY_BYTES, root },
    ...(iommu === undefined ? {} : { iommu }),
    firmware: { virtualFunctions: false, leastWindows: () => windows },
    commandLine: [
      QUIET,
      ...(iommu ? ["intel_iommu=on"] : []),
      ...(parameters ? [parameters] : []),
      `lab.machine=${name}`,
    ].join(" "),
  };
}
