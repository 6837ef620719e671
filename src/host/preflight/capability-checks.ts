import { isUnread } from "../../kernel/port.ts";
import { busOf, devfnOf, domainOf, formatBdf, hex, type RoutingId } from "../../pci/bdf.ts";
import { at } from "../../pci/capability.ts";
import { PCI_CFG_SPACE_SIZE } from "../../pci/config-space.ts";
import { sriovCapability } from "../../pci/sriov-state.ts";
import { pfDriver } from "../drivers.ts";
import type { HostFunction } from "../inventory.ts";
import { isAbsent } from "../observe.ts";
import { type Evidence, firstUnread, type Outcome, pass, refuse, unknown, warn } from "./check.ts";
import { isIntegratedEndpoint, type PreflightFacts } from "./facts.ts";

/** Evidence from the SR-IOV capability's registers, with their place in configuration space. */
export function register(facts: PreflightFacts, offset: number, fact: string): Evidence {
  const capability = sriovCapability(facts.pf.decoded);
  return capability ? { fact, from: `config ${at(capability.offset + offset)}` } : { fact };
}

/** Does the PF offer VFs at all, and this many? (`sriov_numvfs_store`: ERANGE above `sriov_totalvfs`.) */
export function checkLimits(facts: PreflightFacts, count: number): Outcome {
  const sriov = facts.pf.sriov;
  if (!sriov)
    return refuse(
      "this function has no SR-IOV capability",
      "choose a Physical Function; `vfleet scan` lists them",
      [],
      0,
      "ENOENT",
    );
  const { totalVfs, driverLimit } = sriov;
  // TotalVFs bounds what the driver may offer.
  const limit = isUnread(driverLimit) ? totalVfs : driverLimit;
  if (isUnread(limit)) return unknown("how many VFs the PF offers could not be read", limit);
  const evidence: Evidence[] = [];
  if (!isUnread(totalVfs)) evidence.push(register(facts, 0x0e, `TotalVFs ${totalVfs}`));
  if (!isUnread(driverLimit)) evidence.push({ fact: `driver limit ${driverLimit}`, from: "sriov_totalvfs" });
  if (limit === 0) {
    const driver = pfDriver(facts.pf.driver);
    return refuse(
      "the PF offers no VFs",
      driver?.firmwareSwitch
        ? `SR-IOV is off in the firmware; turn it on: ${driver.firmwareSwitch}`
        : "turn SR-IOV on in the device's firmware or in the BIOS",
      evidence,
      0,
      "ERANGE",
    );
  }
  if (!isKernelPf(facts, facts.pf)) {
    return refuse(
      "the kernel takes it for no Physical Function (no sriov_totalvfs)",
      "see whether the kernel has CONFIG_PCI_IOV; else it refused the capability at boot (EIO): update the device's firmware",
      evidence,
      0,
      "ENOENT",
    );
  }
  if (count > limit) {
    return refuse(
      `${count} VFs are more than the ${limit} that the PF offers (ERANGE)`,
      `ask for at most ${limit} VFs`,
      evidence,
      limit,
      "ERANGE",
    );
  }
  if (isUnread(driverLimit)) {
    return unknown(
      `the hardware has ${limit} VFs; whether the driver offers fewer is not known`,
      driverLimit,
      evidence,
    );
  }
  const lowered =
    !isUnread(totalVfs) && limit < totalVfs ? ` (the hardware has ${totalVfs}; the driver lowered it)` : "";
  return pass(`${count} of at most ${limit} VFs${lowered}`, evidence, limit);
}

/**
 * False where `sriov_init` left a function with the capability alone (TotalVFs 0, EIO): it has no `sriov_*` files then.
 */
function isKernelPf({ inventory }: PreflightFacts, { sriov }: HostFunction): boolean {
  return sriov !== undefined && !(inventory.kernel.source.complete && isAbsent(sriov.driverLimit));
}

/** VFs that exist already: the kernel refuses to go from one number to another (EBUSY). */
export function checkPresentVfs(facts: PreflightFacts, count: number): Outcome {
  const numVfs = facts.pf.sriov?.numVfs;
  if (numVfs === undefined) return pass("no VFs exist");
  if (isUnread(numVfs)) return unknown("whether VFs exist already could not be read", numVfs);
  const evidence = [register(facts, 0x10, `NumVFs ${numVfs}`)];
  if (numVfs === 0) return pass("no VFs exist", evidence);
  if (numVfs === count) return pass(`as many VFs exist already (${count}); the kernel changes nothing`, evidence);
  const drivers = facts.pf.node.vfs.flatMap((vf) => {
    const driver = facts.inventory.functions.get(vf.bdf)?.driver;
    return typeof driver === "string" ? [{ fact: `VF ${vf.vf?.index} has driver ${driver}`, from: vf.bdf }] : [];
  });
  return refuse(
    `${numVfs} VFs exist; the kernel goes to ${count} only by way of none (EBUSY)`,
    `keep ${numVfs}, or free all of them, write 0 to sriov_numvfs and then ${count}: every VF of this PF is lost in between`,
    [...evidence, ...drivers],
    undefined,
    "EBUSY",
  );
}

