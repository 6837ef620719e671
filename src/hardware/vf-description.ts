import { EXPRESS } from "../pci/capabilities/express.ts";
import type { Capability } from "../pci/capability.ts";
import { PCI_EXP_TYPE_RC_END } from "../pci/device-port-type.ts";
import { AER } from "../pci/extended/aer.ts";
import { ATS } from "../pci/extended/ats.ts";
import type { SriovDescription } from "./device-description.ts";
import type { CapabilityDescription, FunctionDescription, RegisterValues } from "./function-description.ts";

const ID_OF_A_VF = 0xffff;
const BUS_MASTER_ENABLE = 0x4;
const ALL = 0xffff_ffff;

/** What VFs leave to their PF, by capability: those bits are reserved in a VF (PCIe 6.0 §9.3.5, §9.4.2). */
const LEFT_TO_PF = new Map<Capability, RegisterValues>([
  [EXPRESS, { deviceControl: 0x7ff0, linkControl: ALL, deviceControl2: ALL, linkControl2: ALL }],
  [
    AER,
    {
      uncorrectableErrorMask: ALL,
      uncorrectableErrorSeverity: ALL,
      correctableErrorMask: ALL,
      capabilitiesAndControl: ALL,
    },
  ],
  // The PF's Smallest Translation Unit applies (§10.5.1.3).
  [ATS, { control: 0x1f }],
]);

/** What reserved registers of a VF read. */
const READ_ZERO = new Map<Capability, RegisterValues>([
  [EXPRESS, { deviceControl: 0, linkControl: 0, linkStatus: 0, deviceControl2: 0, linkControl2: 0 }],
  [AER, { uncorrectableErrorMask: 0, uncorrectableErrorSeverity: 0, correctableErrorMask: 0 }],
]);

/** Without what the capability does not have: a Root Complex Integrated Endpoint has no link registers (§7.5.3). */
function inPlace({ definition, registers }: CapabilityDescription, values: RegisterValues = {}): RegisterValues {
  const type = (Number(registers?.capabilities ?? 0) >>> 4) & 0xf;
  if (definition !== EXPRESS || type !== PCI_EXP_TYPE_RC_END) return values;
  return Object.fromEntries(Object.entries(values).filter(([name]) => !name.startsWith("link")));
}

/**
 * A VF of a PF, as its configuration space shows it (PCIe 6.0 §9.3.4). It has no BARs: they read zero, since the PF's VF
 * BARs say where its memory is (§9.3.4.1).
 */
export function vfDescription(pf: FunctionDescription, { vf }: SriovDescription): FunctionDescription {
  const asVf = (each: CapabilityDescription): CapabilityDescription => ({
    ...each,
    registers: { ...each.registers, ...inPlace(each, READ_ZERO.get(each.definition)) },
    hardwired: { ...inPlace(each, LEFT_TO_PF.get(each.definition)), ...each.hardwired },
  });
  return {
    // Software takes them from the PF (§9.3.4.1.1); class, revision and subsystem vendor are the PF's (§9.3.4.1).
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
