import { EXPRESS } from "../../pci/capabilities/express.ts";
import { MSIX } from "../../pci/capabilities/msix.ts";
import { POWER_MANAGEMENT } from "../../pci/capabilities/power-management.ts";
import { SUBSYSTEM_ID } from "../../pci/capabilities/subsystem-id.ts";
import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_UPSTREAM } from "../../pci/device-port-type.ts";
import { ACS } from "../../pci/extended/acs.ts";
import { AER } from "../../pci/extended/aer.ts";
import type { DeviceDescription } from "../device-description.ts";
import type { CapabilityDescription, FunctionDescription } from "../function-description.ts";
import type { LinkDescription, PortDescription, SlotDescription } from "../machine-description.ts";

const VENDOR_ID_REDHAT = 0x1b36;
const DEVICE_ID_QEMU_ROOT_PORT = 0x000c;
const VENDOR_ID_TI = 0x104c;
const DEVICE_ID_XIO3130_UPSTREAM = 0x8232;
const DEVICE_ID_XIO3130_DOWNSTREAM = 0x8233;
const CLASS_PCI_BRIDGE = 0x06_04_00;

const SLOT_IMPLEMENTED = 0x100;
const ROLE_BASED_ERROR_REPORTING = 0x8000;
/** Data Link Layer Link Active Reporting, Link Bandwidth Notification, Surprise Down Error Reporting. */
const LINK_REPORTS = 0x38_0000;
const ASPM_L0S = 0x400;
const ARI_FORWARDING_SUPPORTED = 0x20;
const EXTENDED_FMT_AND_PREFIXES = 0x30_0000;
/** Source Validation, Translation Blocking, both redirects, Upstream Forwarding, Direct Translated P2P. */
const ACS_CONTROLS = 0x5f;
const AER_ECRC_AND_HEADERS = 0x2a0;
/** Correctable internal errors, header log overflow, advisory non-fatal errors are masked at first. */
const AER_CORRECTABLE_MASK = 0xe000;
/** Internal errors and blocked prefixes, as in QEMU; without what came after PCIe 3.0. */
const AER_UNCORRECTABLE_MASK = 0x0240_0000;
const AER_SEVERITY = 0x0046_2030;
const DEFAULT_LINK: LinkDescription = { generation: 4, width: 16 };

/** Bridges have a Type 1 header whose prefetchable window takes 64-bit addresses, and the I/O one 16-bit ones. */
const BRIDGE_HEADER = { prefetchableBase: 1, prefetchableLimit: 1 };

/** The host bridge of Intel's Q35, at 00:00.0. */
export const HOST_BRIDGE: DeviceDescription = {
  name: "host bridge",
  functions: [
    {
      vendorId: 0x8086,
      deviceId: 0x29c0,
      classCode: 0x06_00_00,
      subsystemVendorId: 0x1af4,
      subsystemId: 0x1100,
      // It is there whatever its Command register says.
      hardwired: { command: 0x3 },
      header: { command: 0x3 },
    },
  ],
  peerToPeer: false,
};

/** A root port, of QEMU's IDs and layout (pcie-root-port). */
export function rootPort(port: PortDescription, portNumber: number): FunctionDescription {
  return {
    vendorId: VENDOR_ID_REDHAT,
    deviceId: DEVICE_ID_QEMU_ROOT_PORT,
    classCode: CLASS_PCI_BRIDGE,
    interruptPin: 1,
    header: BRIDGE_HEADER,
    bars: [{ index: 0, sizeBytes: 4096 }],
    capabilities: [
      express(PCI_EXP_TYPE_ROOT_PORT, 0x54, port, portNumber),
      { definition: MSIX, offset: 0x48, registers: { table: 0, pendingBitArray: 0x800 } },
      { definition: SUBSYSTEM_ID, offset: 0x40, registers: { subsystemVendorId: VENDOR_ID_REDHAT } },
      powerManagement(0x90),
    ],
    extendedCapabilities: [aer(2), ...acs(port, 0x148)],
  };
}

