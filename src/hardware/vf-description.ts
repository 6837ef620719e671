import type { SriovDescription } from "./device-description.ts";
import type { CapabilityDescription, FunctionDescription, RegisterValues } from "./function-description.ts";

const ID_OF_A_VF = 0xffff;
const BUS_MASTER_ENABLE = 0x4;
const ALL = 0xffff_ffff;

/** What VFs leave to their PF, by capability: those bits are reserved in a VF (PCIe 6.0 §9.3.5, §9.3.6). */
const LEFT_TO_PF: Readonly<Record<string, RegisterValues>> = {
  // §9.3.5.3 Device Control, §9.3.5.7 Link Control, §9.3.5.9 Device Control 2, §9.3.5.12 Link Control 2.
  "PCI Express": { deviceControl: 0x7ff0, linkControl: ALL, deviceControl2: ALL, linkControl2: ALL },
  // §9.3.6.1: the PF's masks and severities apply.
  "Advanced Error Reporting (AER)": {
    uncorrectableErrorMask: ALL,
    uncorrectableErrorSeverity: ALL,
    correctableErrorMask: ALL,
    capabilitiesAndControl: ALL,
  },
  // §9.3.6.4: the PF's Smallest Translation Unit applies.
  "Address Translation Services (ATS)": { control: 0x1f },
};

/** What reserved registers of a VF read. */
const READ_ZERO: Readonly<Record<string, RegisterValues>> = {
  "PCI Express": { deviceControl: 0, linkControl: 0, linkStatus: 0, deviceControl2: 0, linkControl2: 0 },
  "Advanced Error Reporting (AER)": {
    uncorrectableErrorMask: 0,
    uncorrectableErrorSeverity: 0,
    correctableErrorMask: 0,
  },
};

/**
 * A VF of a PF, as its configuration space shows it (PCIe 6.0 §9.3.4). It has no BARs: they read zero, since the PF's VF
 * BARs say where its memory is (§9.3.4.1.9).
 */
export function vfDescription(pf: FunctionDescription, { vf }: SriovDescription): FunctionDescription {
  const asVf = (each: CapabilityDescription): CapabilityDescription => ({
    ...each,
    registers: { ...each.registers, ...READ_ZERO[each.definition.name] },
    hardwired: { ...LEFT_TO_PF[each.definition.name], ...each.hardwired },
  });
  return {
    // Software takes them from the PF (§9.3.4.1.1); class, revision and subsystem vendor are the PF's (§9.3.4.1.5).
    vendorId: ID_OF_A_VF,
    deviceId: ID_OF_A_VF,
    revisionId: pf.revisionId ?? 0,
    classCode: pf.classCode,
    subsystemVendorId: pf.subsystemVendorId ?? 0,
    subsystemId: pf.subsystemId ?? 0,
    // Of Command a VF has Bus Master Enable alone (§9.3.4.1.3); no INTx, no cache line size.
    hardwired: { command: 0xffff & ~BUS_MASTER_ENABLE, cacheLineSize: ALL, interruptLine: ALL, bist: ALL },
    capabilities: vf.capabilities.map(asVf),
    extendedCapabilities: vf.extendedCapabilities.map(asVf),
  };
}
