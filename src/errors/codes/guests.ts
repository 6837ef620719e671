import type { CatalogueEntry } from "../catalogue-entry.ts";

/** Of guests: QEMU, libvirt, network namespaces. */
export const GUESTS = {
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
  "VFL-0407": {
    title: "the VF wants the token of the PF's user",
    explanation:
      "The PF is on vfio-pci, too: the kernel lets nobody open a VF of it without the UUID that the program that has the PF has set (vfio_pci_validate_vf_token).",
    remedy: "write the UUID into a file that root alone can read, and name it: --vf-token-file FILE",
    exitCode: 3,
  },
  "VFL-0408": {
    title: "the file has no VF token, or is not secret",
    explanation:
      "It is to hold one UUID, as f81d4fae-7dec-11d0-a765-00a0c91e6bf6, and to be readable by its owner and group at most.",
    remedy: "write the UUID into it, and take it from others: chmod o= FILE",
    exitCode: 3,
  },
  "VFL-0411": {
    title: "the guest was not moved",
    explanation: "Its migration failed, was too slow, or its kernel did not let go of the VF; it was rolled back.",
    remedy: "the guest runs where it was, with its VF; see the reason beside it",
    exitCode: 1,
  },
  "VFL-0412": {
    title: "the guest cannot be moved",
    explanation:
      "Neither of the ways is open: by VFIO both ends need a variant driver that moves a VF's state; by a failover pair the guest needs a virtio interface with failover=on and its VF as the primary of it.",
    remedy: "do what the checks say: vfleet migrate GUEST --to DESTINATION --check",
    exitCode: 3,
  },
  "VFL-0413": {
    title: "where the guest is could not be found out",
    explanation:
      "A move was cut off, and the two ends do not tell which of them runs the guest. vfleet changes nothing then: a guest that ran at both would destroy its disks.",
    remedy:
      "look at both (query-status at their monitors), end the one that does not run the guest, then: vfleet recover --stuck",
    exitCode: 1,
  },
  "VFL-0414": {
    title: "the guest was moved, and has no VF there",
    explanation:
      "It runs at the destination and goes by its virtio interface: the VF could not be set up or plugged in.",
    remedy: "do what the reason says, then: vfleet recover --stuck",
    exitCode: 1,
  },
  "VFL-0415": {
    title: "the destination is not one that vfleet can move to",
    explanation:
      "The VF of the destination is set up by its own host. vfleet runs on this host only: it moves guests between QEMUs of it, or from one modelled machine to another, and has nothing yet that would work for it on another host.",
    remedy:
      "name a guest of this host that waits with -incoming defer, as vfleet guests lists it; for a guest of the model another machine: model:FILE",
    exitCode: 3,
  },
  "VFL-0416": {
    title: "the guest does not answer",
    explanation:
      "The time without traffic is told by answers to pings (--probe). There were none before the move, so nothing was begun.",
    remedy: "ping it from this host: address, route, and the guest's firewall; or leave --probe out",
    exitCode: 3,
  },
  "VFL-0417": {
    title: "the guest's traffic cannot be watched",
    explanation:
      "A guest of QEMU is sent packets by iputils' ping (that of BusyBox tells no times), at an address that is the guest's and no other's.",
    remedy: "install iputils-ping, and name the guest's own address; or leave --probe out",
    exitCode: 3,
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
  "VFL-0425": {
    title: "the domain has no definition",
    explanation: "A transient domain (virsh create) is gone when it ends: there is nothing that it starts with again.",
    remedy: "give it the VF as it runs, without --persistent; or define the domain: virsh define FILE",
    exitCode: 3,
  },
  "VFL-0426": {
    title: "libvirt answered something else than is known",
    explanation: "virsh printed what is no domain, or nothing.",
    remedy: "run virsh dumpxml NAME by hand",
    exitCode: 1,
  },
  "VFL-0427": {
    title: "libvirt passes no VF token",
    explanation:
      "The PF is on vfio-pci, too, so the kernel wants a token of whoever opens a VF of it, and libvirt's domains have no place for one.",
    remedy: "bind the PF to its own driver; or give the VF to a QEMU that libvirt does not run, with --vf-token-file",
    exitCode: 3,
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
