import type { DeviceDescription, DeviceFunction } from "../../../hardware/device-description.ts";
import type { CapabilityDescription } from "../../../hardware/function-description.ts";
import { EXPRESS } from "../../../pci/capabilities/express.ts";
import { MSIX } from "../../../pci/capabilities/msix.ts";
import { POWER_MANAGEMENT } from "../../../pci/capabilities/power-management.ts";

const CAPABILITIES: readonly CapabilityDescription[] = [
  { definition: MSIX, offset: 0xdc, registers: { messageControl: 3, table: 1, pendingBitArray: 0x801 } },
  { definition: POWER_MANAGEMENT, offset: 0x7c, registers: { capabilities: 0x0003 } },
  {
    definition: EXPRESS,
    offset: 0x40,
    registers: {
      capabilities: 0x0002,
      deviceCapabilities: 0x1000_8020,
      deviceControl: 0,
      linkCapabilities: 0x0000_0411,
      linkStatus: 0x0011,
      deviceCapabilities2: 0x0030_0000,
    },
  },
];

/** QEMU's virtio-net with SR-IOV (`sriov-pf`), without ARI; its virtio registers are not modelled. */
export function qemuVirtioNet(totalVfs: number): DeviceDescription {
  return {
    name: "virtio-net",
    functions: [
      {
        vendorId: 0x1af4,
        deviceId: 0x1041,
        revisionId: 1,
        classCode: 0x02_00_00,
        subsystemVendorId: 0x1af4,
        subsystemId: 0x1100,
        interruptPin: 1,
        bars: [
          { index: 1, sizeBytes: 0x1000 },
          { index: 4, sizeBytes: 0x4000, is64: true, prefetchable: true },
        ],
        capabilities: CAPABILITIES,
        sriov: {
          offset: 0x100,
          totalVfs,
          vfDeviceId: 0x1041,
          functionDependencyLink: 0,
          placement: { firstVfOffset: 1, vfStride: 1 },
          vfBars: [
            { index: 1, sizeBytes: 0x1000 },
            { index: 4, sizeBytes: 0x4000, is64: true, prefetchable: true },
          ],
          vf: { capabilities: CAPABILITIES, extendedCapabilities: [] },
        },
      },
    ],
    peerToPeer: true,
  };
}

/** A function that takes memory, and has nothing to do: QEMU's device of shared memory. */
export function filler(bar: NonNullable<DeviceFunction["bars"]>[number]): DeviceFunction {
  return { vendorId: 0x1af4, deviceId: 0x1110, classCode: 0x05_00_00, bars: [bar] };
}
