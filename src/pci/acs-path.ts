import {
  ACS_QUIRKS,
  type AcsQuirk,
  includesDeviceId,
  PCI_ACS_CR,
  PCI_ACS_DT,
  PCI_ACS_EC,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
  PCI_VENDOR_ID_INTEL,
} from "./acs-quirks.ts";
import { type Bdf, busOf, domainOf, formatBdf, routingId } from "./bdf.ts";
import { at } from "./capability.ts";
import {
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_ENDPOINT,
  PCI_EXP_TYPE_LEG_END,
  PCI_EXP_TYPE_PCI_BRIDGE,
  PCI_EXP_TYPE_PCIE_BRIDGE,
  PCI_EXP_TYPE_RC_EC,
  PCI_EXP_TYPE_RC_END,
  PCI_EXP_TYPE_ROOT_PORT,
  PCI_EXP_TYPE_UPSTREAM,
} from "./device-port-type.ts";
import type { IsolationModel, PciDevice } from "./isolation-model.ts";

/** The controls that isolation wants (`REQ_ACS_FLAGS` of Linux 6.12 `drivers/iommu/iommu.c`). */
export const REQ_ACS_FLAGS = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;

/** Does a function keep its requests from peers, as Linux sees it? */
export interface AcsVerdict {
  readonly bdf: Bdf;
  /** Null where it depends on what was not read. */
  readonly enabled: boolean | null;
  /** What decided. */
  readonly by: "register" | "no-capability" | "quirk" | "not-multifunction" | "not-pcie" | "device-type" | "unread";
  readonly why: string;
  /** The controls that are wanted and off, by the specification's names. */
  readonly missing: readonly string[];
}

export interface AcsPath {
  /** True where every hop is isolated; null where no hop fails, but not all are known. */
  readonly enabled: boolean | null;
  /** From the function up to the root. */
  readonly hops: readonly AcsVerdict[];
  /** The last hop is on a root bus; false where a bridge may be above it that is not among the functions. */
  readonly complete: boolean;
}

/** The ACS registers as they count in the model's mode. */
export interface EffectiveAcs {
  readonly capability: number;
  readonly control: number;
}

const PCI_ACS_CAP = 0x04;
const PCI_ACS_CTRL = 0x06;
const INTEL_SPT_ACS_CTRL = PCI_ACS_CAP + 4;
const INTEL_LPC_RCBA_REG = 0xf0;
const INTEL_LPC_RCBA_ENABLE = 1;

const CONTROL_NAMES: readonly (readonly [flag: number, name: string])[] = [
  [PCI_ACS_SV, "ACS Source Validation"],
  [PCI_ACS_TB, "ACS Translation Blocking"],
  [PCI_ACS_RR, "ACS P2P Request Redirect"],
  [PCI_ACS_CR, "ACS P2P Completion Redirect"],
  [PCI_ACS_UF, "ACS Upstream Forwarding"],
  [PCI_ACS_EC, "ACS P2P Egress Control"],
  [PCI_ACS_DT, "ACS Direct Translated P2P"],
];

/**
 * Whether a function has the controls `flags` effectively enabled (Linux 6.12 `pci_acs_enabled`: quirks first, then by
 * the Device/Port Type; a function without peers in its device counts as isolated).
 */
export function acsEnabled(model: IsolationModel, device: PciDevice, flags: number = REQ_ACS_FLAGS): AcsVerdict {
  return quirkVerdict(model, device, flags) ?? standardVerdict(model, device, flags);
}

/** {@link acsEnabled} for a function and each bridge above it (Linux 6.12 `pci_acs_path_enabled` up to the root). */
export function acsPath(model: IsolationModel, device: PciDevice, flags: number = REQ_ACS_FLAGS): AcsPath {
  const hops: AcsVerdict[] = [];
  let top = device;
  for (let hop: PciDevice | undefined = device; hop; hop = hop.bridge) {
    hops.push(acsEnabled(model, hop, flags));
    top = hop;
  }
  const complete = top.onRootBus === true;
  const enabled = hops.some((hop) => hop.enabled === false)
    ? false
    : complete && hops.every((hop) => hop.enabled === true)
      ? true
      : null;
  return { enabled, hops, complete };
}

