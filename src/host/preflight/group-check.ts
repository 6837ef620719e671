import { isUnread } from "../../kernel/port.ts";
import { acsPath } from "../../pci/acs-path.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { IommuGroup } from "../../pci/iommu-groups.ts";
import { type AcsMode, IOMMU_GROUPING_MODEL, isolationModel } from "../../pci/isolation-model.ts";
import { predictVfGroups, type VfGroup } from "../../pci/predict-vf-groups.ts";
import { type Evidence, type Outcome, pass, refuse, unknown, warn } from "./check.ts";
import type { PreflightFacts } from "./facts.ts";

const REMEDY =
  "use a slot right below a root port with ACS, or a switch with it; an ACS override patch only hides that there is no isolation";
/** Drivers that may stay on a group's other members while a guest has one of them (`vfio_dev_viable`). */
const HARMLESS_DRIVERS = new Set(["pcieport", "pci-stub", "vfio-pci"]);

/** Would each VF have an IOMMU group of its own? Computed as Linux does it, with and without the VFs. */
export function checkGroups(facts: PreflightFacts, count: number): Outcome {
  const { pf, inventory, iommu } = facts;
  const on = !isUnread(iommu.groupCount) && iommu.groupCount > 0;
  // With the IOMMU off Linux leaves the ACS controls alone; it would set them at the next boot with it on.
  const acs: AcsMode = on ? "asConfigured" : "withKernelAcs";
  const topology = new Map([...inventory.functions.values()].map(({ bdf, node }) => [bdf, node]));
  const ivrs = isUnread(iommu.units) || iommu.units.length === 0 ? undefined : iommu.units.includes("AMD-Vi");
  const model = isolationModel(topology, { acs, ...(ivrs === undefined ? {} : { ivrs }) });
  const device = model.devices.get(pf.bdf);
  const evidence: Evidence[] = [
    {
      fact: `groups as ${IOMMU_GROUPING_MODEL} forms them${on ? "" : ", ACS as the kernel would set it with an IOMMU on"}`,
    },
  ];
  for (const hop of device ? acsPath(model, device).hops : []) {
    const missing = hop.missing.length > 0 ? ` (off: ${hop.missing.join(", ")})` : "";
    evidence.push({ fact: `${hop.bdf}: ${hop.why}${missing}`, from: `${hop.bdf} ACS` });
  }
  if (!isUnread(pf.iommuGroup) && pf.iommuGroup !== null) {
    evidence.push({ fact: `the kernel has the PF in group ${pf.iommuGroup}`, from: "iommu_group" });
  }
  const prediction = predictVfGroups(model, pf.bdf, count);
  const own = prediction.without.groupOf.get(pf.bdf);
  if (own) evidence.push({ fact: `without VFs the PF shares its group with ${listOthers(own, pf.bdf)}` });
  if (!prediction.with) return unknown(`the groups of the VFs cannot be told: ${prediction.why}`, undefined, evidence);

  const shared = prediction.vfs.filter(({ alone, group }) => group !== null && !alone);
  const doubts = prediction.vfs.flatMap(({ group }) => group?.doubts ?? []);
  if (shared.length === 0) {
    evidence.push({ fact: "with VFs each VF has a group of its own" });
    return pass(`each of ${count} VFs would have an IOMMU group of its own`, evidence);
  }
  const first = shared[0] as VfGroup & { group: IommuGroup };
  evidence.push({ fact: `with VFs, VF ${first.vfIndex} shares its group with ${listOthers(first.group, first.bdf)}` });
  if (doubts.length > 0) {
    const reasons = new Map(doubts.map(({ bdf, why }) => [why, bdf]));
    for (const [why, bdf] of reasons) evidence.push({ fact: `${bdf}: ${why}` });
    return unknown("whether the VFs would be isolated cannot be told", undefined, evidence);
  }
  const inTheWay = first.group.members.filter((bdf) => holdsBack(facts, bdf, prediction.vfs));
  if (inTheWay.length > 0) {
    const text = `VFs would share an IOMMU group with ${list(inTheWay)}, which this host uses`;
    return facts.use === "vfio"
      ? refuse(`${text}: "group is not viable"`, REMEDY, evidence, 0)
      : warn(`${text}: no guest could have them`, REMEDY, evidence);
  }
  return warn(
    `${shared.length} of ${count} VFs share IOMMU groups: a group goes to one guest as a whole`,
    REMEDY,
    evidence,
  );
}

/** A member that keeps its group from a guest: it has, or its PF shows that it will have, a driver of the host. */
function holdsBack(facts: PreflightFacts, bdf: Bdf, vfs: readonly VfGroup[]): boolean {
  if (vfs.some((vf) => vf.bdf === bdf)) return false;
  const fn = facts.inventory.functions.get(bdf);
  if (!fn || fn.node.vf?.physfn === facts.pf.bdf) return false;
  // A bridge has pcieport or nothing; where nobody could look, it is no obstacle, other functions are.
  if (isUnread(fn.driver)) return fn.decoded.bridge === undefined;
  return fn.driver !== null && !HARMLESS_DRIVERS.has(fn.driver);
}

function listOthers(group: IommuGroup, self: Bdf | null): string {
  const others = group.members.filter((bdf) => bdf !== self);
  return others.length === 0 ? "nobody" : list(others);
}

function list(members: readonly Bdf[]): string {
  return members.length <= 4 ? members.join(", ") : `${members.slice(0, 3).join(", ")} and ${members.length - 3} more`;
}
