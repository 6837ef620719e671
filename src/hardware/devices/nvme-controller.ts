import { EXPRESS } from "../../pci/capabilities/express.ts";
import { POWER_MANAGEMENT } from "../../pci/capabilities/power-management.ts";
import type { DeviceDescription } from "../device-description.ts";
import type { CapabilityDescription } from "../function-description.ts";
import { ari, msix } from "./endpoint-capabilities.ts";

/** As QEMU's nvme has it: a link of 2.5 GT/s with one lane; controls are zero after a reset. */
const EXPRESS_REGISTERS: CapabilityDescription = {
  definition: EXPRESS,
  offset: 0x80,
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

const POWER: CapabilityDescription = {
  definition: POWER_MANAGEMENT,
  offset: 0x60,
  registers: { capabilities: 0x0003, controlStatus: 0x0008 },
};

const PAGE_BYTES = 0x1000;
const REGISTER_BYTES = 0x1000;
const DOORBELL_BYTES = 4;
const MSIX_ENTRY_BYTES = 16;

/** Where BAR 0 has what: registers and doorbells, then MSI-X's table and PBA, each from a page on (`nvme_mbar_size`). */
function layout(vectors: number) {
  const table = pages(REGISTER_BYTES + 2 * (vectors + 1) * DOORBELL_BYTES);
  const pba = table + pages(vectors * MSIX_ENTRY_BYTES);
  const sizeBytes = 2 ** Math.ceil(Math.log2(pba + Math.ceil(vectors / 64) * 8));
  return { places: { bar: 0, table, pba }, bar: { index: 0, sizeBytes, is64: true } } as const;
}

function pages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/**
 * An NVMe controller with secondary controllers, with registers where QEMU's nvme has them.
 * @param vectors of the primary controller; its VFs' are `vfVectors`, as flexible resources are handed out
 */
export function nvmeController(totalVfs: number, vectors: number, vfVectors: number): DeviceDescription {
  const pf = layout(vectors);
  const vf = layout(vfVectors);
  return {
    name: "NVMe",
    functions: [
      {
        vendorId: 0x1b36,
        deviceId: 0x0010,
        revisionId: 2,
        classCode: 0x01_08_02,
        subsystemVendorId: 0x1af4,
        subsystemId: 0x1100,
        interruptPin: 1,
        bars: [pf.bar],
        capabilities: [msix(0x40, vectors, pf.places), EXPRESS_REGISTERS, POWER],
        extendedCapabilities: [ari(0x100, 0)],
        sriov: {
          offset: 0x120,
          totalVfs,
          vfDeviceId: 0x0010,
          placement: { firstVfOffset: 1, vfStride: 1 },
          vfBars: [vf.bar],
          vf: {
            capabilities: [msix(0x40, vfVectors, vf.places), EXPRESS_REGISTERS, POWER],
            extendedCapabilities: [ari(0x100, 0)],
          },
        },
      },
    ],
    peerToPeer: false,
  };
}
