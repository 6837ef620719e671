import type { Machine } from "./machine.ts";

const VTD = { interruptRemapping: true } as const;

/** The machines of the lab. Tests and captures (fixtures/hosts) go by these names. */
export const MACHINES: readonly Machine[] = [
  {
    name: "igb",
    description: "one 82576 below a root port with ACS; VT-d with interrupt remapping",
    iommu: VTD,
    ports: [{ kind: "root port", device: { kind: "igb", networkPorts: 1 } }],
  },
  {
    name: "igb-nvme",
    description:
      "a two-port 82576, an NVMe controller and a virtio-net device with SR-IOV, each below a root port; VT-d",
    iommu: VTD,
    ports: [
      { kind: "root port", device: { kind: "igb", networkPorts: 2 } },
      { kind: "root port", device: { kind: "nvme", totalVfs: 4 } },
      { kind: "root port", device: { kind: "virtio-net", totalVfs: 3 } },
    ],
  },
  {
    name: "no-iommu",
    description: "a two-port 82576, no IOMMU",
    ports: [{ kind: "root port", device: { kind: "igb", networkPorts: 2 } }],
  },
  {
    name: "no-remapping",
    description: "one 82576, VT-d without interrupt remapping",
    iommu: { interruptRemapping: false },
    ports: [{ kind: "root port", device: { kind: "igb", networkPorts: 1 } }],
  },
  {
    name: "switch",
    description: "two 82576 behind a switch without ACS",
    iommu: VTD,
    ports: [
      {
        kind: "switch",
        acs: false,
        devices: [
          { kind: "igb", networkPorts: 1 },
          { kind: "igb", networkPorts: 1 },
        ],
      },
    ],
  },
  {
    name: "switch-acs",
    description: "two 82576 behind a switch whose downstream ports have ACS",
    iommu: VTD,
    ports: [
      {
        kind: "switch",
        acs: true,
        devices: [
          { kind: "igb", networkPorts: 1 },
          { kind: "igb", networkPorts: 1 },
        ],
      },
    ],
  },
  {
    name: "no-ari",
    description: "a two-port 82576 on a kernel that was told to leave ARI off",
    iommu: VTD,
    kernelParameters: ["pci=noari"],
    ports: [{ kind: "root port", device: { kind: "igb", networkPorts: 2 } }],
  },
  {
    name: "narrow-bus",
    description: "two 82576 without ARI whose VFs begin 384 functions later, as a real one's do: no bridge leads there",
    iommu: VTD,
    kernelParameters: ["pci=noari"],
    ports: [
      { kind: "root port", device: { kind: "igb", networkPorts: 1 } },
      { kind: "root port", device: { kind: "igb", networkPorts: 1 } },
    ],
    registerPatch: {
      // Of the SR-IOV capability: InitialVFs, TotalVFs, NumVFs, link and reserved, First VF Offset, VF Stride, VF Device ID.
      find: [8, 0, 8, 0, 0, 0, 0, 0, 128, 0, 2, 0, 0, 0, 0xca, 0x10],
      replace: [8, 0, 8, 0, 0, 0, 0, 0, 384 & 0xff, 384 >> 8, 2, 0, 0, 0, 0xca, 0x10],
      functions: 2,
    },
  },
  {
    name: "small-window",
    description:
      "an 82576 and an NVMe controller with 127 VFs below root ports whose windows are too small for VF BARs",
    iommu: VTD,
    // Otherwise Linux moves windows about until all fits.
    kernelParameters: ["pci=realloc=off"],
    ports: [
      { kind: "root port", memoryReserveBytes: 0x100000, device: { kind: "igb", networkPorts: 1 } },
      { kind: "root port", memoryReserveBytes: 0x100000, device: { kind: "nvme", totalVfs: 127 } },
    ],
  },
  {
    name: "guests",
    description: "one 82576 and an NVMe controller, with memory for virtual machines inside; VT-d",
    iommu: VTD,
    memoryMib: 6144,
    ports: [
      { kind: "root port", device: { kind: "igb", networkPorts: 1 } },
      { kind: "root port", device: { kind: "nvme", totalVfs: 4 } },
    ],
  },
];
