import { isUnread } from "../../kernel/port.ts";
import { capabilityById } from "../../pci/capability-by-id.ts";
import { PCI_CAP_ID_MSIX } from "../../pci/capability-ids.ts";
import { pfDriver } from "../drivers.ts";
import { sysfsPath } from "../observe.ts";
import { type Evidence, firstUnread, type Outcome, pass, refuse, unknown, warn } from "./check.ts";
import type { PreflightFacts } from "./facts.ts";

/** Is a driver bound that makes VFs? (`sriov_numvfs_store`: ENOENT without one, or without `sriov_configure`.) */
export function checkPfDriver(facts: PreflightFacts, count: number): Outcome {
  const outcome = judgeDriver(facts, count);
  const present = facts.pf.sriov?.numVfs;
  if (outcome.result !== "refuse" || present === undefined || isUnread(present) || present === 0) return outcome;
  // The number that is there is answered with success before anyone asks for a driver.
  return present === count
    ? warn(`${outcome.summary}; the ${present} VFs that exist stay`, outcome.remedy ?? "", outcome.evidence)
    : { ...outcome, largest: present };
}

function judgeDriver(facts: PreflightFacts, count: number): Outcome {
  const { driver, bdf } = facts.pf;
  const from = sysfsPath(bdf, "driver");
  if (isUnread(driver)) return unknown("which driver the PF has is not known", driver);
  if (driver === null) {
    return refuse(
      "the PF has no driver (ENOENT)",
      "load the PF's driver, or bind pci-pf-stub if the PF itself is not needed",
      [{ fact: "no driver", from }],
      0,
      "ENOENT",
    );
  }
  const evidence: Evidence[] = [{ fact: `driver ${driver}`, from }];
  if (driver === "vfio-pci") return checkVfioPf(facts, evidence);
  if (driver === "virtio-pci") return checkVirtioPf(facts, evidence);
  const known = pfDriver(driver);
  if (!known) {
    return unknown(
      `whether ${driver} makes VFs by sriov_numvfs is not known`,
      undefined,
      evidence,
      `look for sriov_configure in ${driver}, or try one VF`,
    );
  }
  if (known.needsPfUp && isUnread(facts.pfInterfacesUp)) {
    return unknown(
      `${driver} makes VFs while the PF's interface is up; whether it is could not be read`,
      facts.pfInterfacesUp,
      evidence,
    );
  }
  if (known.needsPfUp && !facts.pfInterfacesUp) {
    return refuse(
      `${driver} makes no VFs while the PF's interface is down, though the write succeeds`,
      "bring the interface up first: ip link set DEV up",
      [...evidence, { fact: "the interface is down", from: sysfsPath(bdf, "net") }],
      0,
    );
  }
  if (known.errnoWithoutMsix && capabilityById(facts.pf.decoded, PCI_CAP_ID_MSIX)?.values.msixEnable === false) {
    return refuse(
      `${driver} makes no VFs while MSI-X of the PF is off (${known.errnoWithoutMsix})`,
      "boot without pci=nomsi and reload the driver",
      [...evidence, { fact: "MSI-X is not enabled", from: "MSI-X capability" }],
      0,
      known.errnoWithoutMsix,
    );
  }
  const total = facts.pf.sriov?.driverLimit;
  if (known.ignoresCount && total !== undefined && !isUnread(total) && count !== total) {
    return warn(`${driver} enables all ${total} VFs, whatever number is written`, `ask for ${total} VFs`, evidence);
  }
  if (known.needsResources) {
    return warn(
      `VFs of ${driver} do not work before queues and interrupts are assigned to them`,
      "with sriov_drivers_autoprobe 0: assign flexible resources and set each secondary controller online (nvme virt-mgmt), then bind",
      evidence,
    );
  }
  return pass(`${driver} makes VFs`, evidence);
}

function checkVfioPf(facts: PreflightFacts, evidence: Evidence[]): Outcome {
  const from = "/sys/module/vfio_pci/parameters/enable_sriov";
  if (isUnread(facts.enableSriov))
    return unknown("whether vfio-pci may make VFs could not be read", facts.enableSriov, evidence);
  if (facts.enableSriov) {
    return warn(
      "the PF is on vfio-pci, whose user decides over the VFs",
      "give a VF token to whoever opens them; prefer the PF's own driver, or pci-pf-stub",
      [...evidence, { fact: "enable_sriov is Y", from }],
    );
  }
  return refuse(
    "the PF is on vfio-pci, which makes no VFs (ENOENT)",
    "bind the PF's own driver or pci-pf-stub, or set vfio_pci's enable_sriov to Y",
    [...evidence, { fact: "enable_sriov is N", from }],
    0,
    "ENOENT",
  );
}

