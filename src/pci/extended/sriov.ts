import { decodeBars } from "../bar.ts";
import { hex } from "../bdf.ts";
import { capability } from "../capability.ts";
import { PCI_EXT_CAP_ID_SRIOV } from "../capability-ids.ts";
import { bit, bits, register } from "../register.ts";

/** Where the six VF BARs begin, from the capability's header. */
export const PCI_SRIOV_BAR = 0x24;
const PCI_SRIOV_NUM_BARS = 6;

const table = {
  capabilities: register(0x04, 32, "PCI_SRIOV_CAP", "PCIe 6.0 §9.3.3.2", {
    vfMigrationCapable: bit(0, "HwInit", "VF Migration Capable; deprecated"),
    ariCapableHierarchyPreserved: bit(
      1,
      "RO",
      "the ARI Capable Hierarchy bit keeps its value over a reset (lowest PF)",
    ),
    vf10BitTagRequesterSupported: bit(2, "HwInit", "VFs can issue 10-bit tags"),
    vfMigrationInterruptMessageNumber: bits(31, 21, "RO", "MSI or MSI-X vector of VF migration events"),
  }),
  control: register(0x08, 16, "PCI_SRIOV_CTRL", "PCIe 6.0 §9.3.3.3", {
    vfEnable: bit(0, "RW", "VFs exist"),
    vfMigrationEnable: bit(1, "RW", "VF migration is allowed; deprecated"),
    vfMigrationInterruptEnable: bit(2, "RW", "VF migration events interrupt; deprecated"),
    vfMse: bit(3, "RW", "Memory Space Enable of all VFs"),
    ariCapableHierarchy: bit(4, "RW", "VFs may use function numbers 8 to 255 (lowest PF of the device only)"),
    vf10BitTagRequesterEnable: bit(5, "RW", "VFs use 10-bit tags"),
  }),
  status: register(0x0a, 16, "PCI_SRIOV_STATUS", "PCIe 6.0 §9.3.3.4", {
    vfMigrationStatus: bit(0, "RW1C", "a VF migration event has occurred; deprecated"),
  }),
  initialVfs: register(0x0c, 16, "PCI_SRIOV_INITIAL_VF", "PCIe 6.0 §9.3.3.5", {
    initialVfs: bits(15, 0, "HwInit", "VFs that are there at first; equals TotalVFs without migration"),
  }),
  totalVfs: register(0x0e, 16, "PCI_SRIOV_TOTAL_VF", "PCIe 6.0 §9.3.3.6", {
    totalVfs: bits(15, 0, "HwInit", "the most VFs that the PF can have"),
  }),
  numVfs: register(0x10, 16, "PCI_SRIOV_NUM_VF", "PCIe 6.0 §9.3.3.7", {
    numVfs: bits(15, 0, "RW", "VFs asked for; fixed while VF Enable is set"),
  }),
  functionDependencyLink: register(0x12, 8, "PCI_SRIOV_FUNC_LINK", "PCIe 6.0 §9.3.3.8", {
    functionDependencyLink: bits(7, 0, "RO", "function of the device that this PF depends on; its own where on none"),
  }),
  firstVfOffset: register(0x14, 16, "PCI_SRIOV_VF_OFFSET", "PCIe 6.0 §9.3.3.9", {
    firstVfOffset: bits(15, 0, "RO", "Routing ID of VF 0 less that of the PF; may change with NumVFs and ARI"),
  }),
  vfStride: register(0x16, 16, "PCI_SRIOV_VF_STRIDE", "PCIe 6.0 §9.3.3.10", {
    vfStride: bits(
      15,
      0,
      "RO",
      "between the Routing IDs of VFs that follow one another; may change as the offset does",
    ),
  }),
  vfDeviceId: register(0x1a, 16, "PCI_SRIOV_VF_DID", "PCIe 6.0 §9.3.3.11", {
    vfDeviceId: bits(15, 0, "RO", {
      value: (raw) => hex(raw, 4),
      doc: "Device ID of the VFs, whose own register reads FFFFh",
    }),
  }),
  supportedPageSizes: register(0x1c, 32, "PCI_SRIOV_SUP_PGSIZE", "PCIe 6.0 §9.3.3.12", {
    supportedPageSizes: bits(31, 0, "RO", "bit n: 2^(n+12) bytes"),
  }),
  systemPageSize: register(0x20, 32, "PCI_SRIOV_SYS_PGSIZE", "PCIe 6.0 §9.3.3.13", {
    systemPageSize: bits(31, 0, "RW", { reset: 1, doc: "the one page size in use; VF BARs align to it" }),
  }),
  vfBar0: register(0x24, 32, "PCI_SRIOV_BAR", "PCIe 6.0 §9.3.3.14", {}),
  vfBar1: register(0x28, 32, undefined, "PCIe 6.0 §9.3.3.14", {}),
  vfBar2: register(0x2c, 32, undefined, "PCIe 6.0 §9.3.3.14", {}),
  vfBar3: register(0x30, 32, undefined, "PCIe 6.0 §9.3.3.14", {}),
  vfBar4: register(0x34, 32, undefined, "PCIe 6.0 §9.3.3.14", {}),
  vfBar5: register(0x38, 32, undefined, "PCIe 6.0 §9.3.3.14", {}),
  vfMigrationStateArray: register(0x3c, 32, "PCI_SRIOV_VFM", "PCIe 6.0 §9.3.3.15", {
    vfMigrationStateBir: bits(2, 0, "RO", "BAR of the PF that holds the VF Migration State Array; deprecated"),
    vfMigrationStateOffset: bits(31, 3, "RO", {
      value: (raw) => raw * 8,
      doc: "offset of the array in that BAR, bytes; deprecated",
    }),
  }),
};

/** Single Root I/O Virtualization, of a Physical Function. */
export const SRIOV = capability({
  id: PCI_EXT_CAP_ID_SRIOV,
  name: "Single Root I/O Virtualization (SR-IOV)",
  spec: "PCIe 6.0 §9.3.3",
  table,
  derive: (_values, { space, offset }) => {
    const bars = decodeBars(space, offset + PCI_SRIOV_BAR, PCI_SRIOV_NUM_BARS, { memoryOnly: true });
    return {
      vfBars: bars?.map(({ index, address, is64, prefetchable }) => ({ index, address, is64, prefetchable })) ?? null,
    };
  },
});
