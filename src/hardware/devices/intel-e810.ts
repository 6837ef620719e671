import type { DeviceDescription, DeviceFunction } from "../device-description.ts";
import {
  acsWithoutPeers,
  aer,
  ari,
  deviceSerialNumber,
  endpoint,
  msi,
  msix,
  powerManagement,
  type SerialNumber,
} from "./endpoint-capabilities.ts";

const LINK = { generation: 4, width: 16 } as const;
const FIRST_VF = 8;

/** Completion timeouts A and B, which can be turned off; completes 10-bit tags; one End-End TLP Prefix. */
const DEVICE_CAPABILITIES_2 = 0x71_0013;
/** Without PME. */
const POWER_CAPABILITIES = 0x0003;
/** What the functions share; a card of four ports has 512 each. */
const VECTORS_OF_DEVICE = 2048;

/**
 * Intel E810, as `lspci -vvv` shows an E810-XXV of four ports (intel-wired-lan, October 2022): PM 40h, MSI 50h, MSI-X 70h in
 * BAR 3 with its PBA at 8000h, Express A0h, AER 100h, ARI 148h, serial number 150h, SR-IOV 160h with 8/1, ACS 1B0h; 32 MiB and
 * 64 KiB of memory. VPD (E0h), TPH (1A0h) and the link's capabilities (1D0h, 200h, 210h, 250h) are left out. That dump shows
 * no VF: what a VF has is from memory of such cards.
 */
export function intelE810(ports: number, totalVfs: number, serial: SerialNumber): DeviceDescription {
  return {
    name: "E810",
    functions: Array.from({ length: ports }, (_, index) => pf(index, ports, totalVfs, serial)),
    peerToPeer: false,
  };
}

function pf(index: number, ports: number, totalVfs: number, serial: SerialNumber): DeviceFunction {
  return {
    vendorId: 0x8086,
    deviceId: 0x1592,
    revisionId: 2,
    classCode: 0x02_00_00,
    subsystemVendorId: 0x8086,
    subsystemId: 0x0002,
    interruptPin: (index % 4) + 1,
    bars: [
      { index: 0, sizeBytes: 0x200_0000, is64: true, prefetchable: true },
      { index: 3, sizeBytes: 0x1_0000, is64: true, prefetchable: true },
    ],
    capabilities: [
      powerManagement(0x40, true, POWER_CAPABILITIES),
      msi(0x50),
      msix(0x70, VECTORS_OF_DEVICE / (ports > 4 ? 8 : ports > 2 ? 4 : 2), { bar: 3, pba: 0x8000 }),
      endpoint(0xa0, LINK, DEVICE_CAPABILITIES_2),
    ],
    extendedCapabilities: [
      aer(0x100, 2),
      ari(0x148, index + 1 < ports ? index + 1 : 0),
      deviceSerialNumber(0x150, serial),
      acsWithoutPeers(0x1b0),
    ],
    sriov: {
      offset: 0x160,
      totalVfs,
      vfDeviceId: 0x1889,
      functionDependencyLink: index,
      placement: { firstVfOffset: FIRST_VF + totalVfs * index - index, vfStride: 1 },
      placementWithoutAri: { firstVfOffset: 256 + FIRST_VF + totalVfs * index - index, vfStride: 1 },
      vfBars: [
        { index: 0, sizeBytes: 0x2_0000, is64: true, prefetchable: true },
        { index: 3, sizeBytes: 0x4000, is64: true, prefetchable: true },
      ],
      vf: {
        capabilities: [msix(0x70, 17, { bar: 3, pba: 0x2000 }), endpoint(0xa0, LINK, DEVICE_CAPABILITIES_2)],
        extendedCapabilities: [aer(0x100, 2), ari(0x148, 0), acsWithoutPeers(0x1b0)],
      },
    },
  };
}
