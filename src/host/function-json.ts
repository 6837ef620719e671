import { functionToJson } from "../pci/function-json.ts";
import type { DeviceNames } from "./device-names.ts";
import type { FunctionDetails, NetDevice } from "./function-details.ts";
import type { HostFunction } from "./inventory.ts";
import { type ReadFields, readOf } from "./read-of.ts";

/** A function as its host sees it (docs/json.md); registers are elsewhere. */
export function hostFunctionToJson(fn: HostFunction, names: DeviceNames) {
  return readOf(fieldsOf(fn, names));
}

/** All of a function, as its host and as its registers have it: `vfleet show`, and the API. */
export function functionDetailsToJson(fn: HostFunction, details: FunctionDetails, names: DeviceNames) {
  const { devices, netDevices, groupMembers, settings, resources, attributes } = details;
  const { space } = fn.decoded;
  return {
    ...readOf({ ...fieldsOf(fn, names), groupMembers, resources, ...(settings !== undefined && { settings }) }),
    devices: readOf({ ...devices }),
    netDevices: netDevices.map((each): ReadFields<NetDevice> => readOf({ ...each })),
    attributes: attributes.map((each) => readOf({ ...each })),
    registers: functionToJson(fn.decoded),
    config: space.hexDump(0, space.end),
  };
}

function fieldsOf(fn: HostFunction, names: DeviceNames) {
  const { vendorId, deviceId } = fn;
  return {
    bdf: fn.bdf,
    vendorId,
    deviceId,
    name: typeof vendorId === "number" && typeof deviceId === "number" ? names(vendorId, deviceId) : null,
    driver: fn.driver,
    iommuGroup: fn.iommuGroup,
    numaNode: fn.numaNode,
    parent: fn.node.parent?.bdf ?? null,
    ...(fn.node.vf ? { physfn: fn.node.vf.physfn, vfIndex: fn.node.vf.index } : {}),
  };
}
