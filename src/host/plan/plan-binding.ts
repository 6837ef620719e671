import { isUnread, known } from "../../kernel/port.ts";
import type { DriverWish } from "../desired/desired-pf.ts";
import { isVfioDriver, managesNoDma } from "../drivers.ts";
import type { PfState, VfState } from "../state/host-state.ts";
import type { PfDraft, PlannedVf } from "./pf-draft.ts";
import { requireUnused } from "./vf-use.ts";

/** Which VFs get which driver. Decided before the steps are laid out, since a VF that moves must be let go first. */
export function planBinding(draft: PfDraft): void {
  for (const vf of draft.plannedVfs()) {
    const wish = vf.wanted?.driver;
    if (vf.now !== undefined) planPresent(draft, vf.now, wish);
  }
}

function planPresent(draft: PfDraft, vf: VfState, wish: DriverWish | undefined): void {
  if (wish === undefined || isBoundAs(draft.pf, vf, wish)) return;
  const { vfIndex, driver } = vf;
  if (isUnread(driver)) {
    draft.refuseUnread(`the driver of VF ${vfIndex}`, driver, vfIndex);
    return;
  }
  // A VF that no driver has may be mapped through sysfs, as DPDK does.
  if (!requireUnused(draft, [vf], driver === null ? "would be bound" : "would lose its driver")) return;
  if (wantsVfio(wish) && !requireWholeGroup(draft, vf)) return;
  draft.released.add(vfIndex);
}

/** A VF of which nobody says anything keeps its driver; a new one gets what the kernel gives of itself. */
export function addBindSteps(draft: PfDraft): void {
  const { pf } = draft;
  const vfs = draft.plannedVfs();
  const held = holdsProbing(draft);
  const toBind: { readonly vf: PlannedVf; readonly to: DriverWish }[] = [];
  for (const vf of vfs) {
    const { vfIndex, now, wanted } = vf;
    if (now === undefined) {
      const to = wanted?.driver ?? "default";
      if (to === "none" || (to === "default" && !held && pf.driversAutoprobe === true)) continue;
      if (wanted?.driver === undefined && draft.offline.has(vfIndex)) continue;
      // Where VFs get no driver of themselves, one that nobody wants bound stays so.
      if (wanted?.driver === undefined && pf.driversAutoprobe === false) continue;
      toBind.push({ vf, to });
    } else if (draft.released.has(vfIndex)) {
      const to = wanted?.driver ?? wishOf(now);
      if (now.driver !== null) {
        draft.add("release", bindStep(draft, vf, known(now.driver) ?? null, "none"));
      }
      if (to !== "none") toBind.push({ vf, to });
    }
  }
  for (const { vf, to } of toBind) {
    needModuleOf(draft, to);
    draft.add("bind", bindStep(draft, vf, null, to));
  }
  const needsProbing = toBind.some(({ to }) => to === "default") && pf.driversAutoprobe === false;
  if (needsProbing) {
    // `pci_device_can_probe`: with autoprobe off, a VF without override is bound by nobody.
    draft.add("probing", { kind: "setDriversAutoprobe", pf: pf.bdf, from: false, to: true });
  }
  addProbingSteps(draft, held, needsProbing);
}

/** While VFs are made whose settings must be there before a driver sees them, the kernel binds none of itself. */
function holdsProbing(draft: PfDraft): boolean {
  const { pf, remade, count, desired, quirks } = draft;
  if (!remade || count === 0 || pf.driversAutoprobe !== true) return false;
  // Drivers must not have them yet when the eSwitch changes (planEswitch).
  if (quirks.eswitch === "unboundVfs" && desired.eswitchMode !== undefined && pf.eswitchMode !== desired.eswitchMode) {
    return true;
  }
  return desired.vfs.some(
    ({ driver, network, msixCount, nvme }) =>
      (driver !== undefined && driver !== "default") ||
      (network !== undefined && Object.keys(network).length > 0) ||
      msixCount !== undefined ||
      nvme !== undefined,
  );
}

