/**
 * All that a capture may read. It is a list of what is allowed, because reading sysfs can do harm: `rom`, `resource0` and
 * `vpd` reach into the device, and other files hold serial numbers.
 */

/** Files of a PCI function's folder. */
export const FUNCTION_FILES: readonly string[] = [
  "acpi_index",
  "aer_dev_correctable",
  "aer_dev_fatal",
  "aer_dev_nonfatal",
  "aer_rootport_total_err_cor",
  "aer_rootport_total_err_fatal",
  "aer_rootport_total_err_nonfatal",
  "ari_enabled",
  "boot_vga",
  "class",
  "config",
  "current_link_speed",
  "current_link_width",
  "d3cold_allowed",
  "device",
  "driver_override",
  "enable",
  "irq",
  "label",
  "local_cpulist",
  "max_link_speed",
  "max_link_width",
  "modalias",
  "msi_bus",
  "numa_node",
  "power/control",
  "power/runtime_status",
  "power_state",
  "reset_method",
  "resource",
  "revision",
  "secondary_bus_number",
  "sriov_drivers_autoprobe",
  "sriov_numvfs",
  "sriov_offset",
  "sriov_stride",
  "sriov_totalvfs",
  "sriov_vf_device",
  "sriov_vf_total_msix",
  "subordinate_bus_number",
  "subsystem_device",
  "subsystem_vendor",
  "uevent",
  "vendor",
];

/** Files of a PCI function whose being there is a fact; they are never read. */
export const FUNCTION_PRESENCE: readonly string[] = ["reset", "sriov_vf_msix_count"];

/** Links of a PCI function's folder, as whole names. */
export const FUNCTION_LINKS: RegExp =
  /^(?:dep_link|driver|firmware_node|iommu|iommu_group|physfn|subsystem|virtfn\d+)$/;

/** Folders of a PCI function whose entries are devices that its driver made. */
export const CLASS_FOLDERS: readonly string[] = ["drm", "infiniband", "net", "nvme", "vfio-dev"];

/** Of a network interface. */
export const NET_FILES: readonly string[] = [
  "addr_assign_type",
  "address",
  "bonding/active_slave",
  "bonding/mode",
  "bonding/slaves",
  "carrier",
  "dev_id",
  "dev_port",
  "duplex",
  "flags",
  "ifindex",
  "iflink",
  "mtu",
  "name_assign_type",
  "operstate",
  "phys_port_name",
  "phys_switch_id",
  "speed",
  "type",
  "uevent",
];
export const NET_LINKS: RegExp = /^(?:device|master|subsystem|(?:upper|lower)_.+)$/;
/** Folders of an interface of which the names alone tell: a bridge's ports. */
export const NET_NAME_FOLDERS: readonly string[] = ["brif", "bridge", "bonding_slave"];

/** Of a virtio device. */
export const VIRTIO_FILES: readonly string[] = ["features", "status"];

/** Of an NVMe controller; `serial`, `subsysnqn` and `wwid` stay out. */
export const NVME_FILES: readonly string[] = ["cntrltype", "firmware_rev", "model", "numa_node", "state", "transport"];

/** A controller's or subsystem's namespaces, by name. */
export const NVME_NAMESPACE: RegExp = /^(?:ng|nvme)\d+(?:c\d+)?n\d+$/;

export const IOMMU_GROUP_FILES: readonly string[] = ["reserved_regions", "type"];

/** Of a unit in /sys/class/iommu. */
export const IOMMU_UNIT_FILES: readonly string[] = [
  "amd-iommu/cap",
  "amd-iommu/features",
  "intel-iommu/cap",
  "intel-iommu/domains_supported",
  "intel-iommu/domains_used",
  "intel-iommu/ecap",
  "intel-iommu/version",
];

/** Modules whose version and parameters matter whether a device uses them or not. */
export const MODULES: readonly string[] = [
  "iommufd",
  "irdma",
  "kvm",
  "kvm_amd",
  "kvm_intel",
  "pci_stub",
  "vfio",
  "vfio_iommu_type1",
  "vfio_pci",
  "vfio_pci_core",
  "xen_pciback",
];

/** ACPI tables that say that the firmware describes an IOMMU. Only whether they are there is looked at. */
export const ACPI_TABLES: readonly string[] = ["DMAR", "IORT", "IVRS", "VIOT"];

/** Files of the host as a whole; folders above them are real, or links within /proc. */
export const HOST_FILES: readonly string[] = [
  "/proc/cmdline",
  "/proc/interrupts",
  "/proc/iomem",
  "/proc/meminfo",
  "/proc/modules",
  "/proc/mounts",
  "/proc/net/if_inet6",
  "/proc/net/ipv6_route",
  "/proc/net/route",
  "/proc/swaps",
  "/proc/sys/kernel/arch",
  "/proc/version",
  "/sys/bus/pci/drivers_autoprobe",
  "/sys/devices/system/node/online",
  "/sys/devices/virtual/dmi/id/bios_date",
  "/sys/devices/virtual/dmi/id/bios_version",
  "/sys/devices/virtual/dmi/id/board_name",
  "/sys/devices/virtual/dmi/id/product_name",
  "/sys/devices/virtual/dmi/id/sys_vendor",
  "/sys/hypervisor/type",
  "/sys/kernel/security/lockdown",
];

/** Folders that are gathered as a whole, as far as the lists above go; what is absent in them is absent on the host. */
export const SCOPES: readonly string[] = [
  "/sys/bus/pci",
  "/sys/class/iommu",
  "/sys/class/net",
  "/sys/devices",
  "/sys/firmware",
  "/sys/kernel/iommu_groups",
  ...HOST_FILES,
];

/** Lines of the kernel log on SR-IOV, address space, IOMMU, VFIO, resets and errors. */
const LOG_PATTERNS: readonly RegExp[] = [
  /SR-?IOV|\bIOV\b|\bVFs?\b|virtual function/i,
  /\bDMAR\b|IOMMU|AMD-Vi|\bSMMU|IRQ remapping|interrupt remapping|x2apic/i,
  /\bBARs?\b ?\d*|bridge window|can't (?:assign|enable|reserve|claim)|failed to assign|no space for|not enough MMIO/i,
  /root bus resource|bus number|\[bus [0-9a-f]|MMCONFIG|\bECAM\b/i,
  /\bAER\b|PCIe Bus Error|\bDPC\b|\bACS\b|\bARI\b|quirk/i,
  /vfio|Relaying device request|not viable/i,
  /\bFLR\b|still in reset|reset recovery|not ready .*after|\bMSI-?X\b/i,
];
/** The command line is captured on its own, and told again in several lines of the log. */
const LOG_EXCLUDED = /command line/i;
/** The address of a function in a line of the log. */
const LOG_BDF = /\b[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\b/g;

/**
 * True for a line that a capture keeps: on those matters, or on one of the functions that were named as PF or VF.
 * @param functions addresses as Linux writes them.
 */
export function isRelevantLogLine(line: string, functions: ReadonlySet<string>): boolean {
  if (LOG_EXCLUDED.test(line)) return false;
  return (
    LOG_PATTERNS.some((pattern) => pattern.test(line)) || (line.match(LOG_BDF) ?? []).some((bdf) => functions.has(bdf))
  );
}
