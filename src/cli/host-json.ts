import { hostFunctionToJson } from "../host/function-json.ts";
import { type HostFunction, type Inventory, kernelRelease } from "../host/inventory.ts";
import type { FunctionDevices } from "../host/net-devices.ts";
import type { HostFacts } from "../host/preflight/facts.ts";
import { readOf } from "../host/read-of.ts";
import type { Readiness } from "../host/readiness.ts";
import { isUnread } from "../kernel/port.ts";
import { linkText } from "./link-text.ts";
import { deviceName } from "./names.ts";

/** Facts of a host, documented in docs/json.md. */
export async function hostToJson(inventory: Inventory, facts: HostFacts): Promise<Record<string, unknown>> {
  const { iommu } = facts;
  return readOf({
    source: inventory.kernel.source.name,
    kernelRelease: await kernelRelease(inventory.kernel),
    functionCount: inventory.functions.size,
    iommuUnits: iommu.units,
    iommuGroupCount: iommu.groupCount,
    interruptRemapping: isUnread(iommu.interruptRemapping) ? iommu.interruptRemapping : iommu.interruptRemapping.on,
    commandLine: facts.commandLine,
  });
}

/** A PF with its VFs and whether it can give more. */
export function pfToJson(
  pf: HostFunction,
  devices: FunctionDevices,
  readiness: Readiness,
  largest: number | null,
): Record<string, unknown> {
  const { sriov } = pf;
  return {
    ...hostFunctionToJson(pf, deviceName),
    devices: readOf({ ...devices }),
    link: linkText(pf.decoded),
    sriov: sriov
      ? readOf({
          totalVfs: sriov.totalVfs,
          driverLimit: sriov.driverLimit,
          numVfs: sriov.numVfs,
          firstVfOffset: sriov.firstVfOffset,
          vfStride: sriov.vfStride,
          vfs: pf.node.vfs.map(({ bdf }) => bdf),
        })
      : null,
    ready: readiness.word,
    reason: readiness.reason,
    code: readiness.code ?? null,
    largest,
  };
}
