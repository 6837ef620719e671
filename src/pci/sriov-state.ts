import type { DecodedCapability } from "./capability.ts";
import { PCI_EXT_CAP_ID_SRIOV } from "./capability-ids.ts";
import type { DecodedFunction } from "./decode.ts";
import type { SRIOV } from "./extended/sriov.ts";
import type { Values } from "./register.ts";

/** The SR-IOV registers of a PF by name, as {@link SRIOV} decodes them. */
export type SriovValues = Values<typeof SRIOV.table>;

/** The SR-IOV capability of a function, undefined where it has none (or none was read). */
export function sriovOf(decoded: DecodedFunction): SriovValues | undefined {
  return sriovCapability(decoded)?.values as SriovValues | undefined;
}

/** As {@link sriovOf}, with its place. */
export function sriovCapability(decoded: DecodedFunction): DecodedCapability | undefined {
  return decoded.extendedCapabilities.find(({ id }) => id === PCI_EXT_CAP_ID_SRIOV);
}
