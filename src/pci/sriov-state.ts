import type { DecodedCapability } from "./capability.ts";
import { PCI_EXT_CAP_ID_SRIOV } from "./capability-ids.ts";
import type { DecodedFunction } from "./decode.ts";
import type { SRIOV } from "./extended/sriov.ts";
import type { Values } from "./register.ts";

const PCI_SRIOV_VF_DID = 0x1a;

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

/**
 * The IDs of a PF's VFs, whose own registers read FFFFh: the PF's Vendor ID and VF Device ID (PCIe 6.0 §9.3.4.1.1; Linux
 * `pci_iov_add_virtfn`). Null where the PF is not known or not read.
 */
export function vfIds(physfn: DecodedFunction | undefined): {
  readonly vendorId: number | null;
  readonly deviceId: number | null;
} {
  const sriov = physfn && sriovCapability(physfn);
  const deviceId = sriov && physfn.space.u16(sriov.offset + PCI_SRIOV_VF_DID);
  return { vendorId: physfn?.vendorId ?? null, deviceId: deviceId ?? null };
}
