import type { Bar } from "./bar.ts";
import type { DecodedCapability } from "./capability.ts";
import type { DecodedFunction } from "./decode.ts";
import { COMMON_HEADER } from "./header.ts";

/** The documented JSON shape of one decoded function (docs/json.md). */
export function functionToJson(fn: DecodedFunction): Record<string, unknown> {
  return {
    bdf: fn.bdf,
    vendorId: fn.vendorId,
    deviceId: fn.deviceId,
    revisionId: fn.revisionId,
    classCode: fn.classCode,
    headerType: fn.headerType,
    multiFunction: fn.multiFunction,
    subsystemVendorId: fn.subsystemVendorId,
    subsystemId: fn.subsystemId,
    command: fieldsOf(fn, "command"),
    status: fieldsOf(fn, "status"),
    ...(fn.bridge === undefined ? {} : { bridge: fn.bridge }),
    bars: fn.bars?.map(barToJson) ?? null,
    capabilities: fn.capabilities.map(capabilityToJson),
    extendedCapabilities: fn.extendedCapabilities.map(capabilityToJson),
    problems: fn.problems,
  };
}

/** The fields of one register of the header. */
function fieldsOf({ header }: DecodedFunction, register: "command" | "status"): Record<string, unknown> {
  const names = Object.keys(COMMON_HEADER[register].fields);
  return Object.fromEntries(names.map((name) => [name, header[name]]));
}

function barToJson({ index, kind, address, is64, prefetchable }: Bar): Record<string, unknown> {
  return { index, kind, address, is64, prefetchable };
}

function capabilityToJson({ id, version, name, offset, values }: DecodedCapability): Record<string, unknown> {
  return { id, ...(version === undefined ? {} : { version }), name, offset, ...values };
}
