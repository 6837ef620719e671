/** Kernel parameters whose values matter here and identify nobody. */
const KEPT =
  /^(?:acpi|amd_iommu(?:_\w+)?|arm_smmu\S*|console|default_hugepagesz|efi|hugepages|hugepagesz|hugetlb\w*|intel_iommu|intremap|iommu(?:\.\w+)?|irqaffinity|isolcpus|kvm\S*|maxcpus|mem|mitigations|module_blacklist|modprobe\.blacklist|noapic|nohz_full|nomodeset|nox2apic|nr_cpus|numa_balancing|pci|pcie_\w+|quiet|rcu_nocbs|rd\.driver\.(?:blacklist|pre)|ro|rw|swiotlb|transparent_hugepage|vfio\S*|x2apic\S*)$/;
/** A parameter of a module, as ixgbe.max_vfs=8. */
const MODULE_PARAMETER = /^\w+\.\w+$/;
const PLAIN_VALUE = /^(?:0x[0-9a-f]{1,8}|\d{1,6}|[YyNn])(?:,(?:0x[0-9a-f]{1,8}|\d{1,6}|[YyNn]))*$/;
const WORDS = /(?:[^\s"]|"[^"]*"?)+/g;
const REDACTED = "REDACTED";

/**
 * A kernel command line with the values left in that tell of PCI, IOMMU, VFIO, huge pages and the console, and the others
 * replaced: roots, addresses, keys. What is for init, behind `--`, is replaced too.
 */
export function redactCommandLine(text: string): string {
  let forInit = false;
  const words = text.trim().match(WORDS) ?? [];
  return words
    .map((word) => {
      if (word === "--") {
        forInit = true;
        return word;
      }
      if (forInit) return REDACTED;
      const equals = word.indexOf("=");
      const name = (equals < 0 ? word : word.slice(0, equals)).replace(/-/g, "_");
      const value = equals < 0 ? "" : word.slice(equals + 1);
      if (KEPT.test(name) || (MODULE_PARAMETER.test(name) && PLAIN_VALUE.test(value))) return word;
      return equals < 0 ? REDACTED : `${/^[\w.]{1,32}$/.test(name) ? name : REDACTED}=${REDACTED}`;
    })
    .join(" ");
}