/** The upstream port of a switch, of the IDs of TI's XIO3130. */
export function switchUpstreamPort(link: LinkDescription = DEFAULT_LINK): FunctionDescription {
  return {
    vendorId: VENDOR_ID_TI,
    deviceId: DEVICE_ID_XIO3130_UPSTREAM,
    revisionId: 2,
    classCode: CLASS_PCI_BRIDGE,
    header: BRIDGE_HEADER,
    capabilities: [express(PCI_EXP_TYPE_UPSTREAM, 0x90, { link }, 0), powerManagement(0xd0)],
    extendedCapabilities: [aer(2)],
  };
}

/** A downstream port of a switch. */
export function switchDownstreamPort(port: PortDescription, portNumber: number): FunctionDescription {
  return {
    vendorId: VENDOR_ID_TI,
    deviceId: DEVICE_ID_XIO3130_DOWNSTREAM,
    revisionId: 1,
    classCode: CLASS_PCI_BRIDGE,
    header: BRIDGE_HEADER,
    capabilities: [express(PCI_EXP_TYPE_DOWNSTREAM, 0x90, port, portNumber), powerManagement(0xd0)],
    extendedCapabilities: [aer(2), ...acs(port, 0x148)],
  };
}

function express(type: number, offset: number, port: PortDescription, portNumber: number): CapabilityDescription {
  const { link = DEFAULT_LINK, slot, ari = true } = port;
  const downstream = type !== PCI_EXP_TYPE_UPSTREAM;
  return {
    definition: EXPRESS,
    offset,
    registers: {
      capabilities: 2 | (type << 4) | (slot === undefined ? 0 : SLOT_IMPLEMENTED),
      deviceCapabilities: ROLE_BASED_ERROR_REPORTING | 0x20,
      deviceControl: 0,
      linkCapabilities:
        (link.generation | (link.width << 4) | ASPM_L0S | (downstream ? LINK_REPORTS : 0) | (portNumber << 24)) >>> 0,
      linkCapabilities2: 2 ** (link.generation + 1) - 2,
      linkControl2: link.generation,
      deviceCapabilities2: EXTENDED_FMT_AND_PREFIXES | (downstream && ari ? ARI_FORWARDING_SUPPORTED : 0),
      ...(type === PCI_EXP_TYPE_ROOT_PORT ? { rootCapabilities: 1 } : {}),
      ...(slot === undefined ? {} : { slotCapabilities: slotCapabilities(slot), slotControl: 0x03c0 }),
    },
    hardwired: {
      // FLR and the controls of endpoints are not for ports; ARI Forwarding where it is supported alone.
      deviceControl: 0x8000,
      deviceControl2: downstream && ari ? 0 : 0x20,
    },
  };
}

/** Attention button, both indicators, power controller, interlock; no MRL sensor: as QEMU's slots have it. */
function slotCapabilities({ number, hotPlug = true, surprise = false }: SlotDescription): number {
  const hotPlugBits = hotPlug ? 0x2_005b : 0x02;
  return ((number << 19) | hotPlugBits | (surprise ? 0x20 : 0)) >>> 0;
}

function powerManagement(offset: number): CapabilityDescription {
  // Version 3, PME from D0, D3hot and D3cold; No_Soft_Reset.
  return { definition: POWER_MANAGEMENT, offset, registers: { capabilities: 0xc803, controlStatus: 0x0008 } };
}

function aer(version: number): CapabilityDescription {
  return {
    definition: AER,
    offset: 0x100,
    version,
    registers: {
      uncorrectableErrorMask: AER_UNCORRECTABLE_MASK,
      uncorrectableErrorSeverity: AER_SEVERITY,
      correctableErrorMask: AER_CORRECTABLE_MASK,
      capabilitiesAndControl: AER_ECRC_AND_HEADERS,
    },
  };
}

function acs({ acs: wanted = true }: PortDescription, offset: number): CapabilityDescription[] {
  if (!wanted) return [];
  return [
    {
      definition: ACS,
      offset,
      registers: { capability: ACS_CONTROLS },
      hardwired: { control: ~ACS_CONTROLS & 0xffff },
    },
  ];
}
