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

const MSIX_PLACES = { bar: 0, table: 0x2000, pba: 0x3000 };

/**
 * An NVMe controller with secondary controllers, with registers where QEMU's nvme has them.
 * @param vectors of the primary controller; its VFs' are `vfVectors`, as flexible resources are handed out
 */
export function nvmeController(totalVfs: number, vectors: number, vfVectors: number): DeviceDescription {
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
        bars: [{ index: 0, sizeBytes: 0x4000, is64: true }],
        capabilities: [msix(0x40, vectors, MSIX_PLACES), EXPRESS_REGISTERS, POWER],
        extendedCapabilities: [ari(0x100, 0)],
        sriov: {
          offset: 0x120,
          totalVfs,
          vfDeviceId: 0x0010,
          placement: { firstVfOffset: 1, vfStride: 1 },
          vfBars: [{ index: 0, sizeBytes: 0x4000, is64: true }],
          vf: {
            capabilities: [msix(0x40, vfVectors, MSIX_PLACES), EXPRESS_REGISTERS, POWER],
            extendedCapabilities: [ari(0x100, 0)],
          },
        },
      },
    ],
    peerToPeer: false,
  };
}
