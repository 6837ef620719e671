import type { CatalogueEntry } from "../catalogue-entry.ts";

/** Of preflight: what stands in the way of VFs. */
export const PREFLIGHT = {
  "VFL-0101": {
    title: "preflight: limits",
    explanation:
      "A PF has TotalVFs in its registers, and a driver may offer fewer in sriov_totalvfs; 0 means that SR-IOV is off in the device's firmware. The kernel answers ERANGE above that.",
    remedy: "ask for no more than the PF offers, or turn SR-IOV on in the firmware",
    exitCode: 3,
  },
  "VFL-0102": {
    title: "preflight: PF driver",
    explanation:
      "sriov_numvfs works only while a driver is bound that implements sriov_configure; else the kernel answers ENOENT. Some drivers succeed and make none.",
    remedy: "bind the PF's own driver, or pci-pf-stub",
    exitCode: 3,
  },
  "VFL-0103": {
    title: "preflight: present VFs",
    explanation:
      "The kernel goes from one number of VFs to another only by way of none (EBUSY), which takes every VF from its user.",
    remedy: "keep the present number, or free all VFs of the PF first",
    exitCode: 3,
  },
  "VFL-0104": {
    title: "preflight: capability",
    explanation:
      "The SR-IOV capability contradicts itself: InitialVFs, page sizes, First VF Offset or VF Stride. The kernel answers EIO.",
    remedy: "update the device's firmware",
    exitCode: 3,
  },
  "VFL-0105": {
    title: "preflight: VF BAR space",
    explanation:
      "Each VF BAR needs one VF's size times TotalVFs of address space within the windows of every bridge above. The kernel answers ENOMEM, 'not enough MMIO resources for SR-IOV'.",
    remedy: "turn on Above 4G Decoding in the BIOS, or boot with pci=realloc",
    exitCode: 3,
  },
  "VFL-0106": {
    title: "preflight: bus numbers",
    explanation:
      "VF i has the Routing ID PF + First VF Offset + VF Stride x i. Its bus must lie within the buses of every bridge above. The kernel answers ENOMEM, 'bus out of range'.",
    remedy: "enable ARI, boot with pci=assign-busses, or ask for fewer VFs",
    exitCode: 3,
  },
  "VFL-0107": {
    title: "preflight: dependency link",
    explanation:
      "A PF may depend on another PF of its device. The kernel answers ENODEV where that is absent, ENOSYS where it is no PF.",
    remedy: "make the other function available",
    exitCode: 3,
  },
  "VFL-0108": {
    title: "preflight: ARI",
    explanation:
      "With ARI a device has 256 functions on its bus. Without it many devices put their VFs on another bus, and a port forwards nothing to device numbers above 0.",
    remedy: "use a slot that forwards ARI, and boot without pci=noari",
    exitCode: 3,
  },
  "VFL-0109": {
    title: "preflight: MSI-X",
    explanation: "PF and VFs share the device's interrupt vectors; many drivers make no VFs without MSI-X in the PF.",
    remedy: "boot without pci=nomsi, or free vectors of the PF",
    exitCode: 3,
  },
  "VFL-0110": {
    title: "preflight: IOMMU",
    explanation: "Without an IOMMU nothing keeps a VF's DMA to its guest's memory, and VFIO refuses.",
    remedy: "turn VT-d or AMD-Vi on in the BIOS; intel_iommu=on on Intel",
    exitCode: 3,
  },
  "VFL-0111": {
    title: "preflight: interrupt remapping",
    explanation:
      "Without interrupt remapping a guest's device can raise any interrupt of the host; VFIO refuses such devices.",
    remedy: "turn interrupt remapping on in the BIOS; boot without intremap=off",
    exitCode: 3,
  },
  "VFL-0112": {
    title: "preflight: isolation",
    explanation:
      "Functions whose requests can reach one another without passing the IOMMU share an IOMMU group, and a group goes to one guest as a whole. ACS on the path keeps them apart.",
    remedy: "use a slot right below a root port with ACS",
    exitCode: 3,
  },
  "VFL-0113": {
    title: "preflight: use",
    explanation:
      "VFs are of use to a guest through vfio-pci, or to the host through their own driver; it must be there.",
    remedy: "load the driver",
    exitCode: 3,
  },
  "VFL-0114": {
    title: "preflight: default route",
    explanation:
      "Some drivers reset the PF when VFs are made; a host whose default route goes over it loses its network meanwhile.",
    remedy: "work from a console",
    exitCode: 3,
  },
  "VFL-0115": {
    title: "preflight: link",
    explanation: "A link that trained below what both of its ends can do has less bandwidth for all VFs.",
    remedy: "reseat the card; check risers, cables and the BIOS",
    exitCode: 3,
  },
  "VFL-0116": {
    title: "preflight: kernel parameters",
    explanation: "Some kernel parameters take away what VFs need, or pretend isolation that is not there.",
    remedy: "boot without them",
    exitCode: 3,
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;
