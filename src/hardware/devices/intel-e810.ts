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

/**
 * Intel E810: PM 40h, MSI 50h, MSI-X 70h of 1024 vectors in BAR 3, Express A0h, AER 100h, ARI 148h, serial number 150h,
 * SR-IOV 160h, ACS 1B0h. Offsets are from memory of such cards, not from a dump; VPD, TPH and the physical layer's
 * capabilities are left out.
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
      powerManagement(0x40, true),
      msi(0x50),
      msix(0x70, 1024, { bar: 3, pba: 0x8000 }),
      endpoint(0xa0, LINK),
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
        capabilities: [msix(0x70, 17, { bar: 3, pba: 0x2000 }), endpoint(0xa0, LINK)],
        extendedCapabilities: [aer(0x100, 2), ari(0x148, 0), acsWithoutPeers(0x1b0)],
      },
    },
  };
}
