import { isUnread, known } from "../../kernel/port.ts";
import type { PfDraft } from "./pf-draft.ts";
import type { StepOf } from "./step.ts";
import { requireUnused } from "./vf-use.ts";

/**
 * MSI-X vectors of VFs, from what the PF's driver may give out. `sriov_vf_msix_count_store` answers EBUSY while a driver is
 * bound, so the VF is let go first.
 */
export function planVectors(draft: PfDraft): void {
  const { pf } = draft;
  const wanted = draft.plannedVfs().filter((vf) => vf.wanted?.msixCount !== undefined);
  if (wanted.length === 0) return;
  if (isUnread(pf.vfTotalMsix)) {
    draft.refuseUnread("sriov_vf_total_msix", pf.vfTotalMsix);
    return;
  }
  const total = pf.vfTotalMsix ?? 0;
  if (total === 0) {
    draft.refuse({
      code: "VFL-0216",
      summary: `${String(pf.driver)} gives out no MSI-X vectors to VFs`,
      evidence: [{ fact: "sriov_vf_total_msix is 0, or is not there", from: "sriov_vf_total_msix" }],
      remedy: "leave msixCount out for VFs of this PF",
    });
    return;
  }
  const sum = draft
    .plannedVfs()
    .reduce((so, { wanted: vf, now }) => so + (vf?.msixCount ?? known(now?.msixCount ?? null) ?? 0), 0);
  if (sum > total) {
    draft.refuse({
      code: "VFL-0216",
      summary: `${sum} MSI-X vectors are wanted for VFs, and the PF has ${total} for all of them`,
      evidence: [{ fact: `sriov_vf_total_msix is ${total}`, from: "sriov_vf_total_msix" }],
      remedy: "ask for fewer, or have fewer VFs",
    });
    return;
  }
  // What mlx5 gives each VF that is new (`mlx5_get_default_msix_vec_count`), or less: half of what one may have, which it does not tell.
  const share = Math.floor(total / Math.max(draft.count, 1));
  const others = draft.plannedVfs().filter((vf) => vf.now === undefined && vf.wanted?.msixCount === undefined).length;
  if (sum + others * share > total) {
    draft.warn({
      code: "VFL-0216",
      summary: `${sum} MSI-X vectors are wanted of ${total}, and ${others} more new VFs may begin with up to ${share} each: there may be too few`,
      evidence: [{ fact: `sriov_vf_total_msix is ${total}`, from: "sriov_vf_total_msix" }],
      remedy: "say msixCount for all VFs of the PF",
    });
  }
  const steps: StepOf<"setMsixCount">[] = [];
  for (const { vfIndex, now, wanted: vf } of wanted) {
    const to = vf?.msixCount;
    if (to === undefined) continue;
    if (now !== undefined) {
      if (isUnread(now.msixCount)) {
        draft.refuseUnread(`the MSI-X vectors of VF ${vfIndex}`, now.msixCount, vfIndex);
        continue;
      }
      if (now.msixCount === to) continue;
      if (!requireUnused(draft, [now], "would lose its driver while its vectors change")) continue;
      if (now.driver !== null) draft.released.add(vfIndex);
    }
    const from = now === undefined ? null : (known(now.msixCount) ?? null);
    steps.push({ kind: "setMsixCount", pf: pf.bdf, vfIndex, from, to });
  }
  // What one VF gives back another can have.
  const more = ({ from, to }: StepOf<"setMsixCount">) => to - (from ?? share);
  draft.add("vectors", ...steps.toSorted((a, b) => more(a) - more(b)));
}