function addProbingSteps(draft: PfDraft, held: boolean, raised: boolean): void {
  const { pf, desired } = draft;
  const wanted = desired.driversAutoprobe;
  const before = known(pf.driversAutoprobe);
  if (held) {
    draft.add("release", { kind: "setDriversAutoprobe", pf: pf.bdf, from: true, to: false });
    draft.add("probing", { kind: "setDriversAutoprobe", pf: pf.bdf, from: false, to: true });
  }
  const then = held || raised ? true : before;
  const end = wanted ?? before;
  if (then !== undefined && end !== undefined && then !== end) {
    draft.add("end", { kind: "setDriversAutoprobe", pf: pf.bdf, from: then, to: end });
  }
}

function bindStep({ pf }: PfDraft, { vfIndex, now }: PlannedVf, from: string | null, to: DriverWish) {
  const fromOverride = now === undefined ? null : (known(now.driverOverride) ?? null);
  return { kind: "bindDriver", pf: pf.bdf, vfIndex, from, fromOverride, to } as const;
}

/** Whether a VF has the driver that is wanted. */
function isBoundAs(pf: PfState, { driver, driverOverride }: VfState, wish: DriverWish): boolean {
  switch (wish) {
    case "none":
      return driver === null;
    case "default":
      return driver !== null && !isUnread(driver) && driverOverride === null;
    case "vfio":
      return isVfioDriver(driver) && driver === (known(pf.vfioVariant) ?? "vfio-pci");
    default:
      return driver === wish;
  }
}

/** What a VF has now, as a wish. */
export function wishOf({ driver, driverOverride }: VfState): DriverWish {
  const name = known(driver);
  if (name === undefined || name === null) return "none";
  return known(driverOverride) === null ? "default" : name;
}

function wantsVfio(wish: DriverWish): boolean {
  return wish === "vfio" || isVfioDriver(wish);
}

/** VFIO gives a group to one guest as a whole: no driver of the host may stay in it (`vfio_group_is_viable`). */
function requireWholeGroup(draft: PfDraft, vf: VfState): boolean {
  const { vfIndex } = vf;
  if (isUnread(vf.iommuGroup)) {
    draft.refuseUnread(`the IOMMU group of VF ${vfIndex}`, vf.iommuGroup, vfIndex);
    return false;
  }
  if (vf.iommuGroup === null) {
    draft.refuse({
      code: "VFL-0214",
      vfIndex,
      summary: `VF ${vfIndex} is in no IOMMU group, so VFIO refuses it`,
      evidence: [],
      remedy: "turn the IOMMU on in the BIOS and the kernel (intel_iommu=on)",
    });
    return false;
  }
  if (isUnread(vf.groupOthers)) {
    draft.refuseUnread(`who shares the IOMMU group of VF ${vfIndex}`, vf.groupOthers, vfIndex);
    return false;
  }
  const moving = new Set(
    draft.plannedVfs().flatMap(({ now, wanted }) => {
      const wish = wanted?.driver;
      return now !== undefined && wish !== undefined && (wish === "none" || wantsVfio(wish)) ? [now.bdf] : [];
    }),
  );
  const others = vf.groupOthers.filter(
    ({ bdf, driver }) => driver !== null && !managesNoDma(driver) && !moving.has(bdf),
  );
  if (others.length === 0) return true;
  draft.refuse({
    code: "VFL-0214",
    vfIndex,
    summary: `VF ${vfIndex} shares IOMMU group ${vf.iommuGroup} with ${others.map(({ bdf }) => bdf).join(", ")}, which this host uses`,
    evidence: others.map(({ bdf, driver }) => ({
      fact: isUnread(driver) ? `the driver of ${bdf} could not be read` : `${bdf} is bound to ${String(driver)}`,
      from: `/sys/kernel/iommu_groups/${vf.iommuGroup}/devices`,
    })),
    remedy: "give the whole group to VFIO, or use a slot right below a root port with ACS",
  });
  return false;
}

/** The module that has the driver. */
function needModuleOf(draft: PfDraft, wish: DriverWish): void {
  const { pf, quirks } = draft;
  if (wish === "default") {
    // Udev loads what the VF's ID asks for; where it does not, or the VF was there before, this does.
    const module = quirks.vfModule;
    if (module !== undefined) draft.needModule(module);
  } else if (wish === "vfio") {
    draft.needModule(known(pf.vfioVariant) ?? "vfio_pci");
  } else {
    draft.needModule(wish);
  }
}
