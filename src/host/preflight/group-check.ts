import { isUnread } from "../../kernel/port.ts";
import { acsPath } from "../../pci/acs-path.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { IommuGroup } from "../../pci/iommu-groups.ts";
import { type AcsMode, IOMMU_GROUPING_MODEL, type IsolationModel, isolationModel } from "../../pci/isolation-model.ts";
import { predictVfGroups, type VfGroup } from "../../pci/predict-vf-groups.ts";
import { bridgesAbove, type TopologyNode } from "../../pci/topology.ts";
import { managesNoDma } from "../drivers.ts";
import type { HostFunction, Inventory } from "../inventory.ts";
import { type Evidence, firstUnread, type Outcome, pass, refuse, unknown, warn } from "./check.ts";
import type { PreflightFacts } from "./facts.ts";

const REMEDY =
  "use a slot right below a root port with ACS, or a switch with it; an ACS override patch only hides that there is no isolation";
/** Would each VF have an IOMMU group of its own? Computed as Linux does it, with and without the VFs. */
export function checkGroups(facts: PreflightFacts, count: number): Outcome {
  const { pf } = facts;
  const model = modelAround(facts);
  const device = model.devices.get(pf.bdf);
  const mode = model.acs === "asConfigured" ? "" : ", ACS as the kernel would set it with an IOMMU on";
  const evidence: Evidence[] = [{ fact: `groups as ${IOMMU_GROUPING_MODEL} forms them${mode}` }];
  for (const hop of device ? acsPath(model, device).hops : []) {
    const missing = hop.missing.length > 0 ? ` (off: ${hop.missing.join(", ")})` : "";
    evidence.push({ fact: `${hop.bdf}: ${hop.why}${missing}`, from: `${hop.bdf} ACS` });
  }
  if (!isUnread(pf.iommuGroup) && pf.iommuGroup !== null) {
    evidence.push({ fact: `the kernel has the PF in group ${pf.iommuGroup}`, from: "iommu_group" });
  }
  const prediction = predictVfGroups(model, pf.bdf, count);
  const own = prediction.without.groupOf.get(pf.bdf);
  // What was not read counts as not isolated there, which is no evidence.
  if (own && own.doubts.length === 0) {
    evidence.push({ fact: `without VFs the PF shares its group with ${listOthers(own, pf.bdf)}` });
  }
  if (!pf.sriov?.registers) {
    return unknown("the groups of the VFs cannot be told: the SR-IOV capability was not read", undefined, evidence);
  }
  if (!prediction.with) return unknown(`the groups of the VFs cannot be told: ${prediction.why}`, undefined, evidence);

  if (prediction.vfs.some(({ group }) => group === null)) {
    return unknown("not every VF has an address of its own (see bus-numbers)", undefined, evidence);
  }
  const shared = prediction.vfs.filter((vf): vf is SharingVf => vf.alone !== true);
  const certain = shared.filter(({ alone }) => alone === false);
  const first = certain[0] ?? shared[0];
  if (!first) {
    evidence.push({ fact: "with VFs each VF has a group of its own" });
    return pass(`each of ${prediction.vfs.length} VFs would have an IOMMU group of its own`, evidence);
  }
  evidence.push({ fact: `with VFs, VF ${first.vfIndex} shares its group with ${listOthers(first.group, first.bdf)}` });
  const members = new Set(certain.flatMap(({ group }) => group.members));
  const outsiders = [...members].flatMap((bdf) => outsider(facts, bdf, prediction.vfs));
  const used = outsiders.filter(({ driver }) => !isUnread(driver) && driver !== null && !managesNoDma(driver));
  if (used.length > 0) {
    const text = `VFs would share an IOMMU group with ${list(used.map(({ bdf }) => bdf))}, which this host uses`;
    return facts.use === "vfio"
      ? refuse(`${text}: "group is not viable"`, REMEDY, evidence, 0)
      : warn(`${text}: no guest could have them`, REMEDY, evidence);
  }
  if (certain.length < shared.length) {
    const reasons = new Map(shared.flatMap(({ group }) => group.doubts.map(({ bdf, why }) => [why, bdf])));
    for (const [why, bdf] of reasons) evidence.push({ fact: `${bdf}: ${why}` });
    return unknown("whether the VFs would be isolated cannot be told", undefined, evidence);
  }
  // A bridge has pcieport or nothing.
  const unseen = outsiders.find(({ driver, decoded }) => isUnread(driver) && decoded.bridge === undefined);
  if (unseen && facts.use === "vfio") {
    return unknown(
      `VFs would share an IOMMU group with ${unseen.bdf}, whose driver is not known`,
      firstUnread(unseen.driver),
      evidence,
      REMEDY,
    );
  }
  return warn(
    `${shared.length} of ${prediction.vfs.length} VFs share IOMMU groups: a group goes to one guest as a whole`,
    REMEDY,
    evidence,
  );
}

type SharingVf = VfGroup & { readonly group: IommuGroup };

/** Of a host, for a mode; the same for each of its PFs and for any number of VFs. */
const models = new WeakMap<Inventory, IsolationModel>();

/** The host without VFs that have nothing to do with the PF: there may be thousands, and each takes its time. */
function modelAround({ pf, inventory, iommu }: PreflightFacts): IsolationModel {
  const on = !isUnread(iommu.groupCount) && iommu.groupCount > 0;
  // With the IOMMU off Linux leaves the ACS controls alone; it would set them at the next boot with it on.
  const acs: AcsMode = on ? "asConfigured" : "withKernelAcs";
  const ivrs = isUnread(iommu.units) || iommu.units.length === 0 ? undefined : iommu.units.includes("AMD-Vi");
  let model = models.get(inventory);
  if (model?.acs !== acs || model.ivrs !== ivrs) {
    const topology = new Map([...inventory.functions.values()].map(({ bdf, node }) => [bdf, node]));
    model = isolationModel(topology, { acs, ...(ivrs === undefined ? {} : { ivrs }) });
    models.set(inventory, model);
  }
  const slot = rootSlotOf(pf.node);
  const near = [...model.devices].filter(([bdf, { isVf }]) => {
    const physfn = isVf ? model.topology.get(model.topology.get(bdf)?.vf?.physfn ?? bdf) : undefined;
    return physfn === undefined || rootSlotOf(physfn) === slot;
  });
  return { ...model, devices: new Map(near) };
}

/** The device of a root bus that a function is or is below: functions of one may share groups, without ACS. */
function rootSlotOf(node: TopologyNode): string {
  const top = bridgesAbove(node).at(-1) ?? node;
  return top.bdf.slice(0, -2);
}

/** A member of a VF's group that is neither one of these VFs nor a VF that the PF has now. */
function outsider(facts: PreflightFacts, bdf: Bdf, vfs: readonly VfGroup[]): HostFunction[] {
  const fn = facts.inventory.functions.get(bdf);
  return !fn || fn.node.vf?.physfn === facts.pf.bdf || vfs.some((vf) => vf.bdf === bdf) ? [] : [fn];
}

function listOthers(group: IommuGroup, self: Bdf | null): string {
  const others = group.members.filter((bdf) => bdf !== self);
  return others.length === 0 ? "nobody" : list(others);
}

function list(members: readonly Bdf[]): string {
  return members.length <= 4 ? members.join(", ") : `${members.slice(0, 3).join(", ")} and ${members.length - 3} more`;
}
