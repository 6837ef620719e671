import { VF_RESIZABLE_BAR } from "../../pci/extended/vf-resizable-bar.ts";
import { VSEC } from "../../pci/extended/vsec.ts";
import type { DeviceDescription, DeviceFunction } from "../device-description.ts";
import type { LinkGeneration } from "../machine-description.ts";
import { acsWithoutPeers, aer, ari, endpoint, msix, powerManagement } from "./endpoint-capabilities.ts";

/** The members of the family, by name. */
export const CONNECTX_MODELS = {
  "ConnectX-4 Lx": { deviceId: 0x1015, vfDeviceId: 0x1016, generation: 3 },
  "ConnectX-5": { deviceId: 0x1017, vfDeviceId: 0x1018, generation: 3 },
  "ConnectX-6 Dx": { deviceId: 0x101d, vfDeviceId: 0x101e, generation: 4 },
  "ConnectX-7": { deviceId: 0x1021, vfDeviceId: 0x101e, generation: 5 },
} as const;

export type ConnectxModel = keyof typeof CONNECTX_MODELS;

const VF_BAR_BYTES = 0x10_0000;
/** 1, 2, 4 and 8 MB; the current one is 1 MB. */
const VF_BAR_SIZES = 0xf0;
const ONE_BAR = 1 << 5;

/** Completion timeouts A to C, which can be turned off; atomic operations; 10-bit tags. */
const DEVICE_CAPABILITIES_2 = 0x3_0397;
/** PME from D3cold, 375 mA. */
const POWER_CAPABILITIES = 0x81c3;
/** 4 KiB to 4 MiB. */
const PAGE_SIZES = 0x7ff;
const VSEC_BYTES = 12;

/**
 * Mellanox ConnectX-4 Lx and later, as `lspci -vvv` shows ConnectX-5, 6 Dx and 7 with one and two ports (posted to linux-nvme,
 * to the iommu list and elsewhere): Express 60h, MSI-X 9Ch of 64 vectors in BAR 0, PM 40h, in this order; AER 100h, ARI 150h,
 * SR-IOV 180h, and with two ports ACS 230h; a VF has 1 MiB, 12 vectors, and a capability of the vendor's where the PF has AER.
 * VPD (48h), the vendor's own (C0h) and the link's capabilities (1C0h, 320h, 370h, 3B0h, 420h) are left out. VF Resizable BAR,
 * which newer firmware has, is at 260h by the model's choice.
 * @param totalVfs `NUM_OF_VFS` of the firmware's configuration; 0 with `SRIOV_EN=0`
 */
export function connectx(model: ConnectxModel, ports: number, totalVfs: number): DeviceDescription {
  return {
    name: model,
    functions: Array.from({ length: ports }, (_, index) => pf(model, index, ports, totalVfs)),
    peerToPeer: false,
  };
}

function pf(model: ConnectxModel, index: number, ports: number, totalVfs: number): DeviceFunction {
  const { deviceId, vfDeviceId, generation } = CONNECTX_MODELS[model];
  const link = { generation: generation as LinkGeneration, width: 16 } as const;
  return {
    vendorId: 0x15b3,
    deviceId,
    classCode: 0x02_00_00,
    subsystemVendorId: 0x15b3,
    subsystemId: 0x0001,
    interruptPin: index + 1,
    bars: [{ index: 0, sizeBytes: 0x200_0000, is64: true, prefetchable: true }],
    capabilities: [
      endpoint(0x60, link, DEVICE_CAPABILITIES_2),
      msix(0x9c, 64, { bar: 0, table: 0x2000, pba: 0x3000 }),
      powerManagement(0x40, true, POWER_CAPABILITIES),
    ],
    extendedCapabilities: [
      aer(0x100, 1),
      ari(0x150, index + 1 < ports ? index + 1 : 0),
      ...(ports > 1 ? [acsWithoutPeers(0x230)] : []),
      { definition: VF_RESIZABLE_BAR, offset: 0x260, registers: { capability: VF_BAR_SIZES, control: ONE_BAR } },
    ],
    sriov: {
      offset: 0x180,
      totalVfs,
      vfDeviceId,
      supportedPageSizes: PAGE_SIZES,
      functionDependencyLink: index,
      // Seen of two ports with 8 VFs each: 2/1 of function 0, 9/1 of function 1.
      placement: { firstVfOffset: ports + totalVfs * index - index, vfStride: 1 },
      vfBars: [{ index: 0, sizeBytes: VF_BAR_BYTES, is64: true, prefetchable: true }],
      vf: {
        capabilities: [
          endpoint(0x60, link, DEVICE_CAPABILITIES_2),
          msix(0x9c, 12, { bar: 0, table: 0x2000, pba: 0x3000 }),
        ],
        extendedCapabilities: [
          { definition: VSEC, offset: 0x100, registers: { header: VSEC_BYTES << 20 } },
          ari(0x150, 0),
        ],
      },
    },
  };
}
