import type { DeviceDescription, DeviceFunction } from "../device-description.ts";
import {
  aer,
  ari,
  deviceSerialNumber,
  endpoint,
  msi,
  msix,
  powerManagement,
  type SerialNumber,
} from "./endpoint-capabilities.ts";

const LINK = { generation: 2, width: 8 } as const;

/**
 * Intel 82599 (X520), as lspci shows such cards: PM 40h, MSI 50h, MSI-X 70h of 64 vectors in BAR 4, Express A0h, AER 100h,
 * serial number 140h, ARI 150h, SR-IOV 160h. Its VPD is left out.
 */
export function intel82599(ports: number, serial: SerialNumber): DeviceDescription {
  return {
    name: "82599",
    functions: Array.from({ length: ports }, (_, index) => pf(index, ports, serial)),
    // Linux's pci_quirk_mf_endpoint_acs.
    peerToPeer: false,
  };
}

function pf(index: number, ports: number, serial: SerialNumber): DeviceFunction {
  return {
    vendorId: 0x8086,
    deviceId: 0x10fb,
    revisionId: 1,
    classCode: 0x02_00_00,
    subsystemVendorId: 0x8086,
    subsystemId: 0x000c,
    interruptPin: index + 1,
    bars: [
      { index: 0, sizeBytes: 0x8_0000, is64: true, prefetchable: true },
      { index: 2, sizeBytes: 0x20, kind: "io" },
      { index: 4, sizeBytes: 0x4000, is64: true, prefetchable: true },
    ],
    capabilities: [
      powerManagement(0x40, false),
      msi(0x50),
      msix(0x70, 64, { bar: 4, pba: 0x2000 }),
      endpoint(0xa0, LINK),
    ],
    extendedCapabilities: [
      aer(0x100, 1),
      deviceSerialNumber(0x140, serial),
      ari(0x150, index + 1 < ports ? index + 1 : 0),
    ],
    sriov: {
      offset: 0x160,
      totalVfs: 64,
      vfDeviceId: 0x10ed,
      functionDependencyLink: index,
      // Seen on one and the same card: 128/2 with ARI, 384/2 without.
      placement: { firstVfOffset: 128, vfStride: 2 },
      placementWithoutAri: { firstVfOffset: 384, vfStride: 2 },
      vfBars: [
        { index: 0, sizeBytes: 0x4000, is64: true, prefetchable: true },
        { index: 3, sizeBytes: 0x4000, is64: true, prefetchable: true },
      ],
      vf: {
        capabilities: [msix(0x70, 3, { bar: 3, pba: 0x2000 }), endpoint(0xa0, LINK)],
        extendedCapabilities: [aer(0x100, 1), ari(0x150, 0)],
      },
    },
  };
}
