import type { CatalogueEntry } from "../catalogue-entry.ts";

/** Of operations: what went wrong as a plan was done, by the kernel's errno from VFL-0321 on. */
export const OPERATIONS = {
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
  "VFL-0313": {
    title: "overtaken",
    explanation:
      "The operation was cut off, and what has come since stands in its place: a newer operation on its PFs, or a reboot. Taking it back would take that back, too.",
    remedy: "compare the host with what is desired: vfleet plan",
    exitCode: 1,
  },
  "VFL-0314": {
    title: "unforeseen failure",
    explanation: "Something went wrong that vfleet knows no cause of. What the operation had done was taken back.",
    remedy: "report it, with the record: vfleet operations show N --json",
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
} as const satisfies Readonly<Record<string, CatalogueEntry>>;
