import { EXPRESS } from "../../pci/capabilities/express.ts";
import { MSI } from "../../pci/capabilities/msi.ts";
import { MSIX } from "../../pci/capabilities/msix.ts";
import { POWER_MANAGEMENT } from "../../pci/capabilities/power-management.ts";
import { ACS } from "../../pci/extended/acs.ts";
import { AER } from "../../pci/extended/aer.ts";
import { ARI } from "../../pci/extended/ari.ts";
import { ATS } from "../../pci/extended/ats.ts";
import { DEVICE_SERIAL_NUMBER } from "../../pci/extended/device-serial-number.ts";
import { PASID } from "../../pci/extended/pasid.ts";
import type { CapabilityDescription } from "../function-description.ts";
import type { LinkDescription } from "../machine-description.ts";

const ROLE_BASED_ERROR_REPORTING = 0x8000;
const EXTENDED_TAG = 0x20;
const FLR = 0x1000_0000;
/** Completion timeouts A to D, and that they can be turned off: of Device Capabilities 2. */
export const COMPLETION_TIMEOUTS = 0x1f;

/** Revision 3. @param capabilities PME from D0, D3hot and D3cold where left out */
export function powerManagement(offset: number, noSoftReset: boolean, capabilities = 0xc803): CapabilityDescription {
  const controlStatus = noSoftReset ? 0x8 : 0;
  return { definition: POWER_MANAGEMENT, offset, registers: { capabilities, controlStatus } };
}

/** One vector, 64-bit addresses, masking. */
export function msi(offset: number): CapabilityDescription {
  return { definition: MSI, offset, registers: { messageControl: 0x0180 } };
}

/** Where MSI-X has its structures: a BAR and an offset in it. */
export interface MsixPlaces {
  readonly bar: number;
  readonly table?: number;
  readonly pba: number;
}

export function msix(offset: number, vectors: number, { bar, table = 0, pba }: MsixPlaces): CapabilityDescription {
  return {
    definition: MSIX,
    offset,
    registers: { messageControl: vectors - 1, table: table | bar, pendingBitArray: pba | bar },
  };
}

/** Extended Fmt Field and End-End TLP Prefixes: a function with PASID has them. */
export const END_END_PREFIXES = 0x30_0000;

/** An endpoint of version 2 with FLR. */
export function endpoint(
  offset: number,
  { generation, width }: LinkDescription,
  deviceCapabilities2: number = COMPLETION_TIMEOUTS,
): CapabilityDescription {
  return {
    definition: EXPRESS,
    offset,
    registers: {
      capabilities: 2,
      // Payloads of 512 bytes.
      deviceCapabilities: FLR | ROLE_BASED_ERROR_REPORTING | EXTENDED_TAG | 2,
      linkCapabilities: generation | (width << 4),
      deviceCapabilities2,
      linkCapabilities2: generation < 3 ? 0 : 2 ** (generation + 1) - 2,
      linkControl2: generation,
    },
  };
}

/** With ECRC; without what these devices do not have: internal errors and what came after them. */
export function aer(offset: number, version: number): CapabilityDescription {
  return {
    definition: AER,
    offset,
    version,
    registers: {
      uncorrectableErrorMask: 0,
      uncorrectableErrorSeverity: 0x0006_2030,
      correctableErrorMask: 0x2000,
      capabilitiesAndControl: 0xa0,
    },
  };
}

export function ari(offset: number, nextFunction: number): CapabilityDescription {
  return { definition: ARI, offset, registers: { capability: nextFunction << 8 } };
}

export function deviceSerialNumber(offset: number, serial: SerialNumber): CapabilityDescription {
  return {
    definition: DEVICE_SERIAL_NUMBER,
    offset,
    registers: { serialNumberLower: serial.lower, serialNumberUpper: serial.upper },
  };
}

/** An EUI-64 as the capability holds it. */
export interface SerialNumber {
  readonly lower: number;
  readonly upper: number;
}

/** With none of its services: the functions of the device do not reach each other, which a capability of zeros says. */
export function acsWithoutPeers(offset: number): CapabilityDescription {
  return { definition: ACS, offset, hardwired: { control: 0xffff } };
}

export function ats(offset: number): CapabilityDescription {
  // 32 invalidations at once; page-aligned requests.
  return { definition: ATS, offset, registers: { capability: 0x20 } };
}

export function pasid(offset: number): CapabilityDescription {
  // 20 bits, privileged mode.
  return { definition: PASID, offset, registers: { capability: 0x1404 } };
}
