import { EXPRESS } from "../pci/capabilities/express.ts";
import { PCI_EXP_TYPE_RC_END } from "../pci/device-port-type.ts";
import type { DeviceDescription, DeviceFunction } from "./device-description.ts";
import type { CapabilityDescription } from "./function-description.ts";

/** PCI Express Capability Version, of the Capabilities register. */
const CAPABILITY_VERSION = 2;

/**
 * A device as one that is part of the root complex: an integrated endpoint, which has no link (PCIe 6.0 §7.5.3). So are
 * its VFs.
 */
export function integratedEndpoint(device: DeviceDescription): DeviceDescription {
  const functions = device.functions.map((fn): DeviceFunction => {
    const capabilities = fn.capabilities?.map(withoutLink) ?? [];
    if (fn.sriov === undefined) return { ...fn, capabilities };
    const vf = { ...fn.sriov.vf, capabilities: fn.sriov.vf.capabilities.map(withoutLink) };
    return { ...fn, capabilities, sriov: { ...fn.sriov, vf } };
  });
  return { ...device, functions };
}

function withoutLink(each: CapabilityDescription): CapabilityDescription {
  if (each.definition !== EXPRESS) return each;
  const kept = Object.entries(each.registers ?? {}).filter(([name]) => !name.startsWith("link"));
  const capabilities = CAPABILITY_VERSION | (PCI_EXP_TYPE_RC_END << 4);
  return { ...each, registers: { ...Object.fromEntries(kept), capabilities } };
}
