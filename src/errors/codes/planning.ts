import type { CatalogueEntry } from "../catalogue-entry.ts";

/** Of plans: what is wanted, and why it is refused. */
export const PLANNING = {
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
    title: "duplicate address",
    explanation:
      "Two interfaces of the host would have one MAC address, or two VFs one GUID; frames for one of them would go to the other.",
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
} as const satisfies Readonly<Record<string, CatalogueEntry>>;