/** What `sriov_init` and `sriov_enable` refuse with EIO. */
export function checkConsistency(facts: PreflightFacts, count: number): Outcome {
  const registers = facts.pf.sriov?.registers;
  if (!registers) return unknown("the SR-IOV capability could not be read", firstUnread(facts.pf.config));
  const { initialVfs, totalVfs, vfMigrationCapable, firstVfOffset, vfStride, supportedPageSizes, numVfs, vfEnable } =
    registers;
  const evidence = [
    register(facts, 0x0c, `InitialVFs ${initialVfs}, TotalVFs ${totalVfs}`),
    register(facts, 0x14, `First VF Offset ${firstVfOffset}, VF Stride ${vfStride} at NumVFs ${numVfs}`),
    register(facts, 0x1c, `Supported Page Sizes ${at(supportedPageSizes ?? 0)}`),
  ];
  if (
    initialVfs === null ||
    totalVfs === null ||
    firstVfOffset === null ||
    vfStride === null ||
    supportedPageSizes === null
  ) {
    return unknown("the SR-IOV capability was read in part", undefined, evidence);
  }
  const remedy = "the device or its firmware is at fault: update the firmware, or ask the vendor";
  if (initialVfs > totalVfs || (initialVfs !== totalVfs && vfMigrationCapable !== true)) {
    return refuse(
      `InitialVFs is ${initialVfs}, TotalVFs ${totalVfs}: the kernel refuses that (EIO)`,
      remedy,
      evidence,
      0,
      "EIO",
    );
  }
  // A kernel with larger pages wants one of its own size or above; what it refused at boot, checkLimits shows.
  if (supportedPageSizes === 0) return refuse("no page size is supported (EIO)", remedy, evidence, 0, "EIO");
  const settled = vfEnable === true || (numVfs ?? 0) !== 0;
  if (firstVfOffset === 0 || (vfStride === 0 && count > 1)) {
    return settled
      ? refuse(
          "First VF Offset or VF Stride is 0: VFs have no addresses (EIO)",
          remedy,
          evidence,
          firstVfOffset === 0 ? 0 : 1,
          "EIO",
        )
      : unknown(
          "First VF Offset and VF Stride read 0 while NumVFs is 0; the device may show them later",
          undefined,
          evidence,
        );
  }
  if (count > initialVfs) {
    return warn(
      `the device has ${initialVfs} VFs at first and others by VF migration alone: no more than ${initialVfs} appear`,
      `ask for at most ${initialVfs} VFs`,
      evidence,
    );
  }
  return pass("the capability is consistent", evidence);
}

/** The PF that this one depends on (`sriov_enable`: ENODEV where there is none, ENOSYS where it is no PF). */
export function checkDependencyLink(facts: PreflightFacts): Outcome {
  const { bdf } = facts.pf;
  const link = facts.pf.sriov?.registers?.functionDependencyLink;
  if (link === undefined || link === null) {
    return unknown("the Function Dependency Link could not be read", firstUnread(facts.pf.config));
  }
  // `sriov_init` of a Root Complex integrated endpoint takes only the function number from the register.
  const devfn = isIntegratedEndpoint(facts) ? (devfnOf(bdf) & 0xf8) | (link & 7) : link;
  const evidence = [register(facts, 0x12, `Function Dependency Link ${hex(link, 2)}`)];
  if (devfn === devfnOf(bdf)) return pass("the PF depends on no other", evidence);
  const other = formatBdf(domainOf(bdf), ((busOf(bdf) << 8) | devfn) as RoutingId);
  const fn = facts.inventory.functions.get(other);
  const { complete } = facts.inventory.kernel.source;
  if (!fn) {
    return complete
      ? refuse(
          `the PF depends on ${other}, which is not there (ENODEV)`,
          `enable ${other} in the BIOS or rescan its bus`,
          evidence,
          0,
          "ENODEV",
        )
      : unknown(`the PF depends on ${other}, of which the source says nothing`, undefined, evidence);
  }
  if (!fn.sriov && !complete && fn.decoded.space.end <= PCI_CFG_SPACE_SIZE) {
    return unknown(`the PF depends on ${other}, whose capabilities were not read`, firstUnread(fn.config), evidence);
  }
  if (!isKernelPf(facts, fn) || fn.sriov?.totalVfs === 0) {
    return refuse(
      `the PF depends on ${other}, which is no Physical Function (ENOSYS)`,
      "update the device's firmware",
      evidence,
      0,
      "ENOSYS",
    );
  }
  return pass(`the PF depends on ${other}, which is a Physical Function`, evidence);
}