/**
 * A function's ACS registers; with `withKernelAcs`, as Linux 6.12 would set them with an IOMMU on (`pci_enable_acs`).
 * @returns `"absent"` without the capability, null where it was not read.
 */
export function effectiveAcs(model: IsolationModel, device: PciDevice): EffectiveAcs | "absent" | null {
  return readAcs(model, device, hasIntelSptLayout(device) ? INTEL_SPT_ACS_CTRL : PCI_ACS_CTRL);
}

/** `pci_quirk_intel_spt_pch_acs_match` */
function hasIntelSptLayout({ vendorId, deviceId, type }: PciDevice): boolean {
  if (vendorId !== PCI_VENDOR_ID_INTEL || deviceId === null || type !== PCI_EXP_TYPE_ROOT_PORT) return false;
  const quirk = ACS_QUIRKS.find(({ condition }) => condition === "intel-spt-pch");
  return quirk !== undefined && quirk.deviceIds !== "any" && includesDeviceId(quirk.deviceIds, deviceId);
}

function readAcs(model: IsolationModel, device: PciDevice, controlOffset: number): EffectiveAcs | "absent" | null {
  const { acsOffset, space } = device;
  if (acsOffset === "absent" || acsOffset === null) return acsOffset;
  const capability = space?.u16(acsOffset + PCI_ACS_CAP);
  const control = space?.u16(acsOffset + controlOffset);
  if (capability === undefined || control === undefined) return null;
  return { capability, control: model.acs === "withKernelAcs" ? control | (capability & REQ_ACS_FLAGS) : control };
}

/** `pci_acs_enabled` after the quirks. */
function standardVerdict(model: IsolationModel, device: PciDevice, flags: number): AcsVerdict {
  const { bdf, type } = device;
  switch (type) {
    case null:
      return unread(bdf, "its PCI Express capability was not read");
    case "not-pcie":
      return verdict(bdf, false, "not-pcie", "a conventional PCI function shares its bus with others", flags);
    case PCI_EXP_TYPE_PCIE_BRIDGE:
    case PCI_EXP_TYPE_PCI_BRIDGE:
      return verdict(bdf, false, "device-type", "a bridge to or from conventional PCI has no ACS", flags);
    case PCI_EXP_TYPE_RC_EC:
      return verdict(bdf, false, "device-type", "a Root Complex Event Collector has no ACS", flags);
    case PCI_EXP_TYPE_DOWNSTREAM:
    case PCI_EXP_TYPE_ROOT_PORT:
      return registerVerdict(device, readAcs(model, device, PCI_ACS_CTRL), flags, "register");
    case PCI_EXP_TYPE_ENDPOINT:
    case PCI_EXP_TYPE_UPSTREAM:
    case PCI_EXP_TYPE_LEG_END:
    case PCI_EXP_TYPE_RC_END:
      break;
    default:
      return verdict(bdf, true, "device-type", `Linux takes the reserved Device/Port Type ${at(type)} for isolated`);
  }
  if (device.multifunction === null) return unread(bdf, "its Header Type was not read");
  if (device.multifunction) return registerVerdict(device, readAcs(model, device, PCI_ACS_CTRL), flags, "register");
  const why = device.isVf ? "a VF is not part of a multi-function device" : "it is the only function of its device";
  return verdict(bdf, true, "not-multifunction", why);
}

/** `pci_acs_flags_enabled`: a control that the capability lacks counts as enabled, Egress Control excepted. */
function registerVerdict(
  { bdf }: PciDevice,
  registers: EffectiveAcs | "absent" | null,
  flags: number,
  by: "register" | "quirk",
): AcsVerdict {
  if (registers === null) return unread(bdf, "its ACS capability was not read");
  if (registers === "absent") return verdict(bdf, false, "no-capability", "it has no ACS capability", flags);
  const missing = flags & (registers.capability | PCI_ACS_EC) & ~registers.control;
  const why = missing === 0 ? "its ACS controls are enabled" : "its ACS controls are not all enabled";
  return verdict(bdf, missing === 0, by, why, missing);
}

