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
    name: "netdevsim",
    description: "no such hardware: for netdevsim, which makes network devices with VFs out of nothing",
    ports: [],
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
        portsWithAcs: [],
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
        portsWithAcs: [0, 1],
        devices: [
          { kind: "igb", networkPorts: 1 },
          { kind: "igb", networkPorts: 1 },
        ],
      },
    ],
  },
  {
    name: "mixed",
    description: "an 82576 in the root complex itself, and two behind a switch of which one port has ACS",
    iommu: VTD,
    ports: [
      {
        kind: "switch",
        portsWithAcs: [0],
        devices: [
          { kind: "igb", networkPorts: 1 },
          { kind: "igb", networkPorts: 1 },
        ],
      },
      { kind: "integrated", deviceNumber: 0x0a, device: { kind: "igb", networkPorts: 1 } },
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
      "a two-port 82576 whose window has room for the VF BARs of one port, and an NVMe controller with 127 VFs and none",
    iommu: VTD,
    // Otherwise Linux moves windows about until all fits.
    kernelParameters: ["pci=realloc=off,noari"],
    // With memory above 4 GiB, where what exceeds 2.75 GiB is, the firmware makes every prefetchable window 512 MiB.
    memoryMib: 2048,
    ports: [
      { kind: "root port", crowded: true, device: { kind: "igb", networkPorts: 2 } },
      { kind: "root port", device: { kind: "nvme", totalVfs: 127 } },
    ],
  },
  {
    name: "no-msi",
    description: "an 82576 and an NVMe controller on a kernel that was told to leave MSI and MSI-X off",
    iommu: VTD,
    kernelParameters: ["pci=nomsi"],
    ports: [
      { kind: "root port", device: { kind: "igb", networkPorts: 1 } },
      { kind: "root port", device: { kind: "nvme", totalVfs: 4 } },
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
