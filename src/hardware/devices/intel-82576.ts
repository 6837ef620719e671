import { EXPRESS } from "../../pci/capabilities/express.ts";
import { MSI } from "../../pci/capabilities/msi.ts";
import { MSIX } from "../../pci/capabilities/msix.ts";
import { POWER_MANAGEMENT } from "../../pci/capabilities/power-management.ts";
import { AER } from "../../pci/extended/aer.ts";
import { ARI } from "../../pci/extended/ari.ts";
import type { DeviceDescription, DeviceFunction } from "../device-description.ts";
import type { CapabilityDescription } from "../function-description.ts";

const VENDOR_ID_INTEL = 0x8086;
const DEVICE_ID_82576 = 0x10c9;
const DEVICE_ID_82576_VF = 0x10ca;
const CLASS_ETHERNET = 0x02_00_00;

/** Version 2, an endpoint; role-based errors, FLR; a link of 2.5 GT/s with one lane; controls are zero after a reset. As QEMU's igb has it. */
const EXPRESS_REGISTERS: CapabilityDescription = {
  definition: EXPRESS,
  offset: 0xa0,
  registers: {
    capabilities: 0x0002,
    deviceCapabilities: 0x1000_8020,
    deviceControl: 0,
    linkCapabilities: 0x0000_0411,
    linkStatus: 0x0011,
    deviceCapabilities2: 0x0030_0000,
    linkControl2: 0,
  },
};

/** Of PF and VF alike. */
const AER_REGISTERS: CapabilityDescription = {
  definition: AER,
  offset: 0x100,
  version: 1,
  registers: {
    uncorrectableErrorMask: 0x0240_0000,
    uncorrectableErrorSeverity: 0x0046_2030,
    correctableErrorMask: 0xe000,
    capabilitiesAndControl: 0xa0,
  },
};

function pf(index: number, ports: number): DeviceFunction {
  return {
    vendorId: VENDOR_ID_INTEL,
    deviceId: DEVICE_ID_82576,
    revisionId: 1,
    classCode: CLASS_ETHERNET,
    subsystemVendorId: 0x1af4,
    subsystemId: 0x1100,
    interruptPin: 1,
    bars: [
      { index: 0, sizeBytes: 0x2_0000 },
      { index: 1, sizeBytes: 0x2_0000 },
      { index: 2, sizeBytes: 0x20, kind: "io" },
      { index: 3, sizeBytes: 0x4000, is64: true },
    ],
    capabilities: [
      { definition: POWER_MANAGEMENT, offset: 0x40, registers: { capabilities: 0x0022 } },
      { definition: MSI, offset: 0x50, registers: { messageControl: 0x0180 } },
      { definition: MSIX, offset: 0x70, registers: { messageControl: 9, table: 0x0003, pendingBitArray: 0x2003 } },
      EXPRESS_REGISTERS,
    ],
    extendedCapabilities: [
      AER_REGISTERS,
      { definition: ARI, offset: 0x150, registers: { capability: index + 1 < ports ? (index + 1) << 8 : 0 } },
    ],
    sriov: {
      offset: 0x160,
      totalVfs: 8,
      vfDeviceId: DEVICE_ID_82576_VF,
      functionDependencyLink: 0,
      // 82576 data sheet §9.6.4.6: 180h without ARI, 80h with it.
      placement: { firstVfOffset: 0x80, vfStride: 2 },
      placementWithoutAri: { firstVfOffset: 0x180, vfStride: 2 },
      vfBars: [
        { index: 0, sizeBytes: 0x4000, is64: true, prefetchable: true },
        { index: 3, sizeBytes: 0x4000, is64: true, prefetchable: true },
      ],
      vf: {
        capabilities: [
          EXPRESS_REGISTERS,
          { definition: MSIX, offset: 0x70, registers: { messageControl: 2, table: 0x0003, pendingBitArray: 0x2003 } },
        ],
        extendedCapabilities: [AER_REGISTERS, { definition: ARI, offset: 0x150 }],
      },
    },
  };
}

/**
 * Intel 82576, with registers where the data sheet and QEMU's igb have them.
 * @param ports functions: one for each of its network ports, 1 or 2
 */
export function intel82576(ports: number): DeviceDescription {
  return {
    name: "82576",
    functions: Array.from({ length: ports }, (_, index) => pf(index, ports)),
    // Linux's pci_quirk_mf_endpoint_acs: "the functions have no peer-to-peer".
    peerToPeer: false,
  };
}
