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
  "VFL-0223": {
    title: "the guests of the host are not known",
    explanation:
      "A VF was to be given to a guest, or taken from one, and the source does not tell which guests there are.",
    remedy: "run it on the host itself, as root",
    exitCode: 3,
  },
  "VFL-0224": {
    title: "no such guest",
    explanation: "No guest of this name was seen: no QEMU with a monitor, no domain, no network namespace.",
    remedy: "list the guests with: vfleet guests",
    exitCode: 3,
  },
  "VFL-0225": {
    title: "the VF's driver does not suit the guest",
    explanation: "A virtual machine gets a VF by VFIO; a network namespace gets the interface of the VF's own driver.",
    remedy: "let the VF have the driver that the guest wants: vfleet bind",
    exitCode: 3,
  },
  "VFL-0226": {
    title: "the guest cannot be spoken to",
    explanation: "The guest runs, and its monitor is another program's, or it has none.",
    remedy: "give it the VF through whoever runs it, or start it with a monitor of its own for vfleet",
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
  "VFL-0301": {
    title: "the kernel refused a step",
    explanation:
      "A write of the operation was answered with an errno that names no known cause. Nothing after it was done, and what was done before it is taken back.",
    remedy: "read the kernel log lines beside it; vfleet operations show tells all of them",
    exitCode: 1,
  },
  "VFL-0302": {
    title: "not as many VFs as were asked for",
    explanation:
      "The write to sriov_numvfs succeeded, and another number of VFs is there: some drivers enable fewer, or all they have, and the kernel only logs it.",
    remedy: "ask for the number that the driver enables; its limit is in sriov_totalvfs or in the kernel log",
    exitCode: 1,
  },
  "VFL-0303": {
    title: "a VF, driver or device did not appear",
    explanation:
      "The kernel took the step, and what it was to bring was not there within the time that the driver is known to need.",
    remedy: "read the kernel log lines beside it; load the driver, or bring the PF's interface up",
    exitCode: 1,
  },
  "VFL-0304": {
    title: "the kernel still works at it",
    explanation:
      "A write has not returned: taking VFs away waits for whoever holds one of them, an eSwitch for its firmware. It cannot be called back, and will have its effect.",
    remedy: "end what holds the VF, then: vfleet recover --stuck",
    exitCode: 1,
  },
  "VFL-0305": {
    title: "operation stuck",
    explanation:
      "The operation could neither be finished nor be taken back: the host is neither as before nor as wished.",
    remedy: "do what the record says stands in the way, then: vfleet recover --stuck",
    exitCode: 1,
  },
  "VFL-0306": {
    title: "another operation is at work on the PF",
    explanation: "One operation at a time changes a PF; another process has its lock.",
    remedy: "wait for it to end, then try again",
    exitCode: 1,
  },
  "VFL-0307": {
    title: "the state folder cannot be written",
    explanation: "Every step is written down before it is done. Where that is impossible nothing is begun.",
    remedy: "make room, or name another folder with --state; run as root",
    exitCode: 1,
  },
  "VFL-0308": {
    title: "the host has changed since the plan",
    explanation: "What the plan was made from is not what is there now, so its steps are not done.",
    remedy: "plan again",
    exitCode: 3,
  },
  "VFL-0309": {
    title: "a record of operations is damaged",
    explanation:
      "A file of the state folder holds something that vfleet did not write, in a place that a power loss does not explain.",
    remedy: "compare the host with vfleet status; then move the file away",
    exitCode: 1,
  },
  "VFL-0310": {
    title: "what was set did not stay",
    explanation:
      "The kernel took a value, and shows another one afterwards: the driver refused it silently, or another program has set it since.",
    remedy: "find the other program (NetworkManager, systemd-networkd, an operator), or read the kernel log",
    exitCode: 1,
  },
  "VFL-0311": {
    title: "the PF is gone",
    explanation:
      "The PF of the operation is not among the devices of the host any more, by its address or by its serial number or slot.",
    remedy: "put it back or bring its driver and slot up again, then: vfleet recover --stuck",
    exitCode: 1,
  },
  "VFL-0312": {
    title: "interrupted",
    explanation: "The operation was told to stop. It ended the step it was at, and what it had done was taken back.",
    remedy: "run the command again",
    exitCode: 1,
  },
  "VFL-0321": {
    title: "VFs are enabled already (EBUSY)",
    explanation: "The kernel goes from one number of VFs to another by way of 0 only.",
    remedy: "plan again: somebody else enabled VFs meanwhile",
    exitCode: 1,
  },
  "VFL-0322": {
    title: "no bus numbers for the VFs (ENOMEM)",
    explanation: "The last VF's bus number lies beyond what the bridge above the PF passes on.",
    remedy:
      "ask for fewer VFs; turn ARI on; boot with pci=assign-busses, or give the slot more bus numbers in the BIOS",
    exitCode: 1,
  },
  "VFL-0323": {
    title: "no MMIO space for the VFs (ENOMEM)",
    explanation: "The VF BARs have no address: the BIOS or the kernel found no room for them below the bridge.",
    remedy: "turn Above 4G decoding and SR-IOV on in the BIOS; boot with pci=realloc; ask for fewer VFs",
    exitCode: 1,
  },
  "VFL-0324": {
    title: "more VFs than the driver gives (ERANGE)",
    explanation: "The number lies above sriov_totalvfs, which the driver or the firmware may have lowered.",
    remedy: "ask for no more than sriov_totalvfs",
    exitCode: 1,
  },
  "VFL-0325": {
    title: "no driver of the PF makes VFs (ENOENT)",
    explanation: "The PF has no driver, or one without SR-IOV, or it is on vfio-pci without enable_sriov.",
    remedy: "bind the PF to its own driver",
    exitCode: 1,
  },
  "VFL-0326": {
    title: "the device was busy with itself (EAGAIN)",
    explanation: "The driver was in a reset, or not yet through with the last one, and took nothing.",
    remedy: "try again in some seconds; a driver that stays so needs the PF rebound, or newer firmware",
    exitCode: 1,
  },
  "VFL-0327": {
    title: "the driver or the kernel does not permit it (EPERM)",
    explanation:
      "igb makes no VFs without MSI-X; a kernel that is locked down, or a process that is not root, may not either.",
    remedy: "run as root; boot without pci=nomsi; look at lockdown in /sys/kernel/security/lockdown",
    exitCode: 1,
  },
  "VFL-0328": {
    title: "the driver has no such setting (EOPNOTSUPP)",
    explanation: "The PF's driver, or its mode, does not offer what was to be set.",
    remedy: "leave the setting out, or use another driver or eSwitch mode",
    exitCode: 1,
  },
  "VFL-0329": {
    title: "the driver does not take the device (ENODEV)",
    explanation: "The device is not there any more, or the driver refused it when it was bound.",
    remedy: "read the kernel log lines beside it; check that the driver supports the VF",
    exitCode: 1,
  },
  "VFL-0330": {
    title: "the driver takes no rate (EINVAL)",
    explanation: "Some drivers, as igb, take a rate only while the link is up, none above its speed, and no minimum.",
    remedy: "bring the PF's link up; ask for a rate below the link's speed, and no minimum",
    exitCode: 1,
  },
  "VFL-0331": {
    title: "no interrupt vectors are left (ENOSPC)",
    explanation: "PF and VFs share the vectors of the device, and the PF and its RDMA driver have taken them.",
    remedy:
      "ask for fewer vectors or VFs; blacklist irdma, or lower the PF's own count (devlink param msix_vec_per_pf_max)",
    exitCode: 1,
  },
  "VFL-0332": {
    title: "permission denied (EACCES)",
    explanation: "The attribute may not be written by this process: it is not root, or /sys is mounted read-only.",
    remedy: "run as root, outside a container that has /sys read-only",
    exitCode: 1,
  },
  "VFL-0333": {
    title: "a driver is bound to the VF (EBUSY)",
    explanation: "The number of a VF's vectors changes only while no driver has the VF.",
    remedy: "unbind the VF first",
    exitCode: 1,
  },
  "VFL-0334": {
    title: "the eSwitch is in use (EBUSY)",
    explanation: "Its mode changes only while no VF's driver, representor user or offloaded rule stands in the way.",
    remedy: "unbind the VFs, take rules and RDMA users away, then try again",
    exitCode: 1,
  },
  "VFL-0335": {
    title: "the VF is not ready (EBUSY, EAGAIN)",
    explanation: "The PF's driver still resets or initializes the VF, so it takes no settings of it.",
    remedy: "try again in some seconds; look for a reset loop in the kernel log",
    exitCode: 1,
  },
  "VFL-0336": {
    title: "the NVMe controller refused",
    explanation: "The Virtualization Management command reached the controller, and it answered with an error status.",
    remedy:
      "check the counts against vfleet show; a secondary controller must be offline while it is given resources, and have some before it goes online",
    exitCode: 1,
  },
  "VFL-0337": {
    title: "the VF cannot be reset (ENOTTY)",
    explanation: "No reset method is enabled for it, or none exists.",
    remedy: "look at its reset_method; write default to it",
    exitCode: 1,
  },
  "VFL-0338": {
    title: "no memory for the VFs (ENOMEM)",
    explanation: "The driver or the firmware had no room for as many VFs.",
    remedy: "ask for fewer VFs; look in the kernel log for what was short",
    exitCode: 1,
  },
  "VFL-0339": {
    title: "no such module",
    explanation: "The kernel has no module of the name, or it could not be loaded.",
    remedy: "install the kernel's extra modules (linux-modules-extra), or check whether it is blacklisted",
    exitCode: 1,
  },
  "VFL-0340": {
    title: "the value is not one that the driver takes (EINVAL)",
    explanation: "The driver checked the value and refused it.",
    remedy: "read the kernel log lines beside it; vfleet explain of the field tells its limits",
    exitCode: 1,
  },
  "VFL-0341": {
    title: "the device did not answer (EIO, ETIMEDOUT)",
    explanation: "Firmware or hardware did not answer the driver in its time.",
    remedy: "look for a reset or an AER error in the kernel log; reset the PF, or power-cycle the host",
    exitCode: 1,
  },
  "VFL-0342": {
    title: "the guest did not take the VF",
    explanation: "The guest's monitor refused the VF, or did not show it afterwards.",
    remedy: "read its answer beside it; the VF is with the host",
    exitCode: 1,
  },
  "VFL-0343": {
    title: "the guest did not give the VF back",
    explanation:
      "A guest lets go of a device only when its own kernel does: one that hangs, has not booted, or ignores the request keeps it.",
    remedy: "look into the guest; shutting it down gives the VF back in any case",
    exitCode: 1,
  },
  "VFL-0401": {
    title: "QEMU takes a device on a VFIO driver only",
    explanation: "QEMU opens /dev/vfio/GROUP of the VF; there is none while another driver has it.",
    remedy: "bind it first: vfleet bind VF vfio",
    exitCode: 3,
  },
  "VFL-0402": {
    title: "the VF is in no IOMMU group",
    explanation: "VFIO gives devices out by groups, so that their DMA reaches the guest's memory and nothing else.",
    remedy: "turn the IOMMU on in the BIOS and the kernel (intel_iommu=on)",
    exitCode: 3,
  },
  "VFL-0403": {
    title: "the guest has no free slot",
    explanation:
      "On a PCIe machine each device that is plugged in needs a root port of its own, and ports are made when QEMU starts.",
    remedy: "start the guest with more ports: -device pcie-root-port,id=port5,chassis=5",
    exitCode: 3,
  },
  "VFL-0404": {
    title: "QEMU may not lock the guest's memory",
    explanation:
      "VFIO pins all of a guest's memory, since a device may write anywhere in it; RLIMIT_MEMLOCK of QEMU's process is smaller.",
    remedy: "raise it: prlimit --pid PID --memlock=unlimited, or LimitMEMLOCK= of its service",
    exitCode: 3,
  },
  "VFL-0405": {
    title: "this QEMU has no vfio-pci device",
    explanation: "QEMU was built without VFIO.",
    remedy: "install a QEMU with vfio-pci: qemu-system-x86_64 -device help",
    exitCode: 3,
  },
  "VFL-0406": {
    title: "the guest's monitor does not answer",
    explanation: "A monitor of QEMU serves one program at a time, at a socket that both can reach.",
    remedy: "end the program that speaks to it, or start QEMU with one more: -qmp unix:PATH,server=on,wait=off",
    exitCode: 1,
  },
  "VFL-0411": {
    title: "the guest was not moved",
    explanation: "Its migration failed, was too slow, or its kernel did not let go of the VF; it was rolled back.",
    remedy: "the guest runs where it was, with its VF; see the reason beside it",
    exitCode: 1,
  },
  "VFL-0421": {
    title: "no such domain of libvirt",
    explanation: "libvirt knows no domain of this name or UUID.",
    remedy: "list the guests with: vfleet guests",
    exitCode: 3,
  },
  "VFL-0422": {
    title: "the domain does not run",
    explanation: "A VF is plugged into a domain that runs; one that does not gets its VF by its definition.",
    remedy: "start it: virsh start NAME",
    exitCode: 3,
  },
  "VFL-0423": {
    title: "another domain is defined with the VF",
    explanation: "libvirt gives a device to the first domain that starts; the other then fails to start.",
    remedy: "take it out of the other domain's definition: virsh detach-device NAME FILE --config",
    exitCode: 3,
  },
  "VFL-0424": {
    title: "the domain has the MAC address already",
    explanation:
      "Two interfaces of one guest with one address, outside of a failover pair, confuse the guest and the switch.",
    remedy: "give the VF another address: vfleet set VF mac=ADDRESS",
    exitCode: 3,
  },
  "VFL-0426": {
    title: "libvirt answered something else than is known",
    explanation: "virsh printed what is no domain, or nothing.",
    remedy: "run virsh dumpxml NAME by hand",
    exitCode: 1,
  },
  "VFL-0461": {
    title: "the VF has no network interface to move",
    explanation: "A network namespace gets a VF by its interface, which the VF's own driver makes.",
    remedy: "give it its own driver: vfleet bind VF default",
    exitCode: 3,
  },
  "VFL-0462": {
    title: "the network namespace cannot be looked into",
    explanation: "It has no name below /run/netns, or takes more rights than there are.",
    remedy: "list namespaces with: ip netns",
    exitCode: 3,
  },
  "VFL-0463": {
    title: "the namespace has an interface of that name",
    explanation: "An interface keeps its name as it is moved, and no namespace has two of one name.",
    remedy: "rename one of them: ip link set OLD name NEW",
    exitCode: 3,
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;

export type ErrorCode = keyof typeof CATALOGUE;

/** The catalogue's entry for a code that a user gave, in upper or lower case; undefined where there is none. */
export function catalogueEntry(code: string): (CatalogueEntry & { readonly code: ErrorCode }) | undefined {
  const key = code.toUpperCase();
  return Object.hasOwn(CATALOGUE, key) ? { code: key as ErrorCode, ...CATALOGUE[key as ErrorCode] } : undefined;
}
