import { type HostFunction, type Inventory, kernelRelease } from "../host/inventory.ts";
import type { FunctionDevices } from "../host/net-devices.ts";
import type { HostFacts } from "../host/preflight/facts.ts";
import type { Readiness } from "../host/readiness.ts";
import { isUnread } from "../kernel/port.ts";
import { linkText } from "./link-text.ts";
import { deviceName } from "./names.ts";

/** The reasons for each null in a shape, by field name; an empty object where all was read. */
function unknowns(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      isUnread(value) ? [[name, `${value.reason} (${value.path})`]] : [],
    ),
  );
}

function withUnknowns(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...fields, unknown: unknowns(fields) };
}

/** Facts of a host, documented in docs/json.md. */
export async function hostToJson(inventory: Inventory, facts: HostFacts): Promise<Record<string, unknown>> {
  const { iommu } = facts;
  return withUnknowns({
    source: inventory.kernel.source.name,
    kernelRelease: await kernelRelease(inventory.kernel),
    functionCount: inventory.functions.size,
    iommuUnits: iommu.units,
    iommuGroupCount: iommu.groupCount,
    interruptRemapping: isUnread(iommu.interruptRemapping) ? iommu.interruptRemapping : iommu.interruptRemapping.on,
    commandLine: facts.commandLine,
  });
}

/** A function as its host sees it; registers are elsewhere. */
export function hostFunctionToJson(fn: HostFunction): Record<string, unknown> {
  return withUnknowns({
    bdf: fn.bdf,
    vendorId: fn.vendorId,
    deviceId: fn.deviceId,
    name: isUnread(fn.vendorId) || isUnread(fn.deviceId) ? null : deviceName(fn.vendorId, fn.deviceId),
    driver: fn.driver,
    iommuGroup: fn.iommuGroup,
    numaNode: fn.numaNode,
    parent: fn.node.parent?.bdf ?? null,
    ...(fn.node.vf ? { physfn: fn.node.vf.physfn, vfIndex: fn.node.vf.index } : {}),
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
    ...hostFunctionToJson(pf),
    devices: withUnknowns({ ...devices }),
    link: linkText(pf.decoded),
    sriov: sriov
      ? withUnknowns({
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
