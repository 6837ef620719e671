/** What one error code means. `docs/errors.md` holds the same, word for word; a test compares them. */
export interface CatalogueEntry {
  readonly title: string;
  /** Why it happens and what it means to the user, in a sentence or two. */
  readonly explanation: string;
  /** What to do, where the error itself knows nothing more exact. */
  readonly remedy: string;
  /** Of the process that ends by it: 1 failed, 2 bad usage or bad input, 3 refused. */
  readonly exitCode: 1 | 2 | 3;
}

/** Every code that vfleet answers with. A code, once released, keeps its meaning. */
export const CATALOGUE = {
  "VFL-0001": {
    title: "bad usage",
    explanation: "An argument or option is not one that the command takes.",
    remedy: "see the command's --help",
    exitCode: 2,
  },
  "VFL-0002": {
    title: "input not found",
    explanation: "The file or folder that was named is not there.",
    remedy: "check the path",
    exitCode: 2,
  },
  "VFL-0003": {
    title: "input not readable",
    explanation: "The input is there and could not be read: permission, an I/O error, or a writer that sends nothing.",
    remedy: "check its permissions, or run as a user who may read it",
    exitCode: 2,
  },
  "VFL-0004": {
    title: "input of the wrong kind",
    explanation: "A file was wanted and a folder, device or socket was named, or the other way round.",
    remedy: "name an input of the right kind",
    exitCode: 2,
  },
  "VFL-0005": {
    title: "input too large",
    explanation: "The input is larger than what vfleet reads into memory.",
    remedy: "split it, or give only the functions in question",
    exitCode: 2,
  },
  "VFL-0006": {
    title: "no PCI functions in the dump",
    explanation: "Nothing in the input is a function with its registers in hexadecimal.",
    remedy: "make the dump with: lspci -xxxx (as root)",
    exitCode: 2,
  },
  "VFL-0007": {
    title: "dump line not understood",
    explanation: "A line that should hold registers in hexadecimal holds something else.",
    remedy: "make the dump again with: lspci -xxxx (as root)",
    exitCode: 2,
  },
  "VFL-0008": {
    title: "snapshot not recognised",
    explanation: "The folder or archive holds no tree of PCI devices.",
    remedy: "make one with: vfleet capture OUT.tar.gz",
    exitCode: 2,
  },
  "VFL-0009": {
    title: "archive broken",
    explanation: "The archive is cut off, damaged, or not what it should be.",
    remedy: "capture the host again",
    exitCode: 2,
  },
  "VFL-0010": {
    title: "output not writable",
    explanation: "The output file is there already, or could not be written.",
    remedy: "choose another path, or --force to replace the file",
    exitCode: 1,
  },
  "VFL-0011": {
    title: "source unknown",
    explanation: "A source is linux, snapshot:PATH, lspci:FILE or model:FILE.",
    remedy: "write the source as one of these",
    exitCode: 2,
  },
  "VFL-0012": {
    title: "kernel not readable",
    explanation: "The kernel, or what stands for it, gave no list of PCI devices.",
    remedy: "run on a Linux host with /sys mounted, or name another --source",
    exitCode: 1,
  },
  "VFL-0013": {
    title: "no such function",
    explanation: "The host has no PCI function at this address.",
    remedy: "list them with: vfleet scan",
    exitCode: 2,
  },
  "VFL-0014": {
    title: "not a Physical Function",
    explanation: "The function has no SR-IOV capability, so it can have no VFs.",
    remedy: "list the Physical Functions with: vfleet scan",
    exitCode: 2,
  },
  "VFL-0015": {
    title: "internal error",
    explanation: "vfleet itself is at fault.",
    remedy: "report it, with the command and the input",
    exitCode: 1,
  },
  "VFL-0016": {
    title: "file not valid",
    explanation: "A YAML file does not hold what it should: its syntax, a key that is not known, a value out of range.",
    remedy: "change the file at the line and column named",
    exitCode: 2,
  },
  "VFL-0031": {
    title: "lab image not built",
    explanation: "The image that lab machines boot from is made from Debian packages, and a step of that failed.",
    remedy: "see the step's own message; vfleet lab build --verbose shows all that the programs print",
    exitCode: 1,
  },
  "VFL-0032": {
    title: "lab machine failed",
    explanation: "A machine of the lab did not come up, hung, panicked, or was cut off before its script had ended.",
    remedy: "see its console in the message; give it more time with --timeout, or look around with vfleet lab shell",
    exitCode: 1,
  },
  "VFL-0033": {
    title: "lab guest failed",
    explanation:
      "A guest inside a lab machine did not start, did not answer in time, ended, or its QEMU refused what it was told.",
    remedy: "see its console and QEMU's words in the message",
    exitCode: 1,
  },
  "VFL-0041": {
    title: "modelled machine not reached",
    explanation:
      "A modelled machine is a process of its own, which is started at its first use. It did not start, does not answer, or is of another version of vfleet.",
    remedy: "power it off and on with: vfleet model reset FILE",
    exitCode: 1,
  },
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
  "VFL-0201": {
    title: "policies contradict",
    explanation:
      "Policies and claims for one PF are merged field by field. Two of them want different values of the same field, so neither is done.",
    remedy: "say the field in one of them, or the same in both",
    exitCode: 3,
  },
  "VFL-0202": {
    title: "selector not fulfilled",
    explanation:
      "A selector finds no PF, or not as many as it says, or a fact that it goes by could not be read of some PF, which may be one that is meant.",
    remedy: "list the PFs with: vfleet scan, and change select",
    exitCode: 3,
  },
  "VFL-0203": {
    title: "more VFs wanted than offered",
    explanation:
      "A PF offers as many VFs as its driver says in sriov_totalvfs; 0 means that SR-IOV is off. Some drivers make all of them or none. The kernel answers ERANGE above that.",
    remedy: "ask for no more than the PF offers, or write numVfs: max",
    exitCode: 3,
  },
  "VFL-0204": {
    title: "range beyond numVfs",
    explanation: "A policy speaks of VFs that the PF does not have and will not have.",
    remedy: "make the range smaller, or numVfs larger",
    exitCode: 3,
  },
  "VFL-0205": {
    title: "claim does not fit",
    explanation: "No VFs are left that fulfil all that a claim asks for.",
    remedy: "ask for less, or provide more VFs in its pool",
    exitCode: 3,
  },
  "VFL-0206": {
    title: "duplicate MAC address",
    explanation: "Two interfaces of the host would have one MAC address; frames for one of them would go to the other.",
    remedy: "give one of them another address, or auto",
    exitCode: 3,
  },
  "VFL-0207": {
    title: "automatic MAC address without a host id",
    explanation:
      "An automatic MAC address derives from /etc/machine-id, so that it is the same after a reboot and another on another host. That could not be read.",
    remedy: "make /etc/machine-id with systemd-machine-id-setup, or write the addresses",
    exitCode: 3,
  },
  "VFL-0211": {
    title: "VFs in use",
    explanation:
      "What is wanted would take VFs from processes, guests, containers or interfaces that use them. vfleet takes no VF from its user.",
    remedy: "end their use first, or leave these VFs as they are",
    exitCode: 3,
  },
  "VFL-0212": {
    title: "use of VFs not known",
    explanation:
      "Whether somebody uses the VFs could not be seen in full: other users' processes, namespaces or mounts were not readable.",
    remedy: "run as root, and on the host itself rather than in a container",
    exitCode: 3,
  },
  "VFL-0213": {
    title: "setting not taken by the driver",
    explanation: "The PF's driver has no such setting for its VFs, or not in this state of its link.",
    remedy: "leave the setting out for VFs of this PF",
    exitCode: 3,
  },
  "VFL-0214": {
    title: "IOMMU group not viable",
    explanation:
      "VFIO gives an IOMMU group to one guest as a whole. Another function of the VF's group has a driver of this host, or there is no group.",
    remedy: "give the whole group to VFIO, or use a slot right below a root port with ACS",
    exitCode: 3,
  },
  "VFL-0215": {
    title: "driver not there",
    explanation: "The driver that a VF is to have is in no module of this kernel.",
    remedy: "check the name; install the module",
    exitCode: 3,
  },
  "VFL-0216": {
    title: "MSI-X vectors cannot be given",
    explanation: "The PF's driver gives out no vectors to VFs, or fewer than are wanted (sriov_vf_total_msix).",
    remedy: "ask for fewer, or leave msixCount out",
    exitCode: 3,
  },
  "VFL-0217": {
    title: "NVMe resources do not suffice",
    explanation:
      "A secondary controller is given queues and interrupts out of what the primary controller has for all; there is a most for one, and a total.",
    remedy: "ask for fewer, or have fewer VFs online",
    exitCode: 3,
  },
  "VFL-0218": {
    title: "the PF's own network would be cut",
    explanation: "The PF's interface carries this host's traffic, and would go down or be made anew.",
    remedy: "move the traffic to another interface first",
    exitCode: 3,
  },
  "VFL-0219": {
    title: "eSwitch mode cannot change now",
    explanation:
      "Drivers differ in when they change the mode of their eSwitch: with no VFs, with some, or with VFs that no driver has.",
    remedy: "release the VFs first, or leave eswitchMode out",
    exitCode: 3,
  },
  "VFL-0220": {
    title: "reset not safe",
    explanation: "The kernel has no way to reset the VF alone, or its driver is known for races after a reset of a VF.",
    remedy: "release all VFs of the PF and make them anew",
    exitCode: 3,
  },
  "VFL-0221": {
    title: "present state not readable",
    explanation: "What is to be changed could not be read, so nothing can be planned on it.",
    remedy: "see to it that it can be read, as by running as root",
    exitCode: 3,
  },
  "VFL-0222": {
    title: "takes effect otherwise than asked",
    explanation: "The change is made, and its effect comes later or is larger than what was asked for.",
    remedy: "see the note's own words",
    exitCode: 3,
  },
  "VFL-0231": {
    title: "not confirmed",
    explanation: "A change wants a yes: at the question on a terminal, or by --yes.",
    remedy: "give --yes, or --dry-run to see the plan alone",
    exitCode: 2,
  },
  "VFL-0232": {
    title: "nothing desired",
    explanation: "There is no policy and no claim where they were looked for.",
    remedy: "name a file with -f, or keep one with: vfleet apply -f FILE --persist",
    exitCode: 2,
  },
  "VFL-0233": {
    title: "no such VF",
    explanation: "The host has no VF by this name.",
    remedy: "list them with: vfleet status",
    exitCode: 2,
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;

export type ErrorCode = keyof typeof CATALOGUE;

/** The catalogue's entry for a code that a user gave, in upper or lower case; undefined where there is none. */
export function catalogueEntry(code: string): (CatalogueEntry & { readonly code: ErrorCode }) | undefined {
  const key = code.toUpperCase();
  return Object.hasOwn(CATALOGUE, key) ? { code: key as ErrorCode, ...CATALOGUE[key as ErrorCode] } : undefined;
}