/** `pci_dev_specific_acs_enabled`; undefined where no quirk speaks of the function. */
function quirkVerdict(model: IsolationModel, device: PciDevice, flags: number): AcsVerdict | undefined {
  const { bdf, vendorId, deviceId, type } = device;
  if (vendorId === null || deviceId === null) {
    return unread(bdf, device.isVf ? "its PF is not known, and so its Vendor ID" : "its IDs were not read");
  }
  for (const quirk of ACS_QUIRKS) {
    if (quirk.vendorId !== vendorId) continue;
    if (quirk.deviceIds !== "any" && !includesDeviceId(quirk.deviceIds, deviceId)) continue;
    if (quirk.types) {
      if (type === null) return unread(bdf, "its PCI Express capability was not read");
      if (type === "not-pcie" || !quirk.types.includes(type)) continue;
    }
    const answer = quirk.condition
      ? CONDITIONS[quirk.condition](model, device, flags, quirk)
      : granted(bdf, flags, quirk);
    if (answer) return answer;
  }
  return undefined;
}

type Condition = (model: IsolationModel, device: PciDevice, flags: number, quirk: AcsQuirk) => AcsVerdict | undefined;

const CONDITIONS: Readonly<Record<NonNullable<AcsQuirk["condition"]>, Condition>> = {
  /** `pci_quirk_amd_sb_acs`: of multi-function devices on the root bus, where the firmware has the table IVRS. */
  "amd-southbridge": (model, device, flags, quirk) => {
    if (device.multifunction === false || device.onRootBus === false || model.ivrs === false) return undefined;
    if (device.multifunction === null || device.onRootBus === null || model.ivrs === undefined) {
      return unread(device.bdf, `${quirk.why}: configuration space does not tell whether there is one`);
    }
    return granted(device.bdf, flags & (PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_EC | PCI_ACS_DT), quirk);
  },
  /** `pci_quirk_intel_pch_acs`, and `pci_quirk_enable_intel_pch_acs`, which must have succeeded before. */
  "intel-pch": (model, device, flags, quirk) => {
    const { bdf } = device;
    if (model.acs === "asConfigured") {
      return unread(bdf, `${quirk.why}: registers in memory space tell whether it has`);
    }
    // Function 31.0 of the port's bus, the LPC bridge, tells where those registers are.
    const lpc = model.devices.get(formatBdf(domainOf(bdf), routingId(busOf(bdf), 31, 0)));
    const rcba = lpc?.space?.u32(INTEL_LPC_RCBA_REG);
    if (rcba === undefined) return unread(bdf, `${quirk.why}: the chipset's Root Complex Base Address was not read`);
    if ((rcba & INTEL_LPC_RCBA_ENABLE) !== 0) return granted(bdf, flags, quirk);
    return granted(bdf, flags, { ...quirk, grants: 0, why: `${quirk.why}; here it cannot reach them` });
  },
  /** `pci_quirk_intel_spt_pch_acs` and, for the kernel's own setting, `pci_quirk_enable_intel_spt_pch_acs`. */
  "intel-spt-pch": (model, device, flags, quirk) => {
    const registers = readAcs(model, device, INTEL_SPT_ACS_CTRL);
    if (registers === "absent") return undefined;
    const answer = registerVerdict(device, registers, flags, "quirk");
    return { ...answer, why: `${answer.why} (${quirk.why})` };
  },
};

function granted(bdf: Bdf, flags: number, quirk: AcsQuirk): AcsVerdict {
  const missing = flags & ~quirk.grants;
  return verdict(bdf, missing === 0, "quirk", `${quirk.why} (${quirk.callback})`, missing);
}

function verdict(bdf: Bdf, enabled: boolean, by: AcsVerdict["by"], why: string, missing = 0): AcsVerdict {
  const names = CONTROL_NAMES.filter(([flag]) => (missing & flag) !== 0).map(([, name]) => name);
  return { bdf, enabled, by, why, missing: names };
}

function unread(bdf: Bdf, why: string): AcsVerdict {
  return { bdf, enabled: null, by: "unread", why, missing: [] };
}
