import type { DeviceDescription } from "../device-description.ts";
import {
  aer,
  ari,
  ats,
  COMPLETION_TIMEOUTS,
  END_END_PREFIXES,
  endpoint,
  msi,
  msix,
  pasid,
  powerManagement,
} from "./endpoint-capabilities.ts";

const WITH_PREFIXES = COMPLETION_TIMEOUTS | END_END_PREFIXES;
const LINK = { generation: 3, width: 16 } as const;

/**
 * An accelerator after Intel's QuickAssist (the IDs are a C62x's), which enables all of its VFs, whatever NumVFs says. It
 * has ATS and PASID besides, which a C62x has not. Where its capabilities are is the model's choice.
 */
export function accelerator(totalVfs: number): DeviceDescription {
  return {
    name: "accelerator",
    functions: [
      {
        vendorId: 0x8086,
        deviceId: 0x37c8,
        revisionId: 4,
        classCode: 0x0b_40_00,
        subsystemVendorId: 0x8086,
        subsystemId: 0x0000,
        interruptPin: 1,
        bars: [
          { index: 0, sizeBytes: 0x8_0000, is64: true, prefetchable: true },
          { index: 2, sizeBytes: 0x4_0000, is64: true },
          { index: 4, sizeBytes: 0x4_0000, is64: true },
        ],
        capabilities: [
          powerManagement(0x40, false),
          msi(0x50),
          msix(0x70, 17, { bar: 2, table: 0x3_b000, pba: 0x3_b800 }),
          endpoint(0xa0, LINK, WITH_PREFIXES),
        ],
        extendedCapabilities: [aer(0x100, 1), ari(0x138, 0), ats(0x180), pasid(0x190)],
        sriov: {
          offset: 0x140,
          totalVfs,
          vfDeviceId: 0x37c9,
          placement: { firstVfOffset: 8, vfStride: 1 },
          enablesAll: true,
          vfBars: [
            { index: 0, sizeBytes: 0x1000, is64: true },
            { index: 2, sizeBytes: 0x1000, is64: true },
          ],
          vf: {
            capabilities: [msix(0x70, 1, { bar: 2, pba: 0x800 }), endpoint(0xa0, LINK, WITH_PREFIXES)],
            extendedCapabilities: [aer(0x100, 1), ari(0x138, 0), ats(0x180)],
          },
        },
      },
    ],
    peerToPeer: false,
  };
}
