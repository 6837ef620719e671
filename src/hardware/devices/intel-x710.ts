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

const LINK = { generation: 3, width: 8 } as const;
/** The device's VFs, which its ports share. */
const VFS_OF_DEVICE = 128;
/** Functions 0 to 15 are kept for PFs. */
const FIRST_VF = 16;
const NEXT_BUS = 256;

/**
 * Intel X710, as lspci shows such cards (and the X722): PM 40h, MSI 50h, MSI-X 70h of 129 vectors in BAR 3, Express A0h,
 * AER 100h, serial number 140h, ARI 150h, SR-IOV 160h, ACS 1B0h. TPH and Secondary PCI Express are left out.
 */
export function intelX710(ports: number, serial: SerialNumber): DeviceDescription {
  return {
    name: "X710",
    functions: Array.from({ length: ports }, (_, index) => pf(index, ports, serial)),
    peerToPeer: false,
  };
}

function pf(index: number, ports: number, serial: SerialNumber): DeviceFunction {
  const totalVfs = VFS_OF_DEVICE / ports;
  const firstVfOffset = FIRST_VF + totalVfs * index - index;
  return {
    vendorId: 0x8086,
    deviceId: 0x1572,
    revisionId: 2,
    classCode: 0x02_00_00,
    subsystemVendorId: 0x8086,
    subsystemId: 0x0000,
    interruptPin: (index % 4) + 1,
    bars: [
      { index: 0, sizeBytes: 0x80_0000, is64: true, prefetchable: true },
      { index: 3, sizeBytes: 0x8000, is64: true, prefetchable: true },
    ],
    capabilities: [
      powerManagement(0x40, true),
      msi(0x50),
      msix(0x70, 129, { bar: 3, pba: 0x1000 }),
      endpoint(0xa0, LINK),
    ],
    extendedCapabilities: [
      aer(0x100, 2),
      deviceSerialNumber(0x140, serial),
      ari(0x150, index + 1 < ports ? index + 1 : 0),
      acsWithoutPeers(0x1b0),
    ],
    sriov: {
      offset: 0x160,
      totalVfs,
      vfDeviceId: 0x154c,
      functionDependencyLink: index,
      // Seen: 16/1; 334/1 for function 2 of four ports without ARI, which is the next bus.
      placement: { firstVfOffset, vfStride: 1 },
      placementWithoutAri: { firstVfOffset: firstVfOffset + NEXT_BUS, vfStride: 1 },
      vfBars: [
        { index: 0, sizeBytes: 0x1_0000, is64: true, prefetchable: true },
        { index: 3, sizeBytes: 0x4000, is64: true, prefetchable: true },
      ],
      vf: {
        capabilities: [msix(0x70, 5, { bar: 3, pba: 0x2000 }), endpoint(0xa0, LINK)],
        extendedCapabilities: [aer(0x100, 2), ari(0x150, 0), acsWithoutPeers(0x1d0)],
      },
    },
  };
}