/** `virtio_pci_sriov_configure` asks for a driver of the virtio device (EBUSY), and one that took VFs on (EINVAL). */
function checkVirtioPf({ virtio }: PreflightFacts, evidence: Evidence[]): Outcome {
  if (isUnread(virtio)) return unknown("whether the virtio device has a driver could not be read", virtio, evidence);
  if (!virtio.driverOk) {
    return refuse(
      "the PF's virtio device has no driver (EBUSY)",
      "load the driver of the virtio device, as virtio_net",
      [
        ...evidence,
        { fact: `the device status is ${virtio.status}, without DRIVER_OK`, from: `${virtio.path}/status` },
      ],
      0,
      "EBUSY",
    );
  }
  if (!virtio.takesVfs) {
    return refuse(
      "the PF's virtio device has no VIRTIO_F_SR_IOV (EINVAL)",
      "turn SR-IOV on where the virtio device is made",
      [...evidence, { fact: "feature 37 is not negotiated", from: `${virtio.path}/features` }],
      0,
      "EINVAL",
    );
  }
  return pass("virtio-pci makes VFs", evidence);
}

/** Vectors for the PF and the VFs. */
export function checkMsix(facts: PreflightFacts, count: number): Outcome {
  const { pf } = facts;
  const msix = capabilityById(pf.decoded, PCI_CAP_ID_MSIX);
  const { needsMsix, errnoWithoutMsix } = pfDriver(pf.driver) ?? {};
  if (!msix && (isUnread(pf.config) || pf.decoded.problems.some(({ kind }) => kind === "unread"))) {
    return unknown("the MSI-X capability could not be read", firstUnread(pf.config));
  }
  if (!msix) {
    return needsMsix
      ? refuse(`the PF has no MSI-X, which ${pf.driver} needs for VFs`, "use another device", [], 0, errnoWithoutMsix)
      : pass("the PF has no MSI-X; nothing says that its VFs need it there");
  }
  const evidence: Evidence[] = [
    {
      fact: `the PF has ${msix.values.tableSize} vectors, ${msix.values.msixEnable ? "enabled" : "not enabled"}`,
      from: "MSI-X capability",
    },
  ];
  const vfVectors = capabilityById(pf.node.vfs[0]?.decoded, PCI_CAP_ID_MSIX)?.values.tableSize;
  if (typeof vfVectors === "number")
    evidence.push({ fact: `VF 0 has ${vfVectors} vectors`, from: "MSI-X capability of VF 0" });
  const total = facts.vfTotalMsix;
  // 0 means that the driver does not distribute vectors (`sriov_vf_total_msix_show`), not that there are none. Without
  // VFs ice gives a number below 0, as 32 bits without a sign (`ice_sriov_get_vf_total_msix`).
  if (!isUnread(total) && total > 0 && total < 2 ** 31) {
    evidence.push({ fact: `${total} vectors for all VFs`, from: "sriov_vf_total_msix" });
    if (total < count) {
      return refuse(
        `${total} vectors are fewer than ${count} VFs`,
        `ask for at most ${total} VFs, or free vectors of the PF (fewer queues, no RDMA)`,
        evidence,
        total,
      );
    }
  }
  if (needsMsix && msix.values.msixEnable === false) {
    return warn(
      `MSI-X of the PF is off, which ${pf.driver} needs for VFs`,
      "boot without pci=nomsi and reload the driver",
      evidence,
    );
  }
  return pass("MSI-X is there", evidence);
}

/** Is what the VFs are wanted for possible with them? */
export function checkUse(facts: PreflightFacts): Outcome | undefined {
  const { use, pf } = facts;
  if (use === undefined) return undefined;
  const { driver } = pf;
  const known = pfDriver(driver);
  if (use === "vfio") return checkModule(facts, "vfio_pci", "vfio-pci");
  if (!known) return unknown(`whether the VFs become ${use} devices is not known`, undefined);
  const evidence = [{ fact: `PF driver ${driver}`, from: sysfsPath(pf.bdf, "driver") }];
  if (known.makes !== undefined && known.makes !== use) {
    return refuse(
      `VFs of ${driver} are ${known.makes} devices, not ${use}`,
      `use --use ${known.makes} or --use vfio`,
      evidence,
      0,
    );
  }
  if (known.makes === undefined) return unknown(`what VFs of ${driver} become is not known`, undefined, evidence);
  if (use === "netdev" && facts.driversAutoprobe === 0) {
    return warn(
      "sriov_drivers_autoprobe is 0: VFs get no driver, and binding one by hand gives ENODEV",
      "write 1 to sriov_drivers_autoprobe first, or set each VF's driver_override",
      [...evidence, { fact: "sriov_drivers_autoprobe is 0", from: sysfsPath(pf.bdf, "sriov_drivers_autoprobe") }],
    );
  }
  return known.vfModule
    ? checkModule(facts, known.vfModule, known.vfModule)
    : pass(`${driver} drives the VFs too`, evidence);
}

function checkModule(facts: PreflightFacts, module: string, driver: string): Outcome {
  if (isUnread(facts.modules)) return unknown(`whether ${driver} is loaded could not be read`, facts.modules);
  const name = module.replaceAll("-", "_");
  if (facts.modules.has(name)) return pass(`${driver} is loaded`, [{ fact: name, from: "/proc/modules" }]);
  return warn(`${driver} is not loaded as a module`, `modprobe ${driver} (unless it is built into the kernel)`, [
    { fact: `${name} is not listed`, from: "/proc/modules" },
  ]);
}
